"""Views and parts: what changes the shape or the order of an array, and no value."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.arrays import axes, axis
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

# ---- shapes


@lowers("aten.view.default", "aten.reshape.default", "aten._unsafe_view.default")
@lowers("aten._reshape_alias.default", "aten.view_copy.default")
def view(x: Any, size: Sequence[int], stride: Any = None) -> Any:
    """Return `x` in the shape `size`, of which one may be -1."""
    return jnp.reshape(x, tuple(size))


@lowers("aten.view_as.default", "aten.reshape_as.default")
def view_as(x: Any, other: Any) -> Any:
    """Return `x` in the shape of `other`."""
    return jnp.reshape(x, other.shape)


@lowers("aten.ravel.default")
def ravel(x: Any) -> Any:
    """Return `x` as a vector."""
    return jnp.ravel(x)


@lowers("aten.flatten.using_ints")
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Return `x` with the axes from `start_dim` to `end_dim` as one."""
    if x.ndim == 0:
        return x.reshape(1)
    first, last = axis(start_dim, x.ndim), axis(end_dim, x.ndim)
    flat = math.prod(x.shape[first : last + 1])
    return x.reshape(*x.shape[:first], flat, *x.shape[last + 1 :])


@lowers("aten.unflatten.int")
def unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    """Return `x` with the axis `dim` as several."""
    dim = axis(dim, x.ndim)
    known = math.prod(n for n in sizes if n != -1)
    full = [x.shape[dim] // known if n == -1 else n for n in sizes]
    return x.reshape(*x.shape[:dim], *full, *x.shape[dim + 1 :])


@lowers("aten.squeeze.default", "aten.squeeze.dim", "aten.squeeze.dims")
@lowers("aten.squeeze_copy.default", "aten.squeeze_copy.dim", "aten.squeeze_copy.dims")
def squeeze(x: Any, dim: int | Sequence[int] | None = None) -> Any:
    """Return `x` without its axes of length 1, or without those of them that are in `dim`."""
    chosen = range(x.ndim) if dim is None else axes(dim, x.ndim) if dim != () else ()
    return lax.squeeze(x, [n for n in chosen if x.shape[n] == 1])


@lowers("aten.unsqueeze.default")
def unsqueeze(x: Any, dim: int) -> Any:
    """Return `x` with an axis of length 1."""
    return jnp.expand_dims(x, dim)


@lowers("aten.expand.default", "aten.broadcast_to.default", "aten.expand_copy.default")
def expand(x: Any, size: Sequence[int], implicit: bool = False) -> Any:
    """Return `x` broadcast to `size`, in which -1 is the length that it has."""
    before = len(size) - x.ndim
    full = [x.shape[n - before] if m == -1 else m for n, m in enumerate(size)]
    return jnp.broadcast_to(x, full)


@lowers("aten.expand_as.default")
def expand_as(x: Any, other: Any) -> Any:
    """Return `x` broadcast to the shape of `other`."""
    return jnp.broadcast_to(x, other.shape)


@lowers("aten.broadcast_tensors.default")
def broadcast_tensors(tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arrays, broadcast against each other."""
    return tuple(jnp.broadcast_arrays(*tensors))


# ---- order


@lowers("aten.permute.default")
def permute(x: Any, dims: Sequence[int]) -> Any:
    """Return `x` with its axes in another order."""
    return jnp.transpose(x, axes(dims, x.ndim)) if dims else x


@lowers("aten.transpose.int", "aten.swapaxes.default", "aten.swapdims.default")
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Return `x` with two axes exchanged."""
    return jnp.swapaxes(x, dim0, dim1) if x.ndim else x


@lowers("aten.t.default", "aten.numpy_T.default", "aten.numpy_T.a")
def turned(x: Any) -> Any:
    """Return `x` with its axes the other way round."""
    return jnp.transpose(x)


@lowers("aten.mT.default", "aten.mT.a", "aten.adjoint.default")
def matrix_turned(x: Any) -> Any:
    """Return `x` with its last two axes exchanged."""
    return jnp.swapaxes(x, -2, -1)


@lowers("aten.movedim.int", "aten.movedim.intlist", "aten.moveaxis.int", "aten.moveaxis.intlist")
def movedim(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Return `x` with axes in other places."""
    return jnp.moveaxis(x, source, destination)


@lowers("aten.flip.default")
def flip(x: Any, dims: Sequence[int]) -> Any:
    """Return `x` with the order along `dims` reversed."""
    return lax.rev(x, axes(dims, x.ndim)) if dims else x


@lowers("aten.fliplr.default")
def fliplr(x: Any) -> Any:
    """Return `x` with the order of its columns reversed."""
    return lax.rev(x, (1,))


@lowers("aten.rot90.default")
def rot90(x: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """Return `x` turned by `k` quarters."""
    first, second = dims
    return jnp.rot90(x, k, (first, second))


@lowers("aten.roll.default")
def roll(x: Any, shifts: int | Sequence[int], dims: int | Sequence[int] = ()) -> Any:
    """Return `x` rolled; without `dims`, as a vector."""
    by = [shifts] if isinstance(shifts, int) else list(shifts)
    if isinstance(dims, int):
        dims = [dims]
    if not dims:
        return jnp.roll(x, by[0])
    return jnp.roll(x, by, tuple(dims))


# ---- together and apart


@lowers("aten.cat.default", "aten.concat.default", "aten.concatenate.default")
def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Return the arrays one after another. Empty vectors do not count, as in PyTorch."""
    held = [x for x in tensors if x.shape != (0,)] or list(tensors)
    return held[0] if len(held) == 1 else jnp.concatenate(held, axis=dim)


@lowers("aten.stack.default")
def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Return the arrays along a new axis."""
    return jnp.stack(tensors, axis=dim)


@lowers("aten.hstack.default")
def hstack(tensors: Sequence[Any]) -> Any:
    """Return the arrays side by side."""
    return jnp.hstack(list(tensors))


@lowers("aten.vstack.default")
def vstack(tensors: Sequence[Any]) -> Any:
    """Return the arrays on top of each other."""
    return jnp.vstack(list(tensors))


@lowers("aten.column_stack.default")
def column_stack(tensors: Sequence[Any]) -> Any:
    """Return the vectors as columns."""
    return jnp.column_stack(list(tensors))


def _cut(x: Any, ends: Sequence[int], dim: int) -> tuple[Any, ...]:
    """Return `x` in parts that end at `ends`."""
    starts = [0, *ends[:-1]]
    return tuple(
        lax.slice_in_dim(x, min(a, b), b, axis=dim) for a, b in zip(starts, ends, strict=True)
    )


@lowers("aten.split.Tensor", "aten.unsafe_split.Tensor", "aten.split_copy.Tensor")
def split(x: Any, split_size: int, dim: int = 0) -> Any:
    """Return `x` in parts of `split_size`; the last may be smaller."""
    size = x.shape[axis(dim, x.ndim)]
    ends = [min(n, size) for n in range(split_size, size + split_size, split_size or 1)]
    return _cut(x, ends or [0], dim)


@lowers("aten.split.sizes", "aten.split.default", "aten.split_with_sizes.default")
@lowers("aten.unsafe_split_with_sizes.default", "aten.split_with_sizes_copy.default")
def split_with_sizes(x: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Return `x` in parts of the given sizes."""
    return _cut(x, [int(n) for n in np.cumsum(split_sizes)], dim)


@lowers("aten.chunk.default", "aten.unsafe_chunk.default")
def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    """Return `x` in `chunks` parts or fewer, all of one size but the last."""
    return split(x, -(-x.shape[axis(dim, x.ndim)] // chunks), dim)


@lowers("aten.tensor_split.sections")
def tensor_split(x: Any, sections: int, dim: int = 0) -> tuple[Any, ...]:
    """Return `x` in `sections` parts, the first of which may be longer by one."""
    parts: Any = jnp.array_split(x, sections, axis=dim)
    return tuple(parts)


@lowers("aten.tensor_split.indices")
def tensor_split_at(x: Any, indices: Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Return `x` in parts that end at `indices`."""
    return tuple(jnp.split(x, list(indices), axis=dim))


@lowers("aten.unbind.int", "aten.unbind_copy.int")
def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return `x` in parts without the axis `dim`.

    In one cut, of which the gradient is the parts side by side. That of a choice of each part was
    a sum of as many arrays of the whole's size: a sixth of a small transformer's step.
    """
    dim = axis(dim, x.ndim)
    parts = lax.split(x, (1,) * x.shape[dim], dim)
    return tuple(lax.squeeze(part, (dim,)) for part in parts)


@lowers("aten.select.int", "aten.select_copy.int")
def select(x: Any, dim: int, index: int) -> Any:
    """Return `x` at one place of the axis `dim`."""
    return lax.index_in_dim(x, index, axis(dim, x.ndim), keepdims=False)


@lowers("aten.slice.Tensor", "aten.slice_copy.Tensor")
def cut(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """Return `x` from `start` to `end`, which are as Python's."""
    dim = axis(dim, x.ndim)
    first, last, _ = slice(start, end).indices(x.shape[dim])
    return lax.slice_in_dim(x, first, max(first, last), step, dim)


@lowers("aten.narrow.default")
def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """Return `length` places of the axis `dim` from `start` on."""
    dim = axis(dim, x.ndim)
    first = start % x.shape[dim] if start < 0 else start
    return lax.slice_in_dim(x, first, first + length, axis=dim)


@lowers("aten.as_strided.default")
def as_strided(
    x: Any, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Any:
    """Return a view by strides of an array whose values lie in order."""
    places = np.full((1,) * len(size), storage_offset or 0)
    for dim, (count, step) in enumerate(zip(size, stride, strict=True)):
        shape = [1] * len(size)
        shape[dim] = count
        places = places + (np.arange(count) * step).reshape(shape)
    if places.size and places.max() >= x.size:
        raise NotLoweredError("aten.as_strided of values outside of the array is not lowered")
    return jnp.ravel(x)[places.reshape(size)]
