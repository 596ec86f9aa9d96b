"""Data frames of pandas, sparse matrices of SciPy and arrays of objects, as arrays of one type.

Libraries are told by the names of their modules, so that none is imported for its name alone.
"""

from typing import Any

import numpy as np

from steepest.errors import TaskError, quoted

Array = np.ndarray[Any, Any]

DENSE_BYTES = 2**30  # of a sparse matrix that is made dense without asking
_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)


def is_sparse(value: Any) -> bool:
    """Whether `value` is a sparse matrix or array of SciPy."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "toarray")


def dense(value: Any, name: str) -> Array:
    """Return a sparse matrix as an array.

    Raises:
        TaskError: it would take more than `DENSE_BYTES`.
    """
    size = int(np.prod(value.shape, dtype=object)) * int(value.dtype.itemsize)
    if size > DENSE_BYTES:
        raise TaskError(
            f"{name} is a sparse {type(value).__name__} of shape {value.shape}, which takes "
            f"{size:,} bytes as an array; where memory holds them, give it as .toarray(), and else "
            "a function that yields batches of it, each made dense by .toarray()"
        )
    return np.asarray(value.toarray())


def as_one_type(value: Any, array: Array, name: str) -> Array:
    """Return `array`, made of `value`, as numbers where its objects are numbers.

    The columns of a data frame may be of several types, which NumPy holds as objects.

    Raises:
        TaskError: columns of a frame hold no numbers; the message names them.
    """
    if array.dtype.kind == "T":  # NumPy's strings of any length
        return array.astype(object)
    if array.dtype.kind != "O" or is_text(array):
        return array
    if not type(value).__module__.startswith("pandas"):
        return _numbers(array)
    if array.ndim != 2:
        return _column(value)
    columns = {key: _column(value.iloc[:, i]) for i, key in enumerate(value.columns)}
    bad = [key for key, column in columns.items() if column.dtype.kind not in "fiub"]
    if bad:
        raise TaskError(
            f"{name} has columns that hold no numbers, {', '.join(map(quoted, bad[:4]))}"
            f"{', ...' if len(bad) > 4 else ''}; turn each into numbers, as with pandas.get_dummies"
            "(frame), or leave it out"
        )
    return np.column_stack(list(columns.values()))


def is_text(array: Array) -> bool:
    """Whether `array` holds text: nothing but strings or bytes."""
    if array.dtype.kind in "UST":
        return True
    return (
        array.dtype.kind == "O"
        and array.size > 0
        and all(isinstance(one, str | bytes) for one in array.flat)
    )


def _column(series: Any) -> Array:
    """Return one column. Numbers that may be missing (Int64, boolean) have NaN where they are."""
    array = np.asarray(series)
    if array.dtype.kind == "O" and getattr(series.dtype, "kind", "O") in "fiub":
        whole = not bool(series.isna().any())
        kind = np.dtype(series.dtype.kind + "8") if series.dtype.kind != "b" else np.dtype(bool)
        return np.asarray(
            series.to_numpy(dtype=kind) if whole else series.to_numpy("float64", na_value=np.nan)
        )
    return _numbers(array) if array.dtype.kind == "O" else array


def _numbers(array: Array) -> Array:
    """Return an array of objects as one of numbers, where all of them are; else as it is."""
    kinds = set(map(type, array.flat))
    if not kinds or not all(issubclass(kind, _NUMBERS) for kind in kinds):
        return array
    return np.array(array.tolist())
