"""Do the labels fit the loss? Keras trains on some that do not, and the loss is NaN or nonsense."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from steepest.data.arrays import Tree, check_finite, leaves
from steepest.errors import TaskError, quoted

Array = np.ndarray[Any, Any]

# Losses that compare label and output element by element, and would broadcast what does not fit.
ELEMENTWISE = frozenset(
    f"mean{name}" for name in ("squarederror", "absoluteerror", "squaredlogarithmicerror")
) | {"meanabsolutepercentageerror", "huber", "logcosh", "poisson"}


_WRAPPER = "LossFunctionWrapper"  # Keras' class around a function that may be anybody's


def check_labels(
    keras: Any, loss: Any, y: Tree, output: Tree, name: str, sample_weight: Tree = None
) -> None:
    """Raise `TaskError` where labels cannot be what the loss expects of them.

    `output` is what the model returns, as shapes `[batch, ...]`. Losses written by the user, and
    nested structures that do not pair up, are left to the trace; so are labels without weight.
    """
    if isinstance(output, Mapping) and (not isinstance(y, Mapping) or set(y) != set(output)):
        raise TaskError(
            f"{name} must be a dictionary with the model's outputs {', '.join(output)} as keys"
        )
    for key, array, made, one, weight in pairs(loss, y, output, name, sample_weight):
        kinds = [kind_of(keras, loss) for loss in (one if made is None else [one])]
        kind = kinds[0] if kinds and all(kinds) else ""
        if kind:  # a loss of one's own may leave out targets that are NaN
            check_finite(array, key)
        if made is not None:
            ignored = getattr(one, "ignore_class", None)
            _check_one(keras, key, array, tuple(made.shape), kind, ignored, weight)


def pairs(
    loss: Any, y: Tree, output: Tree, name: str, sample_weight: Tree = None
) -> Iterator[tuple[str, Array, Any, Any, Array | None]]:
    """Yield the name and the labels of each output, the output, its loss and its weights.

    Of nested structures that do not pair up only the labels, with all losses and no output.
    """
    if isinstance(output, Mapping) and isinstance(y, Mapping) and set(y) == set(output):
        for key, part in output.items():
            one = loss.get(key) if isinstance(loss, Mapping) else loss
            weight = sample_weight.get(key) if isinstance(sample_weight, Mapping) else sample_weight
            yield from pairs(one, y[key], part, f"{name}[{quoted(key)}]", weight)
        return
    outputs = list(leaves(output, "output").values())
    labels = leaves(y, name)
    losses = list(loss) if isinstance(loss, list | tuple) else [loss] * len(outputs)
    weights = list(leaves(sample_weight, "").values())
    weights = weights if len(weights) == len(labels) else weights[:1] * len(labels)
    fits = not isinstance(loss, Mapping) and len(outputs) == len(labels) == len(losses)
    if not fits:
        losses = list(leaves(loss, "").values()) if isinstance(loss, Mapping) else losses
        for key, array in labels.items():
            yield key, array, None, losses, None
        return
    for i, (key, array) in enumerate(labels.items()):
        weight = weights[i] if weights else None
        yield key, array, outputs[i], losses[i], weight


def kind_of(keras: Any, loss: Any) -> str:
    """Return the class name of a loss of Keras, or "" for one of the user's own."""
    try:
        found = keras.losses.get(loss)
    except ValueError:
        return ""
    found = getattr(found, "fn", found) if type(found).__name__ == _WRAPPER else found
    name = (
        found.__name__ if callable(found) and hasattr(found, "__name__") else type(found).__name__
    )
    module = getattr(found, "__module__", "") or type(found).__module__
    if not module.startswith("keras."):
        return ""
    return name.replace("_", "").lower()


def _check_one(
    keras: Any,
    name: str,
    y: Array,
    output: tuple[int, ...],
    loss: str,
    ignored: int | None,
    weight: Array | None,
) -> None:
    if loss == "sparsecategoricalcrossentropy":
        _check_classes(keras, name, y, output, ignored, weight)
    elif loss == "categoricalcrossentropy":
        if y.shape[1:] != output[1:]:
            raise TaskError(
                f"{name} has shape {y.shape}, but categorical_crossentropy needs one-hot rows like "
                f"the model's output {('n', *output[1:])}; use sparse_categorical_crossentropy for "
                "whole-number labels"
            )
        _check_between(name, counted(y, weight), 0, 1, loss)
    elif loss.startswith("binary") and "crossentropy" in loss:
        _check_same_shape(name, y, output)
        _check_between(name, counted(y, weight), 0, 1, loss)
    elif loss in ELEMENTWISE:
        _check_same_shape(name, y, output)


def counted(labels: Array, weight: Array | None) -> Array:
    """Return the labels, in a row, whose weight is not 0; all where weights do not pair up."""
    if weight is None:
        return labels.reshape(-1)
    while weight.ndim > labels.ndim and weight.shape[-1] == 1:
        weight = weight[..., 0]
    weight = weight.reshape(weight.shape + (1,) * (labels.ndim - weight.ndim))
    try:
        found: Array = labels[np.broadcast_to(weight != 0, labels.shape)]
    except ValueError:
        return labels.reshape(-1)
    return found


def _check_classes(
    keras: Any,
    name: str,
    y: Array,
    output: tuple[int, ...],
    ignored: int | None,
    weight: Array | None,
) -> None:
    classes = output[-1]
    labels = y[..., 0] if y.ndim == len(output) and y.shape[-1] == 1 else y
    if labels.shape[1:] != output[1:-1]:
        raise TaskError(
            f"{name} has shape {y.shape}, but sparse_categorical_crossentropy needs one whole "
            f"number for each row of the model's output {('n', *output[1:])}; use "
            "categorical_crossentropy for one-hot labels"
        )
    if y.dtype.kind == "f" and np.any(y != np.floor(y)):
        raise TaskError(
            f"{name} holds {y[y != np.floor(y)].flat[0]:g}, but sparse_categorical_crossentropy "
            "needs whole numbers; for regression use a loss such as mse"
        )
    every, y = labels, counted(labels, weight)
    y = y if ignored is None else y[y != ignored]
    if y.size and (y.min() < 0 or y.max() >= classes):
        bad = y.min() if y.min() < 0 else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but the model has {classes} outputs, so labels must "
            f"be 0 to {classes - 1}; number the classes from 0 or give the last layer more units"
        )
    backend = keras.backend.backend()
    every = every if ignored is None else every[every != ignored]
    if backend != "jax" and every.size and (every.min() < 0 or every.max() >= classes):
        bad = every.min() if every.min() < 0 else every.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, whose sample weight is 0, but Keras' loss on "
            f"{backend} takes labels from 0 to {classes - 1} alone; write 0 where the weight is 0"
        )


def _check_between(name: str, y: Array, low: float, high: float, loss: str) -> None:
    tolerance = 1e-5  # labels may be the rounded result of smoothing
    if y.size == 0:
        return
    if y.min() < low - tolerance or y.max() > high + tolerance:
        bad = y.min() if y.min() < low else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but {loss.replace('cross', '_cross')} needs labels "
            f"from {low} to {high}; recode them, or choose the loss that fits them"
        )


def _check_same_shape(name: str, y: Array, output: tuple[int, ...]) -> None:
    def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1] if shape and shape[-1] == 1 else shape

    if squeezed(y.shape[1:]) != squeezed(output[1:]):
        raise TaskError(
            f"{name} has shape {y.shape}, but the model's output is {('n', *output[1:])}; "
            "the two must be alike for this loss"
        )
