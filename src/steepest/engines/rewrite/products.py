"""The matrix product of a layer, with gradients that XLA need not copy for.

The gradient of the weights as JAX derives it is a product whose result is transposed, for which
XLA on a CPU first transposes the gradient of the outputs: a fifth of a small transformer's step.

Keras' weights are `[inputs, outputs]`, PyTorch's are turned: `[outputs, inputs]`.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# With many rows and few outputs, as convolutions have them, the gradient of the weights is twice as
# fast from a gradient of the outputs that is transposed by hand. That of turned weights is with any
# number of outputs: for 2048 rows of 64 inputs and 256 outputs, as an LSTM has, 1.1 ms and not 2.3.
MANY, NARROW = 1024, 64


def product_of(x: Any, weights: Any, **params: Any) -> Any:
    """Return `lax.dot_general` of the same arguments, or None where it is left alone.

    Taken are activations `[..., inputs]` times weights `[inputs, ...]` or `[outputs, inputs]` in
    float32.
    """
    if _is_turned(x, weights, **params):
        return turned_product(x, weights, params["precision"])
    return layer_of(x, weights, **params)


def layer_of(x: Any, weights: Any, **params: Any) -> Any:
    """Return the same, of weights `[inputs, ...]` alone, as an accelerator needs no more."""
    return product(x, weights, params["precision"]) if is_layer(x, weights, **params) else None


def is_layer(x: Any, weights: Any, **params: Any) -> bool:
    """Return whether these are activations times weights, in float32."""
    return weights.ndim >= 2 and _along(x, weights, 0, **params)


def _is_turned(x: Any, weights: Any, **params: Any) -> bool:
    """Return whether these are activations times weights `[outputs, inputs]`, in float32."""
    return weights.ndim == 2 and _along(x, weights, 1, **params)


def _along(x: Any, weights: Any, axis: int, **params: Any) -> bool:
    """Return whether the last axis of `x` is summed with this axis of `weights`, in float32."""
    plain = params["dimension_numbers"] == (((x.ndim - 1,), (axis,)), ((), ()))
    kinds = (x.dtype, weights.dtype, params["preferred_element_type"] or jnp.float32)
    return bool(plain and x.ndim >= 2 and all(k == jnp.float32 for k in kinds))


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def product(x: Any, weights: Any, precision: Any = None) -> Any:
    """Return activations `[..., inputs]` times weights `[inputs, ...]`."""
    return _dot(x, weights, (x.ndim - 1,), (0,), precision)


def _forward(x: Any, weights: Any, precision: Any) -> Any:
    return product(x, weights, precision), (x, weights)


def _backward(precision: Any, kept: Any, gradient: Any) -> Any:
    x, weights = kept
    outputs = weights.ndim - 1
    last = tuple(range(gradient.ndim - outputs, gradient.ndim))
    back = _dot(gradient, weights, last, tuple(range(1, weights.ndim)), precision)
    rows = x.size // x.shape[-1]
    if outputs == 1 and rows >= MANY and weights.shape[1] <= NARROW <= weights.shape[0] // 2:
        return back, _hidden(_by_hand(x, gradient, rows, precision)).T
    examples = tuple(range(x.ndim - 1))
    return back, _dot(x, gradient, examples, examples, precision)


product.defvjp(_forward, _backward)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def turned_product(x: Any, weights: Any, precision: Any = None) -> Any:
    """Return activations `[..., inputs]` times weights `[outputs, inputs]`."""
    return _dot(x, weights, (x.ndim - 1,), (1,), precision)


def _turned_forward(x: Any, weights: Any, precision: Any) -> Any:
    return turned_product(x, weights, precision), (x, weights)


def _turned_backward(precision: Any, kept: Any, gradient: Any) -> Any:
    x, weights = kept
    back = _dot(gradient, weights, (gradient.ndim - 1,), (0,), precision)
    rows = x.size // x.shape[-1]
    if rows >= MANY:
        return back, _by_hand(x, gradient, rows, precision)
    examples = tuple(range(x.ndim - 1))
    return back, _dot(gradient, x, examples, examples, precision)


turned_product.defvjp(_turned_forward, _turned_backward)


def _by_hand(x: Any, gradient: Any, rows: int, precision: Any) -> Any:
    """Return the gradient of weights `[outputs, inputs]`, by a transposition that XLA does."""
    turned = _hidden(gradient.reshape(rows, -1).T)
    return _dot(turned, x.reshape(rows, -1), (1,), (0,), precision)


def _hidden(x: Any) -> Any:
    """Hide a transposition from XLA, which would undo it."""
    barrier: Any = lax.optimization_barrier
    return barrier(x)


def _dot(a: Any, b: Any, over_a: Any, over_b: Any, precision: Any) -> Any:
    return lax.dot_general(
        a,
        b,
        ((over_a, over_b), ((), ())),
        precision=precision,
        preferred_element_type=jnp.float32,
    )
