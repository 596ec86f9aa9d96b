"""The data of the tasks: real where it comes with scikit-learn or Python, generated where not.

Cut once and always in the same way. Validation sets are larger than training sets where the data
allow, since a search is judged by the loss on them.
"""

from typing import Any

import numpy as np

from benchmarks.speed import data

Split = tuple[Any, Any]
Parts = tuple[Split, Split]  # training and validation, (x, y) each

CONTEXT = 8  # characters that the model of the task text sees
WINDOW = 16  # and the recurrent one
BEFORE, WORDS, ANSWERS = 4, 400, 60  # words before a place; words known; words to be guessed
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 \n.,;:()[]'\"=_-*`"


def _cut(x: Any, y: Any, training: int) -> Parts:
    """Shuffle, always in the same way, and cut off the training set."""
    order = np.random.default_rng(0).permutation(len(x))
    x, y = np.asarray(x)[order], np.asarray(y)[order]
    return (x[:training], y[:training]), (x[training:], y[training:])


def _standardized(parts: Parts, targets: bool = False) -> Parts:
    """Bring each feature, and the targets if asked, to mean 0 and deviation 1 in training."""
    (x, y), (u, v) = parts
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    if targets:
        y, v = (y - y.mean()) / y.std(), (v - y.mean()) / y.std()
    scaled = [((a - mean) / deviation).astype("float32") for a in (x, u)]
    kind = "float32" if targets else "int32"
    return (scaled[0], y.astype(kind)), (scaled[1], v.astype(kind))


def digits() -> Parts:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _cut((x / 16).astype("float32"), y.astype("int32"), 997)


def digit_images() -> Parts:
    (x, y), (u, v) = digits()
    return (x.reshape(-1, 8, 8, 1), y), (u.reshape(-1, 8, 8, 1), v)


def halves() -> Parts:
    """Return the upper halves of the digits, and their lower halves to be drawn."""
    (x, _), (u, _) = digits()
    return (x[:, :32], x[:, 32:]), (u[:, :32], u[:, 32:])


def digits_again() -> Parts:
    """Return the digits, and the same digits to be drawn again."""
    (x, _), (u, _) = digits()
    return (x, x), (u, u)


def fashion() -> Parts:
    """Return 4,000 images of Fashion-MNIST, 14 × 14 pixels, 2,500 of them to validate."""
    (x, y), _ = data.fashion()
    x = x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
    return (x[:1500], y[:1500]), (x[1500:], y[1500:])


def segments() -> Parts:
    """Return River's image segments, half of them to validate."""
    (x, y), (u, v) = data.segments()
    x, y = np.concatenate([x, u]), np.concatenate([y, v])
    return (x[:1155], y[:1155]), (x[1155:], y[1155:])


def breast_cancer() -> Parts:
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return _standardized(_cut(x, y, 269))


def diabetes() -> Parts:
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return _standardized(_cut(x, y, 222), targets=True)


