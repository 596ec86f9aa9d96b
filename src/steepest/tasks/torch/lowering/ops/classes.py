"""Losses of classes: cross entropy and the negative log likelihood.

A class is picked by comparing numbers and summing, not by an index: the gradient is then a choice
too, where that of an index is a scatter, which XLA runs one element after the other on a CPU.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, is_float
from steepest.tasks.torch.lowering.table import lowers

Optional = Array | None


def _picked(x: Array, y: Array, dim: int) -> Array:
    """Return the elements of x at the classes y, along axis `dim`, which goes."""
    classes = lax.broadcasted_iota(y.dtype, x.shape, dim)
    return jnp.sum(jnp.where(classes == jnp.expand_dims(y, dim), x, 0), dim)


def _weights(y: Array, weight: Optional, ignore_index: int, kind: Any) -> Array:
    """Return the weight of each target: that of its class, and 0 where it is ignored."""
    counted = y != ignore_index
    if weight is None:
        return counted.astype(kind)
    classes = jnp.arange(weight.shape[0], dtype=y.dtype)
    chosen = (y[..., None] == classes) & counted[..., None]
    return jnp.sum(jnp.where(chosen, weight.astype(kind), 0), -1)


def _averaged(losses: Array, weights: Array, reduction: int) -> Array:
    """Return the losses, which are weighted; the mean divides by the sum of the weights."""
    if reduction == 0:
        return losses
    total = jnp.sum(losses)
    return total / jnp.sum(weights) if reduction == 1 else total


@lowers("aten.nll_loss_nd.default", "aten.nll_loss.default", "aten.nll_loss2d.default")
def nll_loss(
    x: Array, y: Array, weight: Optional = None, reduction: int = 1, ignore_index: int = -100
) -> Array:
    """x [classes], [examples, classes] or [examples, classes, ...]; y the rest of its shape."""
    weights = _weights(y, weight, ignore_index, x.dtype)
    losses = -_picked(x, y, min(x.ndim - 1, 1))
    losses = jnp.where(y == ignore_index, 0, losses * weights)
    return _averaged(losses, weights, reduction)


@lowers("aten.nll_loss_forward.default", "aten.nll_loss2d_forward.default")
def nll_loss_forward(
    x: Array, y: Array, weight: Optional, reduction: int, ignore_index: int
) -> tuple[Array, Array]:
    total = jnp.sum(_weights(y, weight, ignore_index, x.dtype))
    return nll_loss(x, y, weight, reduction, ignore_index), total


@lowers("aten.cross_entropy_loss.default")
def cross_entropy_loss(
    x: Array,
    y: Array,
    weight: Optional = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Array:
    """x as in `nll_loss`, logits; y classes, or probabilities in the shape of x."""
    dim = min(x.ndim - 1, 1)
    count = x.shape[dim]
    logs = jax.nn.log_softmax(x, dim)
    shape = [count if a == dim else 1 for a in range(x.ndim)]
    if is_float(y):
        if label_smoothing > 0:
            y = y * (1 - label_smoothing) + label_smoothing / count
        weighted = logs if weight is None else logs * weight.reshape(shape)
        losses = -jnp.sum(weighted * y, dim)
        return _averaged(losses, jnp.ones_like(losses), reduction)
    plain = nll_loss(logs, y, weight, reduction, ignore_index)
    if label_smoothing == 0:
        return plain
    weighted = logs if weight is None else logs * weight.reshape(shape)
    smooth = jnp.where(y == ignore_index, 0, -jnp.sum(weighted, dim))
    smooth = _averaged(smooth, _weights(y, weight, ignore_index, x.dtype), reduction)
    return (1 - label_smoothing) * plain + label_smoothing / count * smooth
