"""Dropout of all kinds, and random numbers that a module draws itself."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import torch
from jax import lax

from steepest.tasks.torch.lowering import draws
from steepest.tasks.torch.lowering.arrays import Array, cast, type_of
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

Shape = Sequence[int]


@lowers("aten.native_dropout.default", random=True)
def native_dropout(key: Any, x: Array, p: float, train: bool | None = True) -> tuple[Array, Array]:
    """The result and the mask of what is kept."""
    if train is False or p == 0:
        return x, jnp.ones(x.shape, jnp.bool_)
    mask = draws.kept(key, 1 - p, x.shape)
    return x * (mask.astype(x.dtype) * (0 if p == 1 else 1 / (1 - p))), mask


@lowers("aten.dropout.default", random=True)
def dropout(key: Any, x: Array, p: float, train: bool) -> Array:
    return native_dropout(key, x, p, train)[0]


@lowers("aten.feature_dropout.default", random=True)
def feature_dropout(key: Any, x: Array, p: float, train: bool) -> Array:
    """Drops whole channels of x [examples, channels, ...]."""
    if not train or p == 0:
        return x
    mask = draws.kept(key, 1 - p, (*x.shape[:2], *([1] * (x.ndim - 2))))
    return x * (mask.astype(x.dtype) * (0 if p == 1 else 1 / (1 - p)))


@lowers("aten.bernoulli.p", random=True)
def bernoulli_p(key: Any, x: Array, p: float) -> Array:
    return draws.kept(key, p, x.shape).astype(x.dtype)


@lowers("aten.bernoulli.default", random=True)
def bernoulli(key: Any, x: Array) -> Array:
    return lax.stop_gradient(draws.chosen(key, x).astype(x.dtype))


@lowers("aten.bernoulli.Tensor", random=True)
def bernoulli_tensor(key: Any, x: Array, p: Array) -> Array:
    probabilities = jnp.broadcast_to(p, x.shape)
    return lax.stop_gradient(draws.chosen(key, probabilities).astype(x.dtype))


@lowers("aten.rrelu.default", random=True)
def rrelu(
    key: Any, x: Array, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
) -> Array:
    slope: Any = (lower + upper) / 2
    if training:
        slope = lower + (upper - lower) * draws.uniform(key, x.shape, x.dtype)
    return jnp.where(x > 0, x, x * slope)


@lowers("aten.rand.default", random=True)
def rand(key: Any, size: Shape, *, dtype: torch.dtype) -> Array:
    return draws.uniform(key, size, type_of(dtype))


@lowers("aten.rand_like.default", random=True)
def rand_like(key: Any, x: Array, *, dtype: torch.dtype) -> Array:
    return draws.uniform(key, x.shape, type_of(dtype))


@lowers("aten.randn.default", random=True)
def randn(key: Any, size: Shape, *, dtype: torch.dtype) -> Array:
    return draws.normal(key, size, type_of(dtype))


@lowers("aten.randn_like.default", random=True)
def randn_like(key: Any, x: Array, *, dtype: torch.dtype) -> Array:
    return draws.normal(key, x.shape, type_of(dtype))


@lowers("aten.uniform.default", random=True)
def uniform(key: Any, x: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """`from` and `to`, which are given by position."""
    return low + (high - low) * draws.uniform(key, x.shape, x.dtype)


@lowers("aten.normal_functional.default", random=True)
def normal_functional(key: Any, x: Array, mean: float = 0.0, std: float = 1.0) -> Array:
    return mean + std * draws.normal(key, x.shape, x.dtype)


@lowers("aten.normal.Tensor_Tensor", "aten.normal.Tensor_float", random=True)
def normal(key: Any, mean: Array, std: Any = 1.0) -> Array:
    shape = jnp.broadcast_shapes(mean.shape, jnp.shape(std))
    drawn = mean + std * draws.normal(key, shape, mean.dtype)
    return lax.stop_gradient(drawn)  # PyTorch's normal has no gradient


@lowers("aten.normal.float_Tensor", random=True)
def normal_of_spread(key: Any, mean: float, std: Array) -> Array:
    return lax.stop_gradient(mean + std * draws.normal(key, std.shape, std.dtype))


@lowers("aten.normal.float_float", random=True)
def normal_of_size(key: Any, mean: float, std: float, size: Shape, *, dtype: torch.dtype) -> Array:
    return mean + std * draws.normal(key, size, type_of(dtype))


@lowers("aten.exponential.default", random=True)
def exponential(key: Any, x: Array, lambd: float = 1.0) -> Array:
    return draws.exponential(key, x.shape, x.dtype) / lambd


@lowers("aten.randint.default", random=True)
def randint(key: Any, high: int, size: Shape, *, dtype: torch.dtype) -> Array:
    return _integers(key, 0, high, size, dtype)


@lowers("aten.randint.low", random=True)
def randint_low(key: Any, low: int, high: int, size: Shape, *, dtype: torch.dtype) -> Array:
    return _integers(key, low, high, size, dtype)


@lowers("aten.randint_like.default", random=True)
def randint_like(key: Any, x: Array, high: int, *, dtype: torch.dtype) -> Array:
    return _integers(key, 0, high, x.shape, dtype)


@lowers("aten.randint_like.low_dtype", random=True)
def randint_like_low(key: Any, x: Array, low: int, high: int, *, dtype: torch.dtype) -> Array:
    return _integers(key, low, high, x.shape, dtype)


def _integers(key: Any, low: int, high: int, size: Shape, kind: torch.dtype) -> Array:
    if high > 2**31:
        raise NotLoweredError("random integers above 2³¹ are not lowered")
    return cast(draws.integers(key, size, low, high, jnp.int32), kind)


@lowers("aten.randperm.default", random=True)
def randperm(key: Any, n: int, *, dtype: torch.dtype) -> Array:
    return draws.permutation(key, n, type_of(dtype))
