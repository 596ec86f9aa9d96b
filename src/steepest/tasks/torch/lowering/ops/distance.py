"""Norms of vectors, and the distances made of them. Of gradient 0, and not NaN, at 0."""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, axes, cast, floated, size
from steepest.tasks.torch.lowering.ops.reduce import root
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

Dims = int | Sequence[int] | None
Kind: TypeAlias = "torch.dtype | None"


@lowers("aten.linalg_vector_norm.default")
def vector_norm(
    x: Array, ord: Any = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None
) -> Array:
    x = floated(cast(x, dtype))
    over, ord = axes(dim, x.ndim), float(ord)
    if ord == 2:
        return root(jnp.sum(lax.square(x), over, keepdims=keepdim))
    length = size(x)
    if ord == 1:
        return jnp.sum(length, over, keepdims=keepdim)
    if ord == 0:
        return jnp.sum(lax.stop_gradient((x != 0).astype(x.dtype)), over, keepdims=keepdim)
    if ord == math.inf:
        return jnp.max(length, over, keepdims=keepdim)
    if ord == -math.inf:
        return jnp.min(length, over, keepdims=keepdim)
    if ord < 0:
        raise NotLoweredError(f"a norm of order {ord:g} is not lowered")
    total = jnp.sum(_power(length, ord), over, keepdims=keepdim)
    return _power(total, 1 / ord)


def _power(x: Array, exponent: float) -> Array:
    """Return x to a power, of gradient 0 at 0."""
    safe = jnp.where(x == 0, 1, x)
    return jnp.where(x == 0, 0, lax.pow(safe, jnp.asarray(exponent, x.dtype)))


@lowers("aten.norm.Scalar", "aten.norm.ScalarOpt_dim", "aten.norm.ScalarOpt_dim_dtype")
def norm(
    x: Array, p: Any = 2, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None
) -> Array:
    return vector_norm(x, 2 if p is None else p, dim, keepdim, dtype=dtype)


@lowers("aten.linalg_norm.default")
def linalg_norm(
    x: Array, ord: Any = None, dim: Dims = None, keepdim: bool = False, *, dtype: Kind = None
) -> Array:
    over = axes(dim, x.ndim)
    if ord is not None and len(over) == 2:
        raise NotLoweredError(f"the matrix norm of order {ord} is not lowered")
    return vector_norm(x, 2 if ord is None else ord, over, keepdim, dtype=dtype)


@lowers("aten.linalg_matrix_norm.str_ord")
def matrix_norm(
    x: Array, ord: str = "fro", dim: Dims = (-2, -1), keepdim: bool = False, *, dtype: Kind = None
) -> Array:
    if ord != "fro":
        raise NotLoweredError(f"the matrix norm {ord!r} is not lowered")
    return vector_norm(x, 2, dim, keepdim, dtype=dtype)


@lowers("aten.dist.default")
def dist(x: Array, y: Array, p: Any = 2) -> Array:
    return vector_norm(x - y, p)


@lowers("aten.pairwise_distance.default")
def pairwise_distance(
    x: Array, y: Array, p: Any = 2, eps: float = 1e-6, keepdim: bool = False
) -> Array:
    return vector_norm(x - y + eps, p, -1, keepdim)


@lowers("aten.cdist.default", "aten._cdist_forward.default")
def cdist(x: Array, y: Array, p: Any = 2, compute_mode: int | None = None) -> Array:
    """x [..., n, features], y [..., m, features] → [..., n, m]."""
    return vector_norm(x[..., :, None, :] - y[..., None, :, :], p, -1)


@lowers("aten.pdist.default")
def pdist(x: Array, p: Any = 2) -> Array:
    first, second = np.triu_indices(x.shape[0], 1)
    return vector_norm(x[first] - x[second], p, -1)


@lowers("aten.cosine_similarity.default")
def cosine_similarity(x: Array, y: Array, dim: int = 1, eps: float = 1e-8) -> Array:
    x, y = jnp.broadcast_arrays(x, y)
    return jnp.sum((x / _no_less(x, dim, eps)) * (y / _no_less(y, dim, eps)), dim)


def _no_less(x: Array, dim: int, eps: float) -> Array:
    """Return the norm and at least `eps`, which PyTorch applies behind the gradient's back."""
    found = vector_norm(x, 2, dim, True)
    return found + lax.stop_gradient(jnp.maximum(found, eps) - found)