def friedman() -> Parts:
    """Return Friedman's first regression: five of ten features count, the noise is 1."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(3500, noise=1.0, random_state=0)
    return _standardized(_cut(x, y, 500), targets=True)


def moons() -> Parts:
    from sklearn.datasets import make_moons

    x, y = make_moons(3500, noise=0.2, random_state=0)
    return _cut(x.astype("float32"), y.astype("int32"), 500)


def spirals() -> Parts:
    """The points of `benchmarks/spirals.py`."""
    from benchmarks import spirals as made

    return made.spirals(1500, 0), made.spirals(700, 1)


def parity() -> Parts:
    """Ten random bits as -1 and 1, and whether an odd number of the first four is set; one answer
    in twenty is wrong."""
    random = np.random.default_rng(5)
    x = random.choice([-1.0, 1.0], (2000, 10)).astype("float32")
    odd = (x[:, :4] > 0).sum(1) % 2 != (random.random(2000) < 0.05)
    return _cut(x, odd.astype("int32"), 1000)


def adding() -> Parts:
    """Sixteen random numbers, two of them marked, and the sum of those (Hochreiter 1997), with
    noise."""
    random = np.random.default_rng(6)
    x = np.zeros((2400, 16, 2), "float32")
    x[..., 0] = random.random((2400, 16))
    for row in x:
        row[random.choice(16, 2, replace=False), 1] = 1
    sums = (x[..., 0] * x[..., 1]).sum(1) + 0.1 * random.standard_normal(len(x))
    return _cut(x, sums.astype("float32"), 1200)


def rare() -> Parts:
    """Return 20 features of two classes, of which one has 3 % of the examples."""
    from sklearn.datasets import make_classification

    x, y = make_classification(
        6000, 20, n_informative=6, weights=[0.97], class_sep=1.2, random_state=0
    )
    return _standardized(_cut(x, y, 1500))


def house_prices() -> Parts:
    """Return flats as a person types them in, nothing scaled: prices of 40 to 1,500 thousand."""
    random = np.random.default_rng(0)
    count = 3500
    area = random.gamma(6, 15, count) + 20  # m²
    rooms = np.clip(np.round(area / 28 + random.normal(0, 0.7, count)), 1, 9)
    year = random.integers(1900, 2024, count)
    centre = random.gamma(2, 4, count)  # km away
    storey = random.integers(0, 12, count)
    garden = (random.random(count) < 0.2) * random.gamma(2, 60, count)  # m²
    worth = 2.2 * area * np.exp(-0.06 * centre) * (1 + 0.25 * np.cos((year - 1900) / 25))
    price = 20 + worth + 12 * rooms + 0.25 * garden + 3 * storey
    price *= np.exp(random.normal(0, 0.1, count))
    x = np.stack([area, rooms, year, centre, storey, garden], axis=1)
    return _cut(x.astype("float32"), price.astype("float32"), 600)


def blobs() -> Parts:
    """Return noisy images of 12 × 12 pixels with one to five blobs, and how many they are."""
    random = np.random.default_rng(0)
    count = random.integers(1, 6, 2400)
    rows, columns = np.mgrid[:12, :12]
    images = random.normal(0, 0.1, (len(count), 12, 12))
    for image, blobs_ in zip(images, count, strict=True):
        for row, column in random.uniform(1, 11, (blobs_, 2)):
            image += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 1.5)
    x = images[..., None].astype("float32")
    return (x[:900], count[:900].astype("float32")), (x[900:], count[900:].astype("float32"))


def _prose() -> str:
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics)).lower()


def _characters(length: int, count: int, training: int) -> Parts:
    """Return places in the prose of Python's manual: some characters, and the next one."""
    known = {letter: i for i, letter in enumerate(LETTERS)}
    codes = np.array([known.get(letter, len(LETTERS)) for letter in _prose()], np.int32)
    places = np.linspace(0, len(codes) - length - 1, count).astype(int)
    windows = codes[places[:, None] + np.arange(length + 1)]
    return _cut(windows[:, :-1], windows[:, -1], training)


def text() -> Parts:
    return _characters(CONTEXT, 5000, 2500)


def longer_text() -> Parts:
    return _characters(WINDOW, 3700, 1200)


def words() -> Parts:
    """Return which of 400 words are among the four before a place, and the word there."""
    import re
    from collections import Counter

    found = re.findall(r"[a-z]+", _prose())
    common = {word: i for i, (word, _) in enumerate(Counter(found).most_common(WORDS))}
    codes = np.array([common.get(word, WORDS) for word in found], np.int32)
    places = np.flatnonzero(codes[BEFORE:] < ANSWERS) + BEFORE
    places = places[np.linspace(0, len(places) - 1, 6000).astype(int)]
    x = np.zeros((len(places), WORDS + 1), np.float32)
    for back in range(1, BEFORE + 1):
        x[np.arange(len(places)), codes[places - back]] = 1
    return _cut(x, codes[places], 3000)
