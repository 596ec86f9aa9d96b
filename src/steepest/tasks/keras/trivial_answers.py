"""One answer for every example, from labels alone; and how far inputs and targets reach.

Labels are numbers, as many as an output has, or classes, of which an output has one number each.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Tree

Array = np.ndarray[Any, Any]
Answers = dict[str, Array]  # by a name of our own; what an output would be for every example

ROWS = 4096  # training examples by which a loss chooses, and of which quantiles are taken
ELEMENTS = 2**24  # of an array that is made at once, at most
QUANTILES = (0.05, 0.1, 0.25, 0.75, 0.9, 0.95)  # for a loss that is neither's: a pinball loss
# Layers that bring inputs to a scale, or that take them as names of things.
SCALING = {"Normalization", "Rescaling", "Discretization", "Hashing", "IntegerLookup"}
NAMING = {"Embedding", "CategoryEncoding", "HashedCrossing"}


def answers(y: Array, shape: tuple[int, ...], weight: Array | None) -> Answers:
    """Return what one output could be for every example, by kind; nothing where y does not say.

    The first word of a key is its kind. `shape` is the output's, without the examples.
    """
    if _squeezed(y.shape[1:]) == _squeezed(shape):
        return _of_numbers(y, shape, weight)
    whole = y.dtype.kind in "iub" or bool(np.all(y == np.round(y)))
    if shape and whole and _squeezed(y.shape[1:]) == shape[:-1]:
        return _of_classes(y.reshape(-1), shape, weight)
    return {}


def _of_numbers(y: Array, shape: tuple[int, ...], weight: Array | None) -> Answers:
    y = y.astype(np.float64).reshape(len(y), *shape)
    if len(y) > ROWS and y.size > ELEMENTS:
        y, weight = y[:: len(y) // ROWS], None if weight is None else weight[:: len(y) // ROWS]
    weight = np.ones(len(y)) if weight is None or weight.ndim != 1 else weight
    there = np.isfinite(y)
    weights = np.broadcast_to(weight.reshape(-1, *(1 for _ in shape)), y.shape) * there
    y = np.where(there, y, 0.0)
    total = np.maximum(weights.sum(axis=0), 1e-300)
    mean = (weights * y).sum(axis=0) / total
    low, high = float(y.min()), float(y.max())
    if set(np.unique(y[:ROWS])) <= {0.0, 1.0}:  # classes that are written as numbers
        rows = bool(shape) and shape[-1] > 1 and np.allclose(y.sum(axis=-1), 1)
        classes = shape[-1] if rows else 2
        share = ((weights * y).sum(axis=0) + 1 / classes) / (total + 1)
        return {
            "shares": share,
            "shares as logarithms": np.log(share),
            "shares as log-odds": np.log(share / (1 - share)),
            "other side of more": np.where(mean > 0.5, 1.0, -1.0),
            "other more frequent": np.where(mean > 0.5, 1.0, 0.0),
        }
    places = np.arange(len(y)) if len(y) <= ROWS else np.linspace(0, len(y) - 1, ROWS).astype(int)
    some = y[places]
    found: Answers = {"mean": mean, "median": np.median(some, axis=0)}
    if low >= 0:
        found["mean as a logarithm"] = np.log(np.maximum(mean, 1e-6))
        found["other mean of logarithms"] = np.expm1(np.log1p(some).mean(axis=0))
    if low >= 0 and high <= 1:
        share = np.clip(mean, 1e-6, 1 - 1e-6)
        found["mean as log-odds"] = np.log(share / (1 - share))
    size = np.sqrt((mean**2).sum(axis=-1, keepdims=True)) if shape else np.abs(mean)
    found["other direction"] = mean / np.maximum(size, 1e-300)
    for share in QUANTILES:
        found[f"other quantile {share}"] = np.quantile(some, share, axis=0)
    found["other of small labels"] = _median(some, 1 / np.maximum(np.abs(some), 1e-7))
    return found


def _median(y: Array, weights: Array) -> Array:
    """Return the weighted median over examples, which a loss of relative errors likes best."""
    order = np.argsort(y, axis=0)
    grown = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    place = (grown >= grown[-1] / 2).argmax(axis=0)[None]
    found: Array = np.take_along_axis(np.take_along_axis(y, order, axis=0), place, axis=0)
    return np.asarray(found[0])


def _of_classes(y: Array, shape: tuple[int, ...], weight: Array | None) -> Answers:
    classes = shape[-1]
    if weight is not None and weight.size != len(y):
        weight = np.repeat(weight, len(y) // len(weight)) if weight.ndim == 1 else None
    there = (y >= 0) & (y < classes)  # others are padding, which a loss leaves out
    weights = None if weight is None else weight.reshape(-1)[there].astype(np.float64)
    counts = np.bincount(y[there].astype(int), weights, minlength=classes)
    # As if one more example were of all classes, so that none is impossible.
    share = (counts + 1 / classes) / (counts.sum() + 1)
    return {
        "shares": np.broadcast_to(share, shape),
        "shares as logarithms": np.broadcast_to(np.log(share), shape),
        "shares as log-odds": np.broadcast_to(np.log(share / np.maximum(1 - share, 1e-12)), shape),
    }


def spans(
    model: Any, x: Tree, labels: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[float, ...]]:
    """Return lowest and highest of inputs and targets that are numbers on a scale.

    Inputs are left out where a layer scales them or takes them as names, labels where they are
    classes. Of a table it is the column that reaches furthest from 0.
    """
    layers = [type(one).__name__ for one in model._flatten_layers(include_self=False)]
    first = next((one for one in layers if one != "InputLayer"), "")
    scaled = first == "BatchNormalization" or bool(SCALING & {*layers})
    return spans_of(x, labels, shapes, scaled=scaled, names=bool(NAMING & {*layers}))


def spans_of(
    x: Tree,
    labels: Mapping[str, Array],
    shapes: Mapping[str, tuple[int, ...]],
    *,
    scaled: bool,
    names: bool,
) -> dict[str, tuple[float, ...]]:
    """Return the same of a model that scales its inputs, or takes whole numbers as names."""
    found = {
        key: array
        for key, array in arrays.leaves(x, "x").items()
        if not scaled and not (names and array.dtype.kind in "iu")
    }
    for number, (key, array) in enumerate(labels.items()):
        alike = _squeezed(array.shape[1:]) == _squeezed(shapes[key])
        if alike and not set(np.unique(array[:ROWS])) <= {0, 1}:
            found["y" if len(labels) == 1 else f"y[{number}]"] = array
    told = dict(_span(key, array) for key, array in found.items() if array.dtype.kind in "fiu")
    return {key: span for key, span in told.items() if np.isfinite(span).all()}


def _span(name: str, array: Array) -> tuple[str, tuple[float, ...]]:
    if array.ndim != 2 or array.shape[1] == 1:
        return name, (float(array.min()), float(array.max()))
    low, high = array.min(axis=0).astype(float), array.max(axis=0).astype(float)
    place = int(np.argmax(np.maximum(np.abs(low), np.abs(high))))
    return f"{name}[:, {place}]", (float(low[place]), float(high[place]))


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if shape and shape[-1] == 1 else shape
