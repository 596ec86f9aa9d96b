"""Values chosen by numbers: embeddings, gathers and scatters."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.arrays import axis
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers


@lowers("aten.embedding.default")
def embedding(
    weight: Any,
    indices: Any,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Return rows of `weight` `[words, features]`; the row `padding_idx` has no gradient."""
    _plain(scale_grad_by_freq, sparse)
    rows = jnp.take(weight, indices, axis=0)
    if padding_idx < 0:
        return rows
    return jnp.where((indices == padding_idx)[..., None], lax.stop_gradient(rows), rows)


def _plain(scaled: bool, sparse: bool) -> None:
    if scaled or sparse:
        word = "scale_grad_by_freq" if scaled else "sparse"
        raise NotLoweredError(f"aten.embedding with {word}=True is not lowered")


@lowers("aten.embedding_bag.default", "aten.embedding_bag.padding_idx")
@lowers("aten._embedding_bag.default")
def embedding_bag(
    weight: Any,
    indices: Any,
    offsets: Any,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = -1,
) -> tuple[Any, ...]:
    """Return sums (mode 0) or means (1) of the rows of each bag, and three arrays nobody reads."""
    _plain(scale_grad_by_freq, sparse)
    if mode > 1:
        raise NotLoweredError("aten.embedding_bag with mode='max' is not lowered")
    bags = len(offsets) - include_last_offset
    bag = jnp.searchsorted(offsets[:bags], jnp.arange(len(indices)), side="right") - 1
    rows = jnp.take(weight, indices, axis=0)
    counted = jnp.ones(len(indices), weight.dtype)
    if padding_idx is not None and padding_idx >= 0:
        counted = (indices != padding_idx).astype(weight.dtype)
    scale = counted if per_sample_weights is None else counted * per_sample_weights
    total = jax.ops.segment_sum(rows * scale[:, None], bag, bags)
    count = jax.ops.segment_sum(counted, bag, bags)
    found = total / jnp.maximum(count, 1)[:, None] if mode else total
    return found, bag, count, offsets


@lowers("aten.index.Tensor", "aten._unsafe_index.Tensor")
def index(x: Any, indices: Sequence[Any]) -> Any:
    """Return `x[indices]`, where None stands for a whole axis."""
    return x[_places(indices)]


def _places(indices: Sequence[Any]) -> tuple[Any, ...]:
    if any(i is not None and i.dtype == bool for i in indices):
        raise NotLoweredError("indexing by a mask is not lowered, as its result has no fixed size")
    return tuple(slice(None) if i is None else i for i in indices)


@lowers("aten.index_put.default", "aten._index_put_impl.default", "aten._unsafe_index_put.default")
def index_put(
    x: Any,
    indices: Sequence[Any],
    values: Any,
    accumulate: bool = False,
    unsafe: bool = False,
) -> Any:
    """Return `x` with `values` at `indices`, or added there."""
    values = jnp.asarray(values).astype(x.dtype)
    given = [i for i in indices if i is not None]
    if len(given) == 1 and given[0].dtype == bool:
        return _masked_put(x, indices, values, accumulate)
    at = x.at[_places(indices)]
    # Of two values for one place, the gradient goes to both, as in PyTorch.
    return at.add(values) if accumulate else at.set(values, unique_indices=True)


def _masked_put(x: Any, indices: Sequence[Any], values: Any, accumulate: bool) -> Any:
    """Return `x` with one value, the same for each place where a mask is true."""
    (before, mask) = next((n, i) for n, i in enumerate(indices) if i is not None)
    after = x.ndim - before - mask.ndim
    lead = values.ndim - after
    if before or any(n != 1 for n in values.shape[: max(lead, 0)]):
        raise NotLoweredError("aten.index_put of several values by a mask is not lowered")
    values = values.reshape(values.shape[max(lead, 0) :])
    mask = mask.reshape(mask.shape + (1,) * after)
    return jnp.where(mask, x + values if accumulate else values, x)


@lowers("aten.index_select.default")
def index_select(x: Any, dim: int, index: Any) -> Any:
    """Return the places `index` of the axis `dim`."""
    return jnp.take(x, index.reshape(-1), axis=axis(dim, x.ndim)) if x.ndim else x


def _along(x: Any, dim: int, index: Any) -> Any:
    """Return `x` at the places of an axis that are in `index`."""
    return x.at[(slice(None),) * axis(dim, x.ndim) + (index,)]


@lowers("aten.index_add.default")
def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """Return `x` with `alpha · source` added at places of the axis `dim`."""
    return _along(x, dim, index).add((source * alpha).astype(x.dtype))


@lowers("aten.index_copy.default")
def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    """Return `x` with `source` at places of the axis `dim`."""
    return _along(x, dim, index).set(source.astype(x.dtype), unique_indices=True)


@lowers("aten.index_fill.int_Scalar", "aten.index_fill.int_Tensor")
def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    """Return `x` with `value` at places of the axis `dim`."""
    chosen = jnp.zeros(x.shape[axis(dim, x.ndim)], bool).at[index].set(True)
    shape = [1] * x.ndim
    shape[axis(dim, x.ndim)] = -1
    return jnp.where(chosen.reshape(shape), jnp.asarray(value, x.dtype), x)


