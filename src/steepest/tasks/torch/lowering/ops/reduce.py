"""Reductions: sums, means, variances, extremes, products, and their cumulative kin."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import torch
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, axes, axis, cast, floated, is_float
from steepest.tasks.torch.lowering.table import lowers

Dims = int | Sequence[int] | None
Kind: TypeAlias = "torch.dtype | None"


@lowers("aten.sum.default", "aten.sum.dim_IntList")
def sum_(x: Array, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None) -> Array:
    return jnp.sum(cast(x, dtype), axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.nansum.default")
def nansum(x: Array, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None) -> Array:
    return sum_(jnp.where(jnp.isnan(x), 0, x), dim, keepdim, dtype=dtype)


@lowers("aten.mean.default", "aten.mean.dim")
def mean(x: Array, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None) -> Array:
    return jnp.mean(floated(cast(x, dtype)), axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.nanmean.default")
def nanmean(x: Array, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None) -> Array:
    count = jnp.sum(~jnp.isnan(x), axes(dim, x.ndim), keepdims=keepdim)
    return nansum(x, dim, keepdim, dtype=dtype) / count


@lowers("aten.var_mean.correction")
def var_mean(
    x: Array, dim: Dims = None, *, correction: Any = None, keepdim: bool = False
) -> tuple[Array, Array]:
    """`correction` is taken from the count: 1 unless it is said."""
    over = axes(dim, x.ndim)
    middle = jnp.mean(x, over, keepdims=True)
    squares = jnp.sum(lax.square(x - middle), over, keepdims=keepdim)
    count = x.size // max(middle.size, 1)
    free = max(count - (1 if correction is None else correction), 0)
    variance = squares / jnp.asarray(free, x.dtype)  # NaN where nothing is free, as in PyTorch
    return variance, middle if keepdim else lax.squeeze(middle, over)


@lowers("aten.var.correction")
def var(x: Array, dim: Dims = None, *, correction: Any = None, keepdim: bool = False) -> Array:
    return var_mean(x, dim, correction=correction, keepdim=keepdim)[0]


@lowers("aten.std_mean.correction")
def std_mean(
    x: Array, dim: Dims = None, *, correction: Any = None, keepdim: bool = False
) -> tuple[Array, Array]:
    variance, middle = var_mean(x, dim, correction=correction, keepdim=keepdim)
    return root(variance), middle


@lowers("aten.std.correction")
def std(x: Array, dim: Dims = None, *, correction: Any = None, keepdim: bool = False) -> Array:
    return std_mean(x, dim, correction=correction, keepdim=keepdim)[0]


def root(x: Array) -> Array:
    """Return the square root, with gradient 0 (and not infinity) at 0."""
    return jnp.where(x == 0, 0, lax.sqrt(jnp.where(x == 0, 1, x)))


@lowers("aten.var_mean.dim", "aten.var_mean.default")
def var_mean_of(
    x: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False
) -> tuple[Array, Array]:
    dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
    variance, middle = var_mean(x, dim, correction=int(unbiased), keepdim=keepdim)
    return variance, middle


@lowers("aten.var.dim", "aten.var.default")
def var_of(x: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False) -> Array:
    return var_mean_of(x, dim, unbiased, keepdim)[0]


@lowers("aten.std_mean.dim", "aten.std_mean.default")
def std_mean_of(
    x: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False
) -> tuple[Array, Array]:
    variance, middle = var_mean_of(x, dim, unbiased, keepdim)
    return root(variance), middle


@lowers("aten.std.dim", "aten.std.default")
def std_of(x: Array, dim: Any = None, unbiased: bool = True, keepdim: bool = False) -> Array:
    return std_mean_of(x, dim, unbiased, keepdim)[0]


@lowers("aten.amax.default")
def amax(x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Equal elements share the gradient."""
    return jnp.max(x, axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.amin.default")
def amin(x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Equal elements share the gradient."""
    return jnp.min(x, axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.max.default")
def max_(x: Array) -> Array:
    return jnp.max(x)


@lowers("aten.min.default")
def min_(x: Array) -> Array:
    return jnp.min(x)


@lowers("aten.aminmax.default")
def aminmax(x: Array, *, dim: int | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    return amin(x, dim, keepdim), amax(x, dim, keepdim)


@lowers("aten.max.dim")
def max_dim(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The first of equal elements has the gradient."""
    return _at(x, jnp.argmax(x, dim, keepdims=True) if x.ndim else None, dim, keepdim)


@lowers("aten.min.dim")
def min_dim(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The first of equal elements has the gradient."""
    return _at(x, jnp.argmin(x, dim, keepdims=True) if x.ndim else None, dim, keepdim)


def _at(x: Array, index: Array | None, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Return the elements at `index` (with the axis kept), and the index."""
    if index is None:
        return x, jnp.zeros((), jnp.int32)
    dim = axis(dim, x.ndim)
    if is_float(x):  # a choice and a sum: their gradient is a choice, and no scatter
        chosen = lax.broadcasted_iota(index.dtype, x.shape, dim) == index
        values = jnp.sum(jnp.where(chosen, x, 0), dim, keepdims=True)
    else:
        values = jnp.take_along_axis(x, index, dim)
    return (values, index) if keepdim else (lax.squeeze(values, [dim]), lax.squeeze(index, [dim]))


@lowers("aten.argmax.default")
def argmax(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return jnp.argmax(x, dim, keepdims=keepdim) if x.ndim else jnp.zeros((), jnp.int32)


@lowers("aten.argmin.default")
def argmin(x: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    return jnp.argmin(x, dim, keepdims=keepdim) if x.ndim else jnp.zeros((), jnp.int32)


@lowers("aten.kthvalue.default")
def kthvalue(x: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    order = jnp.argsort(lax.stop_gradient(x), axis=dim)
    return _at(x, lax.slice_in_dim(order, k - 1, k, axis=axis(dim, x.ndim)), dim, keepdim)


@lowers("aten.median.dim")
def median_dim(x: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """The lower of two medians."""
    values, index = kthvalue(x, (x.shape[dim] + 1) // 2, dim, keepdim)
    return values, index


@lowers("aten.median.default")
def median(x: Array) -> Array:
    """The lower of two medians; equal elements share the gradient."""
    middle = jnp.sort(lax.stop_gradient(x).reshape(-1))[(x.size - 1) // 2]
    equal = x == middle
    return jnp.sum(jnp.where(equal, x, 0)) / jnp.sum(equal)


@lowers("aten.quantile.scalar")
def quantile(
    x: Array,
    q: float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Array:
    return jnp.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


@lowers("aten.prod.default", "aten.prod.dim_int")
def prod(x: Array, dim: int | None = None, keepdim: bool = False, *, dtype: Kind = None) -> Array:
    return jnp.prod(cast(x, dtype), axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.logsumexp.default", "aten.special_logsumexp.default")
def logsumexp(x: Array, dim: Dims, keepdim: bool = False) -> Array:
    return jax.scipy.special.logsumexp(floated(x), axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.cumsum.default")
def cumsum(x: Array, dim: int, *, dtype: Kind = None) -> Array:
    return jnp.cumsum(cast(x, dtype), dim) if x.ndim else cast(x, dtype)


@lowers("aten.cumprod.default")
def cumprod(x: Array, dim: int, *, dtype: Kind = None) -> Array:
    return jnp.cumprod(cast(x, dtype), dim) if x.ndim else cast(x, dtype)


@lowers("aten.logcumsumexp.default")
def logcumsumexp(x: Array, dim: int) -> Array:
    return lax.cumlogsumexp(x, axis(dim, x.ndim)) if x.ndim else x


@lowers("aten.diff.default")
def diff(x: Array, n: int = 1, dim: int = -1) -> Array:
    return jnp.diff(x, n, dim)


@lowers("aten.trace.default")
def trace(x: Array) -> Array:
    return jnp.trace(x)


@lowers("aten.any.default", "aten.any.dim", "aten.any.dims")
def any_(x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.any(x, axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.all.default", "aten.all.dim", "aten.all.dims", "aten._is_all_true.default")
def all_(x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return jnp.all(x, axes(dim, x.ndim), keepdims=keepdim)


@lowers("aten.count_nonzero.default", "aten.count_nonzero.dim_IntList")
def count_nonzero(x: Array, dim: Dims = None) -> Array:
    return jnp.sum(x != 0, axes(dim, x.ndim))
