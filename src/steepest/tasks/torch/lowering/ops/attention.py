"""Scaled dot-product attention."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.tasks.torch.lowering import draws
from steepest.tasks.torch.lowering.table import lowers


@lowers("aten.scaled_dot_product_attention.default", random=True)
def attention(
    key: Any,
    query: Any,
    keys: Any,
    values: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Return softmax(q kᵀ · scale) v, of `[..., places, features]`."""
    return _attend(key, query, keys, values, attn_mask, dropout_p, is_causal, scale, enable_gqa)[0]


@lowers("aten._scaled_dot_product_attention_math.default", random=True)
def attention_with_weights(
    key: Any,
    query: Any,
    keys: Any,
    values: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    dropout_mask: Any = None,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Any, Any]:
    """Return the same and the weights `[..., places, places of the keys]`."""
    return _attend(key, query, keys, values, attn_mask, dropout_p, is_causal, scale, enable_gqa)


def _attend(
    key: Any,
    query: Any,
    keys: Any,
    values: Any,
    mask: Any,
    rate: float,
    causal: bool,
    scale: float | None,
    grouped: bool,
) -> tuple[Any, Any]:
    if grouped:  # several heads of the query share one of keys and values
        times = query.shape[-3] // keys.shape[-3]
        keys, values = jnp.repeat(keys, times, axis=-3), jnp.repeat(values, times, axis=-3)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * jnp.asarray(scale, query.dtype)) @ jnp.swapaxes(keys, -2, -1)
    out = jnp.asarray(-jnp.inf, scores.dtype)
    if causal:
        scores = jnp.where(np.tri(*scores.shape[-2:]) > 0, scores, out)
    if mask is not None:
        scores = jnp.where(mask, scores, out) if mask.dtype == bool else scores + mask
    # A mask may leave nothing of a row; where it is causal, the first key is always left.
    weights = jax.nn.softmax(scores, axis=-1) if mask is None else softmax(scores)
    if rate > 0:
        kept = draws.kept(key, 1 - rate, weights.shape).astype(weights.dtype)
        weights = weights * (kept * (0 if rate >= 1 else 1 / (1 - rate)))
    return weights @ values, weights


def softmax(scores: Any) -> Any:
    """Return the softmax of the last axis; zeros where everything is masked, as in PyTorch."""
    nothing = jnp.all(scores == -jnp.inf, axis=-1, keepdims=True)
    zero = jnp.zeros((), scores.dtype)
    weights = jax.nn.softmax(jnp.where(nothing, zero, scores), axis=-1)
    return jnp.where(nothing, zero, weights)
