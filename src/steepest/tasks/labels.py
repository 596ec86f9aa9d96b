"""Do the labels fit the loss? Keras trains on some that do not, and the loss is NaN or nonsense."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError
from steepest.tasks.arrays import leaves
from steepest.tasks.task import Tree

Array = np.ndarray[Any, Any]


def check_labels(keras: Any, loss: Any, y: Tree, output: Tree, name: str) -> None:
    """Raise `TaskError` where labels cannot be what the loss expects of them.

    `output` is what the model returns, as shapes `[batch, ...]`. Losses written by the user, and
    nested structures that do not pair up, are left to the trace.
    """
    outputs = list(leaves(output, "output").values())
    labels = leaves(y, name)
    if isinstance(loss, Mapping):
        losses = list(loss.values()) if list(loss) == list(output or ()) else []
    else:
        losses = list(loss) if isinstance(loss, list | tuple) else [loss] * len(outputs)
    if not len(outputs) == len(labels) == len(losses):
        return
    for (key, array), shape, one in zip(labels.items(), outputs, losses, strict=True):
        _check_one(key, array, tuple(shape.shape), _kind(keras, one))


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


def _check_one(name: str, y: Array, output: tuple[int, ...], loss: str) -> None:
    if loss == "sparsecategoricalcrossentropy":
        _check_classes(name, y, output)
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
    elif loss:
        _check_same_shape(name, y, output)


def _check_classes(name: str, y: Array, output: tuple[int, ...]) -> None:
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
    if y.min() < 0 or y.max() >= classes:
        bad = y.min() if y.min() < 0 else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but the model has {classes} outputs, so labels must "
            f"be 0 to {classes - 1}; number the classes from 0 or give the last layer more units"
        )


def _check_between(name: str, y: Array, low: float, high: float, loss: str) -> None:
    if y.min() < low or y.max() > high:
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
