"""The data of the works: real, from packages or files on this machine, the same in every process.

Each function returns training and validation as `((x, y), (x, y))`, float32 or int32 arrays, and
nothing is downloaded, except Fashion-MNIST by Keras where its Debian package is not installed.
"""

import csv
import gzip
import importlib.util
import io
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

Split = tuple[Any, Any]
CONTEXT = 48  # characters that the transformer sees
WINDOW = 64  # and the text classifier
ALPHABET = 97  # newline, the printable characters of ASCII, and one for all others
SOURCES = ("argparse", "ast", "calendar", "difflib", "inspect", "subprocess", "tarfile", "typing")


def digits(image: bool = False) -> tuple[Split, Split]:
    """Return scikit-learn's digits, 8 × 8 grey pixels, cut as the built-in task cuts them."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype("float32")
    x, y = _shuffled(x.reshape(-1, 8, 8, 1) if image else x, y)
    return (x[:1077], y[:1077]), (x[1077:1437], y[1077:1437])  # the rest is the task's test set


def digit_images() -> tuple[Split, Split]:
    return digits(image=True)


def segments() -> tuple[Split, Split]:
    """Return River's image segments: 18 measurements of a patch, 7 kinds of surface.

    Read from the package's file, without importing River.
    """
    spec = importlib.util.find_spec("river")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the tabular work needs the file in river; pip install 'river==0.26.*'")
    place = Path(spec.submodule_search_locations[0]) / "datasets" / "segment.csv.zip"
    with zipfile.ZipFile(place) as packed:
        _, *rows = csv.reader(io.StringIO(packed.read(packed.namelist()[0]).decode()))
    kinds = sorted({row[-1] for row in rows})
    x = np.array([[float(value) for value in row[:-1]] for row in rows])
    x, y = _shuffled(x, [kinds.index(row[-1]) for row in rows])
    mean, deviation = x[:1850].mean(axis=0), x[:1850].std(axis=0) + 1e-9
    x = ((x - mean) / deviation).astype("float32")
    return (x[:1850], y[:1850]), (x[1850:], y[1850:])


def fashion() -> tuple[Split, Split]:
    """Return the first 4,000 training images of Fashion-MNIST, and 1,000 after them to validate."""
    x, y = _fashion_files()
    x = (x[:5000, :, :, None] / np.float32(255)).astype("float32")
    y = y[:5000].astype("int32")
    return (x[:4000], y[:4000]), (x[4000:], y[4000:])


def _fashion_files() -> Split:
    """Return all training images: of the Debian package, or those that Keras has or downloads."""
    for prefix in (sys.prefix, "/usr"):
        place = Path(prefix) / "share" / "datasets" / "fashion-mnist"
        if (place / "train-images-idx3-ubyte.gz").is_file():
            images = gzip.decompress((place / "train-images-idx3-ubyte.gz").read_bytes())
            labels = gzip.decompress((place / "train-labels-idx1-ubyte.gz").read_bytes())
            x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
            return x, np.frombuffer(labels, np.uint8, offset=8)
    try:
        import keras

        return keras.datasets.fashion_mnist.load_data()[0]  # type: ignore[no-any-return]
    except Exception as error:
        raise SystemExit(
            "Fashion-MNIST is neither in share/datasets/fashion-mnist (apt-get install "
            f"dataset-fashion-mnist) nor can Keras load it: {error}"
        ) from error


def prose_or_source() -> tuple[Split, Split]:
    """Return windows of 64 characters: English of Python's manual (0) or Python source (1)."""
    library = Path(sysconfig.get_path("stdlib"))
    source = "\n".join((library / f"{name}.py").read_text("utf-8") for name in SOURCES)
    parts = [_windows(text, WINDOW, 1250) for text in (_prose(), source)]
    x, y = _shuffled(np.concatenate(parts), np.repeat([0, 1], 1250))
    return (x[:2000], y[:2000]), (x[2000:], y[2000:])


def next_characters() -> tuple[Split, Split]:
    """Return windows of the manual, and the same one character on."""
    windows = _windows(_prose(), CONTEXT + 1, 1400)
    x, y = _shuffled(windows[:, :-1], windows[:, 1:])
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def _prose() -> str:
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def _windows(text: str, length: int, count: int) -> Any:
    """Return `count` windows that do not overlap, spread evenly over the text, as int32 codes."""
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int32)
    codes = np.where(codes == 10, 95, np.where((codes >= 32) & (codes < 127), codes - 32, 96))
    all_ = codes[: len(codes) // length * length].reshape(-1, length)
    return all_[np.linspace(0, len(all_) - 1, count).astype(int)].astype(np.int32)


def _shuffled(x: Any, y: Any) -> Split:
    order = np.random.default_rng(0).permutation(len(x))
    return np.ascontiguousarray(np.asarray(x)[order]), np.asarray(y, np.int32)[order]
