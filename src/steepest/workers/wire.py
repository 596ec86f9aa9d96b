"""Nested plain values and arrays as bytes, and back: what goes to a worker and comes from it.

A line of JSON says how it is nested, the arrays' bytes follow. Reading it runs nothing, which is
why it is no pickle.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

ALIGNED = 64  # bytes: an array that is read where it lies begins at a multiple of this
_PLAIN = (bool, int, float, str)


def pack(value: Any) -> bytes:
    """Return `value` as bytes: None, numbers, text, lists, tuples, mappings and arrays of numbers.

    Raises:
        TypeError: something in it is none of these.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    form = _form(value, arrays)
    kinds = [[_kind(array.dtype), list(array.shape)] for array in arrays]
    head = json.dumps([form, kinds]).encode()
    pieces: list[bytes | memoryview] = [len(head).to_bytes(8, "little"), head]
    place = 8 + len(head)
    for array in arrays:
        gap = -place % ALIGNED
        # What has no dimension would get one.
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        pieces += [bytes(gap), data]
        place += gap + len(data)
    return b"".join(pieces)


def unpack(data: Any, copy: bool = True) -> Any:
    """Return what `pack` was given; without `copy` arrays are read-only, where they lie in `data`.

    `data` is bytes, or anything that is read as bytes.
    """
    view = memoryview(data).cast("B")
    size = int.from_bytes(view[:8], "little")
    form, kinds = json.loads(bytes(view[8 : 8 + size]))
    place, arrays = 8 + size, []
    for name, shape in kinds:
        place += -place % ALIGNED
        kind = np.dtype(name)
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(view, kind, count, place).reshape(shape)
        arrays.append(array.copy() if copy else array)
        place += array.nbytes
    return _value(form, arrays)


def _kind(kind: np.dtype[Any]) -> str:
    """Return the name by which NumPy makes a type again; those of `ml_dtypes` have no letters."""
    return kind.name if kind.kind == "V" else kind.str


def _form(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if type(value) is list:
        return [_form(one, arrays) for one in value]
    if type(value) is tuple:
        return {"tuple": [_form(one, arrays) for one in value]}
    if isinstance(value, Mapping):
        pairs = [[_form(key, arrays), _form(one, arrays)] for key, one in value.items()]
        return {"mapping": pairs}
    raise TypeError(f"a {type(value).__name__} is neither a plain value nor an array of numbers")


def _value(form: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(form, list):
        return [_value(one, arrays) for one in form]
    if not isinstance(form, dict):
        return form
    ((kind, what),) = form.items()
    if kind == "array":
        return arrays[what]
    if kind == "tuple":
        return tuple(_value(one, arrays) for one in what)
    return {_value(key, arrays): _value(one, arrays) for key, one in what}
