"""Normalization: batch, layer, group, instance, root mean square, and of weights.

Statistics of half-precision inputs are taken in float32: the graph widens them before.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array
from steepest.tasks.torch.lowering.ops.distance import vector_norm
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

Shape = Sequence[int]
Optional = Array | None
Three = tuple[Array, Array, Array]


def _moments(x: Array, over: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the mean and the biased variance, with the axes kept."""
    mean = jnp.mean(x, over, keepdims=True)
    return mean, jnp.mean(lax.square(x - mean), over, keepdims=True)


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _normalized(x: Array, over: tuple[int, ...], eps: float) -> Three:
    """Return x less its mean over some axes, by its deviation; and the mean and the variance.

    The gradient is by hand, in two passes over the arrays instead of four. The statistics have
    none.
    """
    return _forward(x, over, eps)[0]


def _forward(x: Array, over: tuple[int, ...], eps: float) -> tuple[Three, Any]:
    mean, variance = _moments(x, over)
    scale = lax.rsqrt(variance + eps)
    return ((x - mean) * scale, mean, variance), (x, mean, scale)


def _backward(over: tuple[int, ...], eps: float, kept: Any, gradients: Three) -> tuple[Array]:
    x, mean, scale = kept
    y, g = (x - mean) * scale, gradients[0]
    along = jnp.mean(g * y, over, keepdims=True)
    return ((g - jnp.mean(g, over, keepdims=True) - y * along) * scale,)


_normalized.defvjp(_forward, _backward)


def _channels(array: Array, ndim: int) -> Array:
    """Return one number a channel as it is added to [examples, channels, ...]."""
    return array.reshape(1, -1, *([1] * (ndim - 2)))


def _scaled(x: Array, weight: Optional, bias: Optional) -> Array:
    """Return x [examples, channels, ...] times the weight, plus the bias, of each channel."""
    x = x if weight is None else x * _channels(weight, x.ndim)
    return x if bias is None else x + _channels(bias, x.ndim)


def _by_batch(x: Array, weight: Optional, bias: Optional, eps: float) -> Three:
    """Return x normalized by its own statistics, and their mean and biased variance."""
    out, mean, variance = _normalized(x, (0, *range(2, x.ndim)), eps)
    return _scaled(out, weight, bias), mean.reshape(-1), variance.reshape(-1)


def _by_statistics(
    x: Array, weight: Optional, bias: Optional, mean: Array, variance: Array, eps: float
) -> Array:
    scale = lax.rsqrt(variance + eps)
    scale = scale if weight is None else scale * weight
    out = (x - _channels(mean, x.ndim)) * _channels(scale, x.ndim)
    return out if bias is None else out + _channels(bias, x.ndim)


@lowers("aten._native_batch_norm_legit_functional.default")
def batch_norm_functional(
    x: Array,
    weight: Optional,
    bias: Optional,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Array, Array, Array, Array]:
    """The result, what PyTorch saves for its own backward pass, and the running statistics.

    The batch is normalized by its biased variance, while the unbiased one is kept; `momentum` is
    the weight of the new value.
    """
    if not training:
        out = _by_statistics(x, weight, bias, running_mean, running_var, eps)
        empty = jnp.zeros((0,), x.dtype)
        return out, empty, empty, running_mean, running_var
    out, mean, variance = _by_batch(x, weight, bias, eps)
    count = x.size // x.shape[1]
    kept_mean, kept = lax.stop_gradient((mean, variance * (count / max(count - 1, 1))))
    return (
        out,
        mean,
        lax.rsqrt(variance + eps),
        running_mean * (1 - momentum) + kept_mean.astype(running_mean.dtype) * momentum,
        running_var * (1 - momentum) + kept.astype(running_var.dtype) * momentum,
    )


@lowers("aten._native_batch_norm_legit.no_stats")
def batch_norm_alone(
    x: Array, weight: Optional, bias: Optional, training: bool, momentum: float, eps: float
) -> Three:
    out, mean, variance = _by_batch(x, weight, bias, eps)
    return out, mean, lax.rsqrt(variance + eps)


@lowers("aten._native_batch_norm_legit_no_training.default")
def batch_norm_still(
    x: Array,
    weight: Optional,
    bias: Optional,
    running_mean: Array,
    running_var: Array,
    momentum: float,
    eps: float,
) -> Three:
    out = _by_statistics(x, weight, bias, running_mean, running_var, eps)
    empty = jnp.zeros((0,), x.dtype)
    return out, empty, empty


@lowers("aten.instance_norm.default")
def instance_norm(
    x: Array,
    weight: Optional,
    bias: Optional,
    running_mean: Optional,
    running_var: Optional,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Array:
    if not use_input_stats and running_mean is not None and running_var is not None:
        return _by_statistics(x, weight, bias, running_mean, running_var, eps)
    if running_mean is not None:
        raise NotLoweredError("instance_norm that tracks statistics is not lowered")
    return _scaled(_normalized(x, tuple(range(2, x.ndim)), eps)[0], weight, bias)


@lowers("aten.layer_norm.default")
def layer_norm(
    x: Array,
    normalized_shape: Shape,
    weight: Optional = None,
    bias: Optional = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Array:
    return native_layer_norm(x, normalized_shape, weight, bias, eps)[0]


@lowers("aten.native_layer_norm.default")
def native_layer_norm(
    x: Array, normalized_shape: Shape, weight: Optional, bias: Optional, eps: float
) -> Three:
    over = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    out, mean, variance = _normalized(x, over, eps)
    out = out if weight is None else out * weight
    return (out if bias is None else out + bias), mean, lax.rsqrt(variance + eps)


@lowers("aten.group_norm.default")
def group_norm(
    x: Array,
    num_groups: int,
    weight: Optional = None,
    bias: Optional = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Array:
    grouped = x.reshape(x.shape[0], num_groups, -1)
    return _scaled(_normalized(grouped, (2,), eps)[0].reshape(x.shape), weight, bias)


@lowers("aten.native_group_norm.default")
def native_group_norm(
    x: Array,
    weight: Optional,
    bias: Optional,
    examples: int,
    channels: int,
    places: int,
    group: int,
    eps: float,
) -> Three:
    grouped = x.reshape(x.shape[0], group, -1)
    out, mean, variance = _normalized(grouped, (2,), eps)
    out = _scaled(out.reshape(x.shape), weight, bias)
    return out, mean[..., 0], lax.rsqrt(variance + eps)[..., 0]


@lowers("aten.rms_norm.default")
def rms_norm(
    x: Array, normalized_shape: Shape, weight: Optional = None, eps: float | None = None
) -> Array:
    over = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    out = x * lax.rsqrt(jnp.mean(lax.square(x), over, keepdims=True) + eps)
    return out if weight is None else out * weight


@lowers("aten._weight_norm.default")
def weight_norm(v: Array, g: Array, dim: int = 0) -> Array:
    """The direction of v and the length g, along each index of axis `dim` (-1: of the whole)."""
    over = tuple(a for a in range(v.ndim) if a != dim) if dim != -1 else None
    return v * (g / vector_norm(v, 2, over, over is not None))


@lowers("aten._weight_norm_interface.default")
def weight_norm_interface(v: Array, g: Array, dim: int = 0) -> tuple[Array, Array]:
    over: Any = tuple(a for a in range(v.ndim) if a != dim)
    return weight_norm(v, g, dim), vector_norm(v, 2, over, True)
