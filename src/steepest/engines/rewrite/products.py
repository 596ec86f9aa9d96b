"""The matrix product of a layer, with gradients that XLA need not copy for.

The gradient of the weights as JAX derives it is a product whose result is transposed, for which
XLA on a CPU first transposes the gradient of the outputs: a fifth of a small transformer's step.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# With many rows and few outputs, as convolutions have them, the gradient of the weights is twice as
# fast from a gradient of the outputs that is transposed by hand.
MANY, NARROW = 1024, 64


def product_of(x: Any, weights: Any, **params: Any) -> Any:
    """Return `lax.dot_general` of the same arguments, or None where it is left alone.

    Taken are activations `[..., inputs]` times weights `[inputs, ...]` in float32.
    """
    if not is_layer(x, weights, **params):
        return None
    return product(x, weights, params["precision"])


def is_layer(x: Any, weights: Any, **params: Any) -> bool:
    """Return whether these are activations times weights, in float32."""
    (over_x, over_weights), batches = params["dimension_numbers"]
    plain = over_x == (x.ndim - 1,) and over_weights == (0,) and batches == ((), ())
    kinds = (x.dtype, weights.dtype, params["preferred_element_type"] or jnp.float32)
    return bool(
        plain and x.ndim >= 2 and weights.ndim >= 2 and all(k == jnp.float32 for k in kinds)
    )


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
        # XLA would undo the transposition, if it saw it.
        hidden: Any = lax.optimization_barrier
        turned = hidden(gradient.reshape(rows, -1).T)
        found = _dot(turned, x.reshape(rows, -1), (1,), (0,), precision)
        return back, hidden(found).T
    examples = tuple(range(x.ndim - 1))
    return back, _dot(x, gradient, examples, examples, precision)


product.defvjp(_forward, _backward)


def _dot(a: Any, b: Any, over_a: Any, over_b: Any, precision: Any) -> Any:
    return lax.dot_general(
        a,
        b,
        ((over_a, over_b), ((), ())),
        precision=precision,
        preferred_element_type=jnp.float32,
    )
