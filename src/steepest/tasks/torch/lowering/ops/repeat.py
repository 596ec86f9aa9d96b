"""Arrays repeated, windows of an axis, diagonals and triangles."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.arrays import axis, type_of
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

MANY = 64  # parts that are stacked; more are gathered


@lowers("aten.repeat.default")
def repeat(x: Any, repeats: Sequence[int]) -> Any:
    """Return `x` `repeats` times along each axis; new axes come first."""
    return jnp.tile(x.reshape((1,) * (len(repeats) - x.ndim) + x.shape), tuple(repeats))


@lowers("aten.tile.default")
def tile(x: Any, dims: Sequence[int]) -> Any:
    """Return `x` repeated along its last axes."""
    return jnp.tile(x, tuple(dims))


@lowers("aten.repeat_interleave.self_int")
def repeat_interleave(
    x: Any,
    repeats: int,
    dim: int | None = None,
    output_size: Any = None,
) -> Any:
    """Return each value `repeats` times in a row."""
    return jnp.repeat(x, repeats, axis=dim)


@lowers("aten.repeat_interleave.self_Tensor")
def repeat_interleave_each(
    x: Any, repeats: Any, dim: int | None = None, output_size: int | None = None
) -> Any:
    """Return each value as often as `repeats` says."""
    if output_size is None:
        raise NotLoweredError("aten.repeat_interleave without output_size is not lowered")
    return jnp.repeat(x, repeats, axis=dim, total_repeat_length=output_size)


@lowers("aten.unfold.default")
def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """Return windows of `size` along an axis, each beginning `step` later; they are the last."""
    dim = axis(dimension, x.ndim)
    if x.ndim == 0:
        return x.reshape(1)[:size]
    count = (x.shape[dim] - size) // step + 1
    if size > MANY:
        places = np.arange(count)[:, None] * step + np.arange(size)
        return jnp.moveaxis(jnp.take(x, places, axis=dim, mode="clip"), dim + 1, -1)
    last = (count - 1) * step + 1
    parts = [lax.slice_in_dim(x, n, n + last, step, dim) for n in range(size)]
    return jnp.stack(parts, axis=-1)


@lowers("aten.tril.default")
def tril(x: Any, diagonal: int = 0) -> Any:
    """Return the lower triangles."""
    return jnp.tril(x, diagonal)


@lowers("aten.triu.default")
def triu(x: Any, diagonal: int = 0) -> Any:
    """Return the upper triangles."""
    return jnp.triu(x, diagonal)


@lowers("aten.diagonal.default", "aten.diagonal_copy.default")
def diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """Return diagonals, along the last axis."""
    return jnp.diagonal(x, offset, dim1, dim2)


@lowers("aten.linalg_diagonal.default")
def linalg_diagonal(x: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Return diagonals of the last two axes."""
    return jnp.diagonal(x, offset, dim1, dim2)


@lowers("aten.diag_embed.default")
def diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Return matrices with the last axis of `x` as a diagonal."""
    size = x.shape[-1] + abs(offset)
    places = np.arange(x.shape[-1])
    empty = jnp.zeros((*x.shape[:-1], size, size), x.dtype)
    full = empty.at[..., places + max(-offset, 0), places + max(offset, 0)].set(x)
    return jnp.moveaxis(full, (-2, -1), (dim1, dim2))


@lowers("aten.diag.default")
def diag(x: Any, diagonal: int = 0) -> Any:
    """Return a vector's matrix, or a matrix' diagonal."""
    return diag_embed(x, diagonal) if x.ndim == 1 else jnp.diagonal(x, diagonal)


@lowers("aten.block_diag.default")
def block_diag(tensors: Sequence[Any]) -> Any:
    """Return the matrices along a diagonal."""
    matrices = [jnp.atleast_2d(x) for x in tensors]
    rows, columns = (sum(x.shape[n] for x in matrices) for n in (0, 1))
    full = jnp.zeros((rows, columns), jnp.result_type(*matrices))
    row = column = 0
    for x in matrices:
        full = lax.dynamic_update_slice(full, x.astype(full.dtype), (row, column))
        row, column = row + x.shape[0], column + x.shape[1]
    return full


@lowers("aten.meshgrid.default", "aten.meshgrid.indexing")
def meshgrid(tensors: Sequence[Any], *, indexing: str = "ij") -> tuple[Any, ...]:
    """Return the coordinates of a grid."""
    return tuple(jnp.meshgrid(*tensors, indexing=indexing))


@lowers("aten.tril_indices.default")
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """Return the rows and columns `[2, count]` of a lower triangle."""
    return _indices(np.tri(row, col, offset) > 0, dtype)


@lowers("aten.triu_indices.default")
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """Return the rows and columns `[2, count]` of an upper triangle."""
    return _indices(np.tri(row, col, offset - 1) == 0, dtype)


def _indices(chosen: Any, dtype: Any) -> Any:
    found = np.stack(np.nonzero(chosen))
    return jnp.asarray(found, None if dtype is None else type_of(dtype))
