"""A person's data as NumPy arrays that fit each other, or an error that says why not."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from steepest.data import frames
from steepest.errors import TaskError, quoted

Scalar = Float[Any, ""]  # an array of NumPy or JAX, traced or not
Arrays = list[Shaped[Any, "..."]]  # a flat list of such arrays
Tree = Any  # an array, or nested tuples, lists and dictionaries of arrays, or None
Batch = tuple[Tree, Tree, Tree]  # x, y, sample_weight; every array is [examples, ...]


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


def as_arrays(
    tree: Tree, name: str, floatx: str = "float32", *, finite: bool = True, copy: bool | None = None
) -> Tree:
    """Return `tree` with NumPy arrays of the types that Keras would give to the model.

    Floats become `floatx` and wide integers int32, as in `fit`; text becomes objects. Floats are
    copied if `copy`, which is as `finite` where it is not given.

    Raises:
        TaskError: something is no array of numbers or text, has no examples, or, if `finite`, is
            not.
    """
    copy = finite if copy is None else copy
    return map_arrays(lambda key, value: _as_array(value, key, floatx, finite, copy), tree, name)


def _as_array(value: Any, name: str, floatx: str, finite: bool, copy: bool) -> np.ndarray[Any, Any]:
    try:
        # PyTorch's tensors may be on a device, or remember where they came from.
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if frames.is_sparse(value):
            array = frames.dense(value, name)
        array = frames.as_one_type(value, array, name)
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(
            f"{name} is a {type(value).__name__}, but must be an array: {error}"
        ) from error
    text = frames.is_text(array)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16" and not text:
        raise TaskError(
            f"{name} is a {type(value).__name__} of {array.dtype}, but must be an array of "
            "numbers, or something that gives batches of them: turn what is no number into numbers"
        )
    if array.ndim == 0 or array.shape[0] == 0:
        raise TaskError(f"{name} has shape {array.shape}, but must hold at least one example")
    if text:
        return np.ascontiguousarray(array.astype(object))
    if array.dtype.kind == "f":
        array = array.astype(floatx, copy=copy)
        if finite:
            check_finite(array, name)
    elif (array.dtype.kind in "iu" and array.dtype.itemsize > 4) or array.dtype == np.uint32:
        limits = np.iinfo(np.int32)
        if array.min() < limits.min or array.max() > limits.max:
            raise TaskError(
                f"{name} holds integers beyond 32 bits, which are not taken; cast them, as in "
                "x.astype('float32')"
            )
        array = array.astype(np.int32)
    return np.ascontiguousarray(array)


def check_finite(array: np.ndarray[Any, Any], name: str) -> None:
    """Raise `TaskError` where an array of floats holds what is no finite number."""
    bad = array.size - int(np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
    if bad:
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise TaskError(
            f"{name} holds {bad} values that are NaN, infinite or too large for "
            f"{array.dtype.name}, the first at {where}; remove or replace them"
        )


def as_batch(data: Any, name: str, floatx: str = "float32", *, finite: bool = True) -> Batch:
    """Return `(x,)`, `(x, y)` or `(x, y, sample_weight)` as checked arrays.

    Without y the loss is the model's own (`add_loss`). Whether y may hold NaN is for the loss to
    say: a person's own may leave such targets out. See `labels.check_labels`.

    Raises:
        TaskError: `data` is neither, or its arrays do not hold the same number of examples.
    """
    x, y, weight = parts(data, name)
    prefix = prefix_of(name)
    batch = (
        as_arrays(x, f"{prefix}x", floatx, finite=finite),
        as_arrays(y, f"{prefix}y", floatx, finite=False, copy=finite),
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
    data = data if isinstance(data, list | tuple) else (data,)  # x alone, as in fit
    if not 1 <= len(data) <= 3:
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


def check_counts(**counts: Any) -> None:
    """Raise `TaskError` where something that is counted is no whole number of at least 1."""
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise TaskError(f"{name} is {quoted(value)}, but must be a whole number of at least 1")


def check_arguments(initial_weights: Any, shuffle: Any, validation_split: Any) -> None:
    """Raise `TaskError` where one of these is not what it must be, whatever the framework."""
    if not isinstance(initial_weights, str) or initial_weights not in ("fresh", "given"):
        raise TaskError(
            f"initial_weights is {quoted(initial_weights)}, but must be 'fresh' or 'given'"
        )
    if not isinstance(shuffle, bool | np.bool_):
        raise TaskError(
            f"shuffle is {quoted(shuffle)}, but must be True, or False to keep the given order in "
            "every epoch"
        )
    plain = isinstance(validation_split, Real) and not isinstance(validation_split, bool)
    if not plain or abs(validation_split) > 1e9:  # before it is made a float, which has an end
        raise TaskError(
            f"validation_split is {quoted(validation_split)}, but must be a number like 0.2"
        )
