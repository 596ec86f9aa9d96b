"""Values in order: sorting, the largest few, running extremes, and where a value belongs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.arrays import axis
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers


@lowers("aten.argsort.default")
def argsort(x: Any, dim: int = -1, descending: bool = False) -> Any:
    """Return the places in order; equal values stay in theirs."""
    if x.ndim == 0:
        return jnp.zeros((), int)
    return jnp.argsort(lax.stop_gradient(x), axis=dim, stable=True, descending=descending)


@lowers("aten.argsort.stable")
def argsort_stable(x: Any, *, stable: bool = True, dim: int = -1, descending: bool = False) -> Any:
    """Return the same."""
    return argsort(x, dim, descending)


@lowers("aten.sort.default")
def sort(x: Any, dim: int = -1, descending: bool = False) -> tuple[Any, Any]:
    """Return the values in order, and their places."""
    places = argsort(x, dim, descending)
    return _at(x, places, dim), places


@lowers("aten.sort.stable")
def sort_stable(
    x: Any, *, stable: bool | None = None, dim: int = -1, descending: bool = False
) -> Any:
    """Return the same."""
    return sort(x, dim, descending)


@lowers("aten.msort.default")
def msort(x: Any) -> Any:
    """Return the values in order along the first axis."""
    return sort(x, 0)[0]


def _at(x: Any, places: Any, dim: int) -> Any:
    return jnp.take_along_axis(x, places, axis=dim) if x.ndim else x


@lowers("aten.topk.default")
def topk(
    x: Any,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
) -> tuple[Any, Any]:
    """Return the `k` largest (or smallest) values in order, and their places."""
    if x.ndim == 0:
        return x, jnp.zeros((), int)
    held = jnp.moveaxis(lax.stop_gradient(x), dim, -1)
    if largest:
        places = lax.top_k(held, k)[1]
    else:
        places = jnp.argsort(held, axis=-1, stable=True)[..., :k]
    places = jnp.moveaxis(places, -1, dim)
    return _at(x, places, dim), places


@lowers("aten.one_hot.default")
def one_hot(x: Any, num_classes: int = -1) -> Any:
    """Return whole numbers `[..., classes]`: 1 at the place that `x` says."""
    if num_classes < 0:
        raise NotLoweredError("aten.one_hot without num_classes is not lowered")
    return (x[..., None] == np.arange(num_classes)).astype(x.dtype)


@lowers("aten.bucketize.Tensor", "aten.bucketize.Scalar")
def bucketize(x: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """Return how many boundaries are below each value; `right` counts those that equal it too."""
    return jnp.searchsorted(boundaries, x, side="right" if right else "left")


@lowers("aten.searchsorted.Tensor", "aten.searchsorted.Scalar")
def searchsorted(
    sorted_sequence: Any,
    x: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Any:
    """Return where each value belongs in the last axis of a sorted array."""
    if sorter is not None:
        raise NotLoweredError("aten.searchsorted with a sorter is not lowered")
    side = side or ("right" if right else "left")
    if sorted_sequence.ndim == 1:
        return jnp.searchsorted(sorted_sequence, x, side=side)
    rows = sorted_sequence.reshape(-1, sorted_sequence.shape[-1])
    each: Any = jax.vmap(lambda row, value: jnp.searchsorted(row, value, side=side))
    return each(rows, x.reshape(rows.shape[0], -1)).reshape(x.shape)


def _running(x: Any, dim: int, running: Any) -> tuple[Any, Any]:
    """Return running extremes and their places: of equal ones the last, with the gradient."""
    if x.ndim == 0:
        return x, jnp.zeros((), int)
    dim, held = axis(dim, x.ndim), lax.stop_gradient(x)
    number = lax.broadcasted_iota(int, x.shape, dim)
    here = held == running(held, axis=dim)
    places = lax.cummax(jnp.where(here, number, 0), axis=dim)
    return _at(x, places, dim), places


@lowers("aten.cummax.default")
def cummax(x: Any, dim: int) -> tuple[Any, Any]:
    """Return running maxima, and their places."""
    return _running(x, dim, lax.cummax)


@lowers("aten.cummin.default")
def cummin(x: Any, dim: int) -> tuple[Any, Any]:
    """Return running minima, and their places."""
    return _running(x, dim, lax.cummin)


@lowers("aten.isin.Tensor_Tensor", "aten.isin.Tensor_Scalar", "aten.isin.Scalar_Tensor")
def isin(x: Any, among: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Return whether each value is among others."""
    return jnp.isin(x, among, invert=invert)
