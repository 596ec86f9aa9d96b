"""Do the labels fit the loss? Keras trains on some that do not, and the loss is NaN or nonsense."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError, quoted
from steepest.tasks.arrays import leaves
from steepest.tasks.task import Tree

Array = np.ndarray[Any, Any]

# Losses that compare label and output element by element, and would broadcast what does not fit.
ELEMENTWISE = frozenset(
    f"mean{name}" for name in ("squarederror", "absoluteerror", "squaredlogarithmicerror")
) | {"meanabsolutepercentageerror", "huber", "logcosh", "poisson"}


def check_labels(keras: Any, loss: Any, y: Tree, output: Tree, name: str) -> None:
    """Raise `TaskError` where labels cannot be what the loss expects of them.

    `output` is what the model returns, as shapes `[batch, ...]`. Losses written by the user, and
    nested structures that do not pair up, are left to the trace.
    """
    if isinstance(output, Mapping):
        if not isinstance(y, Mapping) or set(y) != set(output):
            raise TaskError(
                f"{name} must be a dictionary with the model's outputs {', '.join(output)} as keys"
            )
        for key, part in output.items():
            one = loss.get(key) if isinstance(loss, Mapping) else loss
            check_labels(keras, one, y[key], part, f"{name}[{quoted(key)}]")
        return
    outputs = list(leaves(output, "output").values())
    labels = leaves(y, name)
    losses = list(loss) if isinstance(loss, list | tuple) else [loss] * len(outputs)
    if isinstance(loss, Mapping) or not len(outputs) == len(labels) == len(losses):
        return
    for (key, array), shape, one in zip(labels.items(), outputs, losses, strict=True):
        ignored = getattr(one, "ignore_class", None)
        _check_one(key, array, tuple(shape.shape), _kind(keras, one), ignored)


def _kind(keras: Any, loss: Any) -> str:
    """Return the class name of a loss of Keras, or "" for one of the user's own."""
    try:
        found = keras.losses.get(loss)
    except ValueError:
        return ""
    name = (
        found.__name__ if callable(found) and hasattr(found, "__name__") else type(found).__name__
    )
    module = getattr(found, "__module__", "") or type(found).__module__
    if not module.startswith("keras."):
        return ""
    return name.replace("_", "").lower()


def _check_one(
    name: str, y: Array, output: tuple[int, ...], loss: str, ignored: int | None
) -> None:
    if loss == "sparsecategoricalcrossentropy":
        _check_classes(name, y, output, ignored)
    elif loss == "categoricalcrossentropy":
        if y.shape[1:] != output[1:]:
            raise TaskError(
                f"{name} has shape {y.shape}, but categorical_crossentropy needs one-hot rows like "
                f"the model's output {('n', *output[1:])}; use sparse_categorical_crossentropy for "
                "whole-number labels"
            )
        _check_between(name, y, 0, 1, loss)
    elif loss.startswith("binary") and "crossentropy" in loss:
        _check_same_shape(name, y, output)
        _check_between(name, y, 0, 1, loss)
    elif loss in ELEMENTWISE:
        _check_same_shape(name, y, output)


def _check_classes(name: str, y: Array, output: tuple[int, ...], ignored: int | None) -> None:
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
    y = y if ignored is None else y[y != ignored]
    if y.size and (y.min() < 0 or y.max() >= classes):
        bad = y.min() if y.min() < 0 else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but the model has {classes} outputs, so labels must "
            f"be 0 to {classes - 1}; number the classes from 0 or give the last layer more units"
        )


def _check_between(name: str, y: Array, low: float, high: float, loss: str) -> None:
    tolerance = 1e-5  # labels may be the rounded result of smoothing
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
