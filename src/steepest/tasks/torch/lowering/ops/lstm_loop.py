"""An LSTM's loop over time with its gradient by hand.

As JAX derives the gradient, the loop keeps nine arrays a step and takes a dozen passes over them.
Here it keeps two, the gates and the cell before the step, and what is left for each step of the way
back is one pass and one product. The gradient of the weights is one product after the loop.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Loop = tuple[Any, Any, Any]


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def lstm_loop(ahead: Any, h: Any, c: Any, recurrent: Any, back: bool) -> Loop:
    """Return the outputs `[time, examples, units]`, and the last h and c `[examples, units]`.

    `ahead` `[time, examples, 4 × units]` has the products of the inputs and the biases, the gates
    i, f, g, o one after another; `recurrent` is `[4 × units, units]`. `back` begins at the end.
    """
    return _forward(ahead, h, c, recurrent, back)[0]


def _forward(ahead: Any, h: Any, c: Any, recurrent: Any, back: bool) -> tuple[Loop, Any]:
    turned = recurrent.T

    def step(state: Any, ahead: Any) -> Any:
        h, c = state
        gates = _activated(ahead + h @ turned)
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        after = f * c + i * g
        h = o * jnp.tanh(after)
        return (h, after), (h, gates, c)

    (last, cell), (out, gates, cells) = lax.scan(step, (h, c), ahead, reverse=back)
    return (out, last, cell), (out, gates, cells, h, recurrent)


def _activated(x: Any) -> Any:
    """Return the logistic function of i, f and o, and the hyperbolic tangent of g, in one pass."""
    scale, offset = _gates(x, 0.5, 1), _gates(x, 0.5, 0)
    return offset + scale * jnp.tanh(scale * x)


def _gates(x: Any, others: float, of_g: float) -> Any:
    """Return a constant for each unit of each gate."""
    return np.repeat(np.asarray([others, others, of_g, others], x.dtype), x.shape[-1] // 4)


def _backward(back: bool, kept: Any, gradients: Loop) -> tuple[Any, Any, Any, Any]:
    out, gates, cells, first, recurrent = kept
    of_out, of_last, of_cell = gradients

    def step(state: Any, at: Any) -> Any:
        dh, dc = state
        gates, before, own = at
        dh = dh + own
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        cell = jnp.tanh(f * before + i * g)
        dc = dc + dh * o * (1 - cell * cell)
        parts = jnp.concatenate([dc * g, dc * before, dc * i, dh * cell], axis=-1)
        # 1 - g² of the hyperbolic tangent, y (1 - y) of the others.
        d = parts * (1 - gates) * (gates + _gates(gates, 0, 1))
        return (d @ recurrent, dc * f), d

    begin = of_last, of_cell
    (dh, dc), d = lax.scan(step, begin, (gates, cells, of_out), reverse=not back)
    states = [out[1:], first[None]] if back else [first[None], out[:-1]]
    rows, units = jnp.concatenate(states).reshape(-1, out.shape[-1]), d.shape[-1]
    # As an engine on a CPU takes the gradient of turned weights (`engines/rewrite/products.py`).
    hidden: Any = lax.optimization_barrier
    return d, dh, dc, hidden(d.reshape(-1, units).T) @ rows


lstm_loop.defvjp(_forward, _backward)