@lowers("aten.take.default")
def take(x: Any, index: Any) -> Any:
    """Return values of `x` as a vector, in the shape of `index`."""
    return jnp.take(jnp.ravel(x), index)


@lowers("aten.take_along_dim.default")
def take_along_dim(x: Any, indices: Any, dim: int | None = None) -> Any:
    """Return values along the axis `dim`; of the vector `x` is where that is None."""
    if dim is None:
        return jnp.take(jnp.ravel(x), jnp.ravel(indices))
    return jnp.take_along_axis(x, indices, axis=dim)


def _corner(x: Any, shape: Sequence[int], skip: int | None = None) -> Any:
    """Return the first values of each axis but `skip`, as many as `shape` has."""
    limits = [n if d == skip else m for d, (n, m) in enumerate(zip(x.shape, shape, strict=True))]
    return lax.slice(x, [0] * x.ndim, limits)


@lowers("aten.gather.default")
def gather(x: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """Return values along the axis `dim`, in the shape of `index`."""
    if x.ndim == 0 or index.ndim == 0:
        return jnp.take(jnp.ravel(x), index)
    dim = axis(dim, x.ndim)
    return jnp.take_along_axis(_corner(x, index.shape, dim), index, axis=dim)


def _scattered(x: Any, dim: int, index: Any) -> Any:
    """Return `x` at the places of a scatter along `dim`, to be set or added to."""
    grid = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    grid[axis(dim, x.ndim)] = index
    return x.at[tuple(grid)]


@lowers("aten.scatter.src")
def scatter(x: Any, dim: int, index: Any, src: Any) -> Any:
    """Return `x` with values of `src` at places along `dim`."""
    values = _corner(src, index.shape).astype(x.dtype)
    return _scattered(x, dim, index).set(values, unique_indices=True)


@lowers("aten.scatter.value")
def scatter_value(x: Any, dim: int, index: Any, value: float) -> Any:
    """Return `x` with one value at places along `dim`."""
    return _scattered(x, dim, index).set(value)


@lowers("aten.scatter_add.default")
def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """Return `x` with values of `src` added at places along `dim`."""
    return _scattered(x, dim, index).add(_corner(src, index.shape).astype(x.dtype))


@lowers("aten.scatter_reduce.two")
def scatter_reduce(
    x: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """Return `x` with sums, means, maxima or minima of the values that come to each place."""
    src = _corner(src, index.shape).astype(x.dtype)
    ones = jnp.ones_like(src)
    count = _scattered(jnp.zeros_like(x), dim, index).add(ones)
    # Without `include_self`, a place that something comes to begins anew.
    own = jnp.ones_like(x) if include_self else (count == 0).astype(x.dtype)
    if reduce in ("sum", "mean"):
        total = _scattered(x * own, dim, index).add(src)
        return total if reduce == "sum" else total / jnp.maximum(count + own, 1)
    if reduce not in ("amax", "amin"):
        raise NotLoweredError(f"aten.scatter_reduce with reduce={reduce!r} is not lowered")
    # Equal values share the gradient. PyTorch counts a place's own among them even where it is
    # left out, and then gives it nothing.
    held, given = lax.stop_gradient(x), lax.stop_gradient(src)
    far = -jnp.inf if reduce == "amax" else jnp.inf
    at = _scattered(jnp.where(own > 0, held, far), dim, index)
    best = at.max(given) if reduce == "amax" else at.min(given)
    mine = (best == held).astype(x.dtype)
    theirs = (gather(best, dim, index) == given).astype(x.dtype)
    ties = _scattered(mine, dim, index).add(theirs)
    passed = (x - held) * mine * own / jnp.maximum(ties, 1)
    shared = (src - given) * theirs / gather(ties, dim, index)
    return best + _scattered(passed, dim, index).add(shared)


@lowers("aten.masked_scatter.default")
def masked_scatter(x: Any, mask: Any, source: Any) -> Any:
    """Return `x` with the first values of `source`, in order, where the mask is true."""
    mask = jnp.broadcast_to(mask, x.shape)
    order = (jnp.cumsum(mask.reshape(-1)) - 1).reshape(x.shape)
    taken = jnp.take(jnp.ravel(source), order, mode="clip").astype(x.dtype)
    return jnp.where(mask, taken, x)


@lowers("aten.slice_scatter.default")
def slice_scatter(
    x: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    """Return `x` with `src` from `start` to `end` of the axis `dim`."""
    places = (slice(None),) * axis(dim, x.ndim) + (slice(start, end, step),)
    return x.at[places].set(src.astype(x.dtype), unique_indices=True)


@lowers("aten.select_scatter.default")
def select_scatter(x: Any, src: Any, dim: int, index: int) -> Any:
    """Return `x` with `src` at one place of the axis `dim`."""
    return x.at[(slice(None),) * axis(dim, x.ndim) + (index,)].set(src.astype(x.dtype))


@lowers("aten.diagonal_scatter.default")
def diagonal_scatter(x: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """Return `x` with `src` as a diagonal."""
    moved = jnp.moveaxis(x, (dim1, dim2), (-2, -1))
    places = np.arange(src.shape[-1])
    at = moved.at[..., places + max(-offset, 0), places + max(offset, 0)]
    return jnp.moveaxis(at.set(src.astype(x.dtype)), (-2, -1), (dim1, dim2))
