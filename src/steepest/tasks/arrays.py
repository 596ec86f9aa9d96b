"""A person's data as NumPy arrays that fit each other, or an error that says what does not."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError
from steepest.tasks.task import Batch, Tree


def map_arrays(function: Callable[[str, Any], Any], tree: Tree, name: str) -> Tree:
    """Apply `function(name, array)` to each array of `tree`; None stays None."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        return {k: map_arrays(function, v, f"{name}[{k!r}]") for k, v in tree.items()}
    # A list of numbers is an array to Keras; a list of arrays is several inputs.
    if isinstance(tree, list | tuple) and any(hasattr(part, "shape") for part in tree):
        return type(tree)(map_arrays(function, v, f"{name}[{i}]") for i, v in enumerate(tree))
    return function(name, tree)


def leaves(tree: Tree, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of `tree` by a name a person would know them by."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    map_arrays(lambda key, value: found.setdefault(key, value), tree, name)
    return found


def as_arrays(tree: Tree, name: str, floatx: str = "float32") -> Tree:
    """Return `tree` with NumPy arrays of the types that Keras would give to the model.

    Floats become `floatx` and wide integers int32, as in `fit`.

    Raises:
        TaskError: something is no array of numbers, has no examples, or is not finite.
    """
    return map_arrays(lambda key, value: _as_array(value, key, floatx), tree, name)


def _as_array(value: Any, name: str, floatx: str) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except Exception as error:
        raise TaskError(
            f"{name} is a {type(value).__name__}, but must be an array: {error}"
        ) from error
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TaskError(
            f"{name} is a {type(value).__name__} of {array.dtype}, but must be an array of "
            "numbers; turn data sets, generators and strings into arrays first"
        )
    if array.ndim == 0 or array.shape[0] == 0:
        raise TaskError(f"{name} has shape {array.shape}, but must hold at least one example")
    if array.dtype.kind == "f":
        array = array.astype(floatx)
        bad = array.size - int(np.isfinite(array).sum())
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
                f"{name} holds integers beyond 32 bits, which JAX would wrap; cast them"
            )
        array = array.astype(np.int32)
    return np.ascontiguousarray(array)


def as_batch(data: Any, name: str, floatx: str = "float32") -> Batch:
    """Return `(x, y)` or `(x, y, sample_weight)` as checked arrays.

    Raises:
        TaskError: `data` is neither, or its arrays do not hold the same number of examples.
    """
    if not isinstance(data, list | tuple) or len(data) not in (2, 3):
        raise TaskError(f"{name} must be (x, y) or (x, y, sample_weight), as in fit")
    prefix = "" if name == "training data" else f"{name}: "
    x, y, weight = (*data, None)[:3]
    if x is None or y is None:
        raise TaskError(
            f"{prefix}{'x' if x is None else 'y'} is missing; give both as arrays (generators and "
            "data sets are not taken yet)"
        )
    batch = (
        as_arrays(x, f"{prefix}x", floatx),
        as_arrays(y, f"{prefix}y", floatx),
        as_arrays(weight, f"{prefix}sample_weight", floatx),
    )
    sizes = {key: len(array) for part in _named(batch, prefix) for key, array in part.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{key} has {size}" for key, size in sizes.items())
        raise TaskError(f"the numbers of examples do not fit each other: {listed}")
    return batch


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
