"""Activations. At a kink each has the one-sided derivative that PyTorch's formula picks.

A branch that is not taken must not overflow: its gradient would be 0 times infinity.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, cast, floated
from steepest.tasks.torch.lowering.table import lowers

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@lowers("aten.relu.default")
def relu(x: Array) -> Array:
    """Of gradient 0 at 0; NaN stays NaN."""
    return jnp.where(x <= 0, jnp.zeros((), x.dtype), x)


@lowers("aten.hardtanh.default")
def hardtanh(x: Array, min_val: Any = -1, max_val: Any = 1) -> Array:
    """Unlike `clamp`, of gradient 0 at the bounds."""
    return jnp.where(x <= min_val, min_val, jnp.where(x >= max_val, max_val, x))


@lowers("aten.relu6.default")
def relu6(x: Array) -> Array:
    return hardtanh(x, 0, 6)


@lowers("aten.hardsigmoid.default")
def hardsigmoid(x: Array) -> Array:
    return jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, x / 6 + 0.5))


@lowers("aten.hardswish.default")
def hardswish(x: Array) -> Array:
    return jnp.where(x <= -3, 0, jnp.where(x < 3, x * (x + 3) / 6, x))


@lowers("aten.elu.default")
def elu(x: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    below = lax.expm1(jnp.where(x <= 0, x * input_scale, 0))
    return jnp.where(x <= 0, alpha * scale * below, scale * x)


@lowers("aten.selu.default")
def selu(x: Array) -> Array:
    return elu(x, SELU_ALPHA, SELU_SCALE)


@lowers("aten.celu.default")
def celu(x: Array, alpha: float = 1.0) -> Array:
    return elu(x, alpha, 1.0, 1 / alpha)


@lowers("aten.leaky_relu.default")
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    return jnp.where(x > 0, x, x * negative_slope)


@lowers("aten.prelu.default", "aten._prelu_kernel.default")
def prelu(x: Array, weight: Array) -> Array:
    """weight: one number, or one for each channel of x [examples, channels, ...]."""
    if weight.ndim == 1 and weight.shape[0] > 1 and x.ndim > 1:
        weight = weight.reshape(-1, *([1] * (x.ndim - 2)))
    return jnp.where(x > 0, x, weight * x)


@lowers("aten.threshold.default")
def threshold(x: Array, threshold: Any, value: Any) -> Array:
    return jnp.where(x <= threshold, value, x)


@lowers("aten.hardshrink.default")
def hardshrink(x: Array, lambd: float = 0.5) -> Array:
    return jnp.where((x >= -lambd) & (x <= lambd), 0, x)


@lowers("aten.softshrink.default")
def softshrink(x: Array, lambd: float = 0.5) -> Array:
    return jnp.where(x > lambd, x - lambd, jnp.where(x < -lambd, x + lambd, x * 0))


@lowers("aten.gelu.default")
def gelu(x: Array, *, approximate: str = "none") -> Array:
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * lax.integer_pow(x, 3))
        return 0.5 * x * (1 + lax.tanh(inner))
    return 0.5 * x * (1 + lax.erf(x * math.sqrt(0.5)))


@lowers("aten.silu.default")
def silu(x: Array) -> Array:
    return x * lax.logistic(x)


@lowers("aten.mish.default")
def mish(x: Array) -> Array:
    return x * lax.tanh(jnp.logaddexp(x, 0))


@lowers("aten.softplus.default")
def softplus(x: Array, beta: float = 1, threshold: float = 20) -> Array:
    straight = x * beta > threshold
    bent = lax.log1p(lax.exp(jnp.where(straight, 0, x * beta))) / beta
    return jnp.where(straight, x, bent)


@lowers("aten.log_sigmoid.default")
def log_sigmoid(x: Array) -> Array:
    return -jnp.logaddexp(-x, 0)


@lowers("aten.glu.default")
def glu(x: Array, dim: int = -1) -> Array:
    first, second = jnp.split(x, 2, axis=dim)
    return first * lax.logistic(second)


@lowers("aten.softmax.int", "aten.special_softmax.default")
def softmax(x: Array, dim: int, dtype: torch.dtype | None = None) -> Array:
    x = floated(cast(x, dtype))
    return jax.nn.softmax(x, axis=dim) if x.ndim else jnp.ones_like(x) + 0 * x


@lowers("aten.log_softmax.int", "aten.special_log_softmax.default")
def log_softmax(x: Array, dim: int, dtype: torch.dtype | None = None) -> Array:
    x = floated(cast(x, dtype))
    return jax.nn.log_softmax(x, axis=dim) if x.ndim else 0 * x


@lowers("aten._softmax.default")
def softmax_of(x: Array, dim: int, half_to_float: bool = False) -> Array:
    return softmax(x, dim)


@lowers("aten._safe_softmax.default")
def safe_softmax(x: Array, dim: int, dtype: torch.dtype | None = None) -> Array:
    """Zero, and not NaN, where all of a row is masked with minus infinity."""
    masked = jnp.all(x == -jnp.inf, axis=dim, keepdims=True)
    return jnp.where(masked, 0, softmax(jnp.where(masked, 0, x), dim, dtype))


@lowers("aten._log_softmax.default")
def log_softmax_of(x: Array, dim: int, half_to_float: bool = False) -> Array:
    return log_softmax(x, dim)
