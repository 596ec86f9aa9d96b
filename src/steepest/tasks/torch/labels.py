"""Do the targets fit the loss? PyTorch trains on some that do not, and the loss is nonsense."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steepest.data.arrays import check_finite
from steepest.errors import TaskError

Array = np.ndarray[Any, Any]

# PyTorch's functions by the classes that call them.
_CLASSES: Mapping[str, str] = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
}
CLASSES = ("CrossEntropyLoss", "NLLLoss")
BINARY = ("BCELoss", "BCEWithLogitsLoss")
NUMERIC = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


def kind_of(loss: Any) -> str:
    """Return the class name of a loss of PyTorch, also of its function; "" of another one."""
    thing = loss if hasattr(loss, "__name__") else type(loss)
    if not str(getattr(thing, "__module__", "")).startswith("torch."):
        return ""
    name = str(thing.__name__)
    return _CLASSES.get(name, name)


def check_labels(loss: Any, y: Any, kind: torch.dtype, output: Any, name: str) -> None:
    """Raise `TaskError` where targets cannot be what a loss of PyTorch expects of them.

    `y` are all targets, `kind` is their type in PyTorch; `output` is what the module returns for a
    batch `[examples, ...]`. A person's own loss is left to itself.
    """
    what = kind_of(loss)
    if what not in (*CLASSES, *BINARY, *NUMERIC) or not isinstance(y, np.ndarray):
        return
    if not isinstance(output, Tensor):
        raise TaskError(
            f"the module returns a {type(output).__name__}, but {what} takes one tensor; let it "
            "return the tensor alone, or give step=lambda module, batch: ..., which returns the "
            "loss of a batch"
        )
    check_finite(y, name)
    shape = tuple(output.shape[1:])
    if what in CLASSES:
        _check_classes(loss, what, y, kind, shape, name)
    else:
        _check_numbers(what, y, kind, shape, name)


def _check_classes(
    loss: Any, what: str, y: Array, kind: torch.dtype, shape: tuple[int, ...], name: str
) -> None:
    if not shape:
        raise TaskError(
            f"the module's output has shape (n,), but {what} needs a number for each class, of "
            "shape (n, classes); give the last layer as many units, or use BCEWithLogitsLoss for "
            "two classes"
        )
    classes, where = shape[0], shape[1:]
    shares = kind.is_floating_point and y.shape[1:] == shape
    if shares and what == "CrossEntropyLoss":
        if y.min() < 0:
            raise TaskError(f"{name} holds {y.min():g}, but probabilities must not be negative")
        return
    if y.shape[1:] != where:
        cut = " (y.squeeze(1) makes them of y)" if y.shape[1:] == (1, *where) else ""
        raise TaskError(
            f"{name} has shape {y.shape}, but {what} needs the number of a class for each row of "
            f"the output {('n', *shape)}, of shape {('n', *where)}{cut}"
        )
    if kind.is_floating_point:
        raise TaskError(
            f"{name} holds {_typed(kind)}, but {what} needs the numbers of classes as whole "
            "numbers; give y.long(), or for regression a loss such as MSELoss"
        )
    if kind not in (torch.int64, torch.uint8):
        raise TaskError(f"{name} holds {_typed(kind)}, but {what} needs int64; give y.long()")
    ignored = getattr(loss, "ignore_index", -100)
    y = y[y != ignored]
    if y.size and (y.min() < 0 or y.max() >= classes):
        bad = y.min() if y.min() < 0 else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but the module has {classes} outputs, so labels must "
            f"be 0 to {classes - 1}; number the classes from 0 or give the last layer more units"
        )
    if classes == 1:
        raise TaskError(
            f"the module has 1 output, of which {what} is always 0; give the last layer an output "
            "for each class, or use BCEWithLogitsLoss for two"
        )


def _check_numbers(
    what: str, y: Array, kind: torch.dtype, shape: tuple[int, ...], name: str
) -> None:
    if y.shape[1:] != shape:
        one = _squeezed(y.shape[1:]) == _squeezed(shape)
        way = "give y.unsqueeze(1)" if len(shape) > y.ndim - 1 else "give y.squeeze(1)"
        said = "PyTorch would compare each with all others; " if what in NUMERIC and one else ""
        raise TaskError(
            f"{name} has shape {y.shape}, but the module's output is {('n', *shape)} and {what} "
            f"needs the two alike; {said}{way if one else 'change one of them'}"
        )
    if not kind.is_floating_point:
        raise TaskError(
            f"{name} holds {_typed(kind)}, but {what} needs floats like the output; give y.float()"
        )
    if what in BINARY and y.size and (y.min() < 0 or y.max() > 1):
        bad = y.min() if y.min() < 0 else y.max()
        raise TaskError(
            f"{name} holds the label {bad:g}, but {what} needs labels from 0 to 1; recode them, or "
            "choose the loss that fits them"
        )


def _typed(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:-1] if shape and shape[-1] == 1 else shape
