"""Are the labels of the validation set like those of the training set?

A set that was cut off sorted data is not, and then says little of what was learnt. Labels are held
against what random cuts of all labels give, so that a random cut is practically never spoken of.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from steepest.data.arrays import Tree
from steepest.data.stream import Data, Stream
from steepest.tasks.keras.labels import counted, kind_of, pairs

Array = np.ndarray[Any, Any]

_FAR = 0.2  # shares differ by far: so much of one set would have to be of other classes
_DRAWS = 5000  # random cuts, of which none may differ as much
_NUMBERS = 4_000_000  # drawn at most
_DEVIATIONS = 5.0  # by which it has to be farther than they are on average
_CHANCE = 1e-3  # of a random cut that gives all examples of a class to validation

_CLASSES = (
    "sparsecategoricalcrossentropy",
    *("categoricalcrossentropy", "categoricalfocalcrossentropy"),
    *("binarycrossentropy", "binaryfocalcrossentropy"),
)
_NUMERIC = ("meansquarederror", "meanabsoluteerror", "huber", "logcosh")


def notes(keras: Any, model: Any, training: Data, validation: Data, output: Tree) -> list[str]:
    """Return what is to be said of labels, of arrays in memory."""
    if isinstance(training, Stream) or isinstance(validation, Stream):
        return []
    sides = [list(_labels(keras, model.loss, one, output)) for one in (training, validation)]
    several = len(sides[0]) > 1
    found = []
    for (name, kind, mine), (_, _, other) in zip(*sides, strict=False):
        found += compared(kind, mine, other, f" of {name}" if several else "")
    return found


def compared(kind: str, training: Array, validation: Array, of: str = "") -> list[str]:
    """Return a sentence where validation's "classes" or "numbers" are unlike training's.

    `of` says of which output they are.
    """
    unlike = _of_classes if kind == "classes" else _of_numbers
    said = unlike(training, validation)
    if not said:
        return []
    return [
        f"validation holds {said.format(of=of)}; unless the order is one in time, shuffle "
        "before the data is cut (validation_split takes the last examples), or give "
        "validation_data of the same kind"
    ]


def _labels(keras: Any, loss: Any, data: Any, output: Tree) -> Iterator[tuple[str, str, Array]]:
    """Yield the name of each output, whether its labels are classes, and those that count."""
    _, y, sample_weight = data
    for name, labels, made, one, weight in pairs(loss, y, output, "y", sample_weight):
        kind = kind_of(keras, one) if made is not None else ""
        if kind in _CLASSES:
            if kind.startswith("binary") and labels.size != len(labels):
                continue  # of several labels at a time
            if kind.startswith("categorical"):
                labels = np.argmax(labels, axis=-1)
            elif labels.ndim > 1 and labels.shape[-1] == 1:
                labels = labels[..., 0]
            labels = counted(labels, weight)
            ignored = getattr(one, "ignore_class", None)
            labels = labels if ignored is None else labels[labels != ignored]
            whole = np.array_equal(labels, np.floor(labels))  # smoothed ones are not
            yield name, "classes", labels if whole else labels[:0]
        elif kind in _NUMERIC and labels.size == len(labels):
            yield name, "numbers", counted(labels, weight)


def _of_classes(training: Array, validation: Array) -> str:
    """Return how the classes of validation are not those of training; "" where they are."""
    if not training.size or not validation.size:
        return ""
    classes, where = np.unique(np.concatenate([training, validation]), return_inverse=True)
    where = where.reshape(-1)
    mine, other = (
        np.bincount(part, minlength=len(classes))
        for part in (where[: training.size], where[training.size :])
    )
    share = validation.size / (training.size + validation.size)
    unseen = np.flatnonzero((mine == 0) & (other > 0)).tolist()
    if any(len(classes) * share ** int(other[i]) < _CHANCE for i in unseen):
        count, listed = int(sum(other[i] for i in unseen)), _listed(classes[unseen])
        word = "the class" if len(unseen) == 1 else "the classes"
        return f"{count} labels{{of}} of {word} {listed}, which training never has"
    far, most = _distance(mine, other), int(np.argmax(np.abs(_share(other) - _share(mine))))
    if far < _FAR or not _surely(mine, other, far):
        return ""
    return (
        f"other shares of the classes{{of}} than training: {classes[most]:g} is "
        f"{100 * _share(other)[most]:.0f} % of its labels and {100 * _share(mine)[most]:.0f} % of "
        "training's"
    )


def _surely(mine: Array, other: Array, far: float) -> bool:
    """Whether no random cut of all labels gives shares that differ as much."""
    every = 1 / mine.sum() + 1 / other.sum()
    shares = _share(mine + other)
    usual = 0.4 * np.sqrt(shares * (1 - shares) * every).sum()  # of random cuts, roughly
    if far < usual + 0.5 * np.sqrt(every):  # by which it scatters at most
        return False
    draws = max(100, min(_DRAWS, _NUMBERS // len(mine)))
    random = np.random.default_rng(0)
    cuts = random.multivariate_hypergeometric(
        mine + other, int(other.sum()), size=draws, method="marginals"
    )
    found = np.abs(cuts / other.sum() - (mine + other - cuts) / mine.sum()).sum(axis=1) / 2
    return bool(far > found.max() and far > found.mean() + _DEVIATIONS * max(found.std(), 1e-12))


def _distance(mine: Array, other: Array) -> float:
    """Return the total variation between the shares: 0 where they are alike, 1 at most."""
    return float(np.abs(_share(mine) - _share(other)).sum() / 2)


def _share(counts: Array) -> Array:
    found: Array = counts / counts.sum()
    return found


def _of_numbers(training: Array, validation: Array) -> str:
    """Return how far the targets of validation lie beyond those of training; "" where not."""
    if training.size < 2 or not validation.size:
        return ""
    low, high = float(training.min()), float(training.max())
    beyond = int(((validation < low) | (validation > high)).sum())
    # Of random cuts, a target is beyond with a chance of 2 / (training examples + 1).
    expected = validation.size * 2 / (training.size + 1)
    if beyond < validation.size / 4 or beyond < expected + 10 * np.sqrt(expected) + 5:
        return ""
    return (
        f"{beyond} targets{{of}} of {validation.size} that lie beyond all of training's, which go "
        f"from {low:.4g} to {high:.4g}"
    )


def _listed(classes: Any) -> str:
    return ", ".join(f"{one:g}" for one in classes[:5]) + (", ..." if len(classes) > 5 else "")
