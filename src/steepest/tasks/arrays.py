"""A person's data as NumPy arrays that fit each other, or an error that says what does not."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError, quoted
from steepest.tasks.task import Batch, Tree


def map_arrays(function: Callable[[str, Any], Any], tree: Tree, name: str) -> Tree:
    """Apply `function(name, array)` to each array of `tree`; None stays None."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        return {k: map_arrays(function, v, f"{name}[{quoted(k)}]") for k, v in tree.items()}
    # A list of numbers is an array to Keras; a list of arrays is several inputs.
    if isinstance(tree, list | tuple) and any(hasattr(part, "shape") for part in tree):
        return type(tree)(map_arrays(function, v, f"{name}[{i}]") for i, v in enumerate(tree))
    return function(name, tree)


def leaves(tree: Tree, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of `tree` by a name a person would know them by."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    map_arrays(lambda key, value: found.setdefault(key, value), tree, name)
    return found


def as_arrays(tree: Tree, name: str, floatx: str = "float32", *, finite: bool = True) -> Tree:
    """Return `tree` with NumPy arrays of the types that Keras would give to the model.

    Floats become `floatx` and wide integers int32, as in `fit`.

    Raises:
        TaskError: something is no array of numbers, has no examples, or, if `finite`, is not.
    """
    return map_arrays(lambda key, value: _as_array(value, key, floatx, finite), tree, name)


def _as_array(value: Any, name: str, floatx: str, finite: bool) -> np.ndarray[Any, Any]:
    try:
        # PyTorch's tensors may be on a device, or remember where they came from.
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except Exception as error:
        raise TaskError(
            f"{name} is a {type(value).__name__}, but must be an array: {error}"
        ) from error
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TaskError(
            f"{name} is a {type(value).__name__} of {array.dtype}, but must be an array of "
            "numbers, or something that gives batches of them: turn strings and lists into arrays"
        )
    if array.ndim == 0 or array.shape[0] == 0:
        raise TaskError(f"{name} has shape {array.shape}, but must hold at least one example")
    if array.dtype.kind == "f":
        array = array.astype(floatx, copy=finite)
        bad = array.size - int(np.isfinite(array).sum()) if finite else 0
        if bad:
            where = np.argwhere(~np.isfinite(array))[0].tolist()
            raise TaskError(
                f"{name} holds {bad} values that are NaN, infinite or too large for {floatx}, the "
                f"first at {where}; remove or replace them"
            )
    elif (array.dtype.kind in "iu" and array.dtype.itemsize > 4) or array.dtype == np.uint32:
        limits = np.iinfo(np.int32)
        if array.min() < limits.min or array.max() > limits.max:
            raise TaskError(
                f"{name} holds integers beyond 32 bits, which are not taken; cast them, as in "
                "x.astype('float32')"
            )
        array = array.astype(np.int32)
    return np.ascontiguousarray(array)


def as_batch(data: Any, name: str, floatx: str = "float32", *, finite: bool = True) -> Batch:
    """Return `(x,)`, `(x, y)` or `(x, y, sample_weight)` as checked arrays.

    Without y the loss is the model's own (`add_loss`).

    Raises:
        TaskError: `data` is neither, or its arrays do not hold the same number of examples.
    """
    x, y, weight = parts(data, name)
    prefix = prefix_of(name)
    batch = (
        as_arrays(x, f"{prefix}x", floatx, finite=finite),
        as_arrays(y, f"{prefix}y", floatx, finite=finite),
        as_arrays(weight, f"{prefix}sample_weight", floatx, finite=finite),
    )
    check_sizes(batch, prefix)
    return batch


def check_sizes(batch: Batch, prefix: str) -> None:
    """Raise `TaskError` where arrays do not hold the same number of examples."""
    sizes = {key: len(array) for part in _named(batch, prefix) for key, array in part.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{key} has {size}" for key, size in sizes.items())
        raise TaskError(f"the numbers of examples do not fit each other: {listed}")


def parts(data: Any, name: str) -> tuple[Any, Any, Any]:
    """Return x, y and sample_weight of what a person gave as one, without looking at them.

    Raises:
        TaskError: `data` is no tuple of them.
    """
    if not isinstance(data, list | tuple) or not 1 <= len(data) <= 3:
        raise TaskError(f"{name} must be (x, y) or (x, y, sample_weight), as in fit")
    x, y, weight = (*data, None, None)[:3]
    if x is None:
        raise TaskError(f"{prefix_of(name)}x is missing; give it as arrays or as a stream")
    return x, y, weight


def prefix_of(name: str) -> str:
    """Return what stands before "x" in the name of an array of the data called `name`."""
    return "" if name == "training data" else f"{name}: "


Shapes = tuple[tuple[str, tuple[int, ...], str], ...]


def shapes(batch: Batch) -> Shapes:
    """Return name, shape and type of each array."""
    found = {key: array for part in _named(batch, "") for key, array in part.items()}
    return tuple((key, array.shape, array.dtype.name) for key, array in found.items())


def said(shapes: Shapes) -> str:
    """Return shapes and types as a part of a sentence."""
    return ", ".join(f"{key} of shape {shape} and {kind}" for key, shape, kind in shapes)


def _named(batch: Batch, prefix: str) -> list[dict[str, np.ndarray[Any, Any]]]:
    names = ("x", "y", "sample_weight")
    return [leaves(tree, prefix + key) for tree, key in zip(batch, names, strict=True)]


def size(batch: Batch) -> int:
    """Return the number of examples."""
    return len(next(iter(leaves(batch[0], "x").values())))


def rows(batch: Batch, index: Any) -> Batch:
    """Return the examples at `index`, a slice or an array of positions."""
    x, y, weight = (map_arrays(lambda _, array: array[index], tree, "") for tree in batch)
    return x, y, weight


def split(batch: Batch, share: float) -> tuple[Batch, Batch]:
    """Cut the last `share` of the examples off for validation, before any shuffling, as in `fit`.

    Raises:
        TaskError: a part would be empty.
    """
    if not 0 < share < 1:
        raise TaskError(f"validation_split is {share}, but must be between 0 and 1, such as 0.2")
    count = size(batch)
    at = int(np.floor(count * (1.0 - share)))
    if at in (0, count):
        raise TaskError(
            f"validation_split {share} of {count} examples leaves a part without any; "
            "choose another or give validation_data"
        )
    return rows(batch, slice(0, at)), rows(batch, slice(at, None))
