"""The losses of `torch.nn` that the exported graph keeps whole; the others are its arithmetic.

`reduction` is 0 for none, 1 for the mean, 2 for the sum.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, size
from steepest.tasks.torch.lowering.ops.distance import pairwise_distance
from steepest.tasks.torch.lowering.ops.elementwise import clamp_min, xlogy
from steepest.tasks.torch.lowering.table import lowers

Optional = Array | None


def _reduced(losses: Array, reduction: int) -> Array:
    if reduction == 0:
        return losses
    return jnp.mean(losses) if reduction == 1 else jnp.sum(losses)


@lowers("aten.mse_loss.default")
def mse_loss(x: Array, y: Array, reduction: int = 1) -> Array:
    return _reduced(lax.square(x - y), reduction)


@lowers("aten.l1_loss.default")
def l1_loss(x: Array, y: Array, reduction: int = 1) -> Array:
    return _reduced(size(x - y), reduction)


@lowers("aten.smooth_l1_loss.default")
def smooth_l1_loss(x: Array, y: Array, reduction: int = 1, beta: float = 1.0) -> Array:
    if beta == 0:
        return l1_loss(x, y, reduction)
    return _reduced(_huber(x - y, beta) / beta, reduction)


@lowers("aten.huber_loss.default")
def huber_loss(x: Array, y: Array, reduction: int = 1, delta: float = 1.0) -> Array:
    return _reduced(_huber(x - y, delta), reduction)


def _huber(error: Array, delta: float) -> Array:
    far = size(error)
    return jnp.where(far < delta, 0.5 * lax.square(error), delta * (far - 0.5 * delta))


@jax.custom_jvp
def _bernoulli(p: Array, y: Array) -> Array:
    """Return the cross entropy of a probability p and a target y, with logarithms above -100."""
    lower = -100
    return (y - 1) * jnp.maximum(lax.log1p(-p), lower) - y * jnp.maximum(lax.log(p), lower)


@_bernoulli.defjvp
def _bernoulli_tangent(primals: Any, tangents: Any) -> tuple[Array, Array]:
    """At 0 and 1 the slope is finite: PyTorch divides by no less than 1e-12."""
    (p, y), (dp, dy) = primals, tangents
    slope = (p - y) / jnp.maximum((1 - p) * p, 1e-12)
    return _bernoulli(p, y), dp * slope + dy * (lax.log1p(-p) - lax.log(p))


@lowers("aten.binary_cross_entropy.default")
def binary_cross_entropy(x: Array, y: Array, weight: Optional = None, reduction: int = 1) -> Array:
    losses = _bernoulli(*jnp.broadcast_arrays(x, y.astype(x.dtype)))
    return _reduced(losses if weight is None else losses * weight, reduction)


@lowers("aten.binary_cross_entropy_with_logits.default")
def binary_cross_entropy_with_logits(
    x: Array,
    y: Array,
    weight: Optional = None,
    pos_weight: Optional = None,
    reduction: int = 1,
) -> Array:
    no = jnp.logaddexp(-x, 0)  # minus the logarithm of the probability
    factor = 1 if pos_weight is None else (pos_weight - 1) * y + 1
    losses = (1 - y) * x + factor * no
    return _reduced(losses if weight is None else losses * weight, reduction)


@lowers("aten.kl_div.default")
def kl_div(x: Array, y: Array, reduction: int = 1, *, log_target: bool = False) -> Array:
    return _reduced(lax.exp(y) * (y - x) if log_target else xlogy(y, y) - y * x, reduction)


@lowers("aten.poisson_nll_loss.default")
def poisson_nll_loss(
    x: Array, y: Array, log_input: bool, full: bool, eps: float, reduction: int
) -> Array:
    losses = lax.exp(x) - y * x if log_input else x - y * lax.log(x + eps)
    if full:
        safe = jnp.where(y > 1, y, 2)
        stirling = safe * jnp.log(safe) - safe + 0.5 * jnp.log(2 * math.pi * safe)
        losses = losses + jnp.where(y > 1, stirling, 0)
    return _reduced(losses, reduction)


@lowers("aten.soft_margin_loss.default")
def soft_margin_loss(x: Array, y: Array, reduction: int = 1) -> Array:
    return _reduced(jnp.logaddexp(-y * x, 0), reduction)


@lowers("aten.hinge_embedding_loss.default")
def hinge_embedding_loss(x: Array, y: Array, margin: float = 1.0, reduction: int = 1) -> Array:
    far = jnp.where(y != 1, clamp_min(margin - x, 0), 0)
    return _reduced(far + jnp.where(y != -1, x, 0), reduction)


@lowers("aten.margin_ranking_loss.default")
def margin_ranking_loss(
    x: Array, other: Array, y: Array, margin: float = 0.0, reduction: int = 1
) -> Array:
    return _reduced(clamp_min(-y * (x - other) + margin, 0), reduction)


@lowers("aten.cosine_embedding_loss.default")
def cosine_embedding_loss(
    x: Array, other: Array, y: Array, margin: float = 0.0, reduction: int = 1
) -> Array:
    tiny, dim = 1e-12, y.ndim
    square = (jnp.sum(x * x, dim) + tiny) * (jnp.sum(other * other, dim) + tiny)
    cosine = jnp.sum(x * other, dim) / lax.sqrt(square)
    losses = jnp.where(y == 1, 1 - cosine, 0)
    return _reduced(losses + jnp.where(y == -1, clamp_min(cosine - margin, 0), 0), reduction)


@lowers("aten.triplet_margin_loss.default")
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
) -> Array:
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = jnp.minimum(far, pairwise_distance(positive, negative, p, eps))
    return _reduced(clamp_min(margin + near - far, 0), reduction)


@lowers("aten.multilabel_margin_loss.default")
def multilabel_margin_loss(x: Array, y: Array, reduction: int = 1) -> Array:
    """x [examples, classes]; y has the labels of each example, and -1 behind the last."""
    valid = jnp.cumprod(y >= 0, -1) == 1
    classes = jnp.arange(x.shape[-1])
    chosen = valid[..., :, None] & (y[..., :, None] == classes)  # [..., labels, classes]
    others = ~jnp.any(chosen, -2)
    of_labels = jnp.sum(jnp.where(chosen, x[..., None, :], 0), -1)
    margins = clamp_min(1 - (of_labels[..., :, None] - x[..., None, :]), 0)
    counted = valid[..., :, None] & others[..., None, :]
    return _reduced(jnp.sum(jnp.where(counted, margins, 0), (-2, -1)) / x.shape[-1], reduction)


@lowers("aten.multi_margin_loss.default")
def multi_margin_loss(
    x: Array,
    y: Array,
    p: Any = 1,
    margin: Any = 1,
    weight: Optional = None,
    reduction: int = 1,
) -> Array:
    own = jnp.arange(x.shape[-1]) == y[..., None]
    of_label = jnp.sum(jnp.where(own, x, 0), -1, keepdims=True)
    margins = clamp_min(margin - of_label + x, 0)
    margins = margins if p == 1 else lax.square(margins)
    if weight is not None:
        margins = margins * jnp.sum(jnp.where(own, weight, 0), -1, keepdims=True)
    return _reduced(jnp.sum(jnp.where(own, 0, margins), -1) / x.shape[-1], reduction)
