"""What operations of all families need: types, axes, and numbers as floats."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from steepest.tasks.torch.lowering.table import NotLoweredError

# JAX' arrays, traced or not. Most of its functions return Any to a type checker, so the name is
# for the reader.
Array = Any
TYPES: dict[torch.dtype, Any] = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: jnp.bfloat16,
    torch.int64: np.int64,
    torch.int32: np.int32,
    torch.int16: np.int16,
    torch.int8: np.int8,
    torch.uint8: np.uint8,
    torch.bool: np.bool_,
}


def type_of(kind: torch.dtype) -> Any:
    """Return PyTorch's type as JAX has it: 64 bits become 32 where JAX has no more."""
    if kind not in TYPES:
        raise NotLoweredError(f"numbers of type {kind} are not lowered")
    return jax.dtypes.canonicalize_dtype(TYPES[kind])


def cast(x: Any, kind: torch.dtype | None) -> Any:
    """Return `x` as PyTorch's type `kind`; as it is where that is None or its own."""
    if kind is None:
        return x
    wanted = type_of(kind)
    return x if getattr(x, "dtype", None) == wanted else jnp.asarray(x).astype(wanted)


def is_float(x: Any) -> bool:
    """Return whether `x`, an array or a number, has a floating-point type."""
    return bool(jnp.issubdtype(jnp.result_type(x), jnp.floating))


def floated(x: Any) -> Array:
    """Return `x` as it is if it is of a floating type, else in JAX' default one."""
    x = jnp.asarray(x)
    return x if is_float(x) else x.astype(jnp.result_type(float))


def size(x: Any) -> Array:
    """Return the absolute value, of gradient 0 at 0, where that of JAX is 1."""
    x = jnp.asarray(x)
    return x * lax.stop_gradient(lax.sign(x)) if is_float(x) else jnp.abs(x)


def axis(dim: int, ndim: int) -> int:
    """Return an axis counted from the front; a scalar has one axis, as in PyTorch."""
    return dim % max(ndim, 1)


def axes(dims: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return axes counted from the front: all for None and for an empty list."""
    if dims is None or (not isinstance(dims, int) and len(dims) == 0):
        return tuple(range(ndim))
    if isinstance(dims, int):
        dims = (dims,)
    return tuple(axis(dim, ndim) for dim in dims) if ndim else ()
