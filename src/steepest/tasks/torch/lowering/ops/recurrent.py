"""Recurrent layers as loops over time: LSTM, GRU and plain RNN, and their cells.

What does not depend on the state, the products of the inputs, is one product before the loop. The
weights are turned before it too, so that the engine finds the products with the state that it
takes the gradient of after the loop (`engines/rewrite/loops.py`). An LSTM has a loop with a
gradient of its own (`lstm_loop.py`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering import draws
from steepest.tasks.torch.lowering.ops.linear import linear
from steepest.tasks.torch.lowering.ops.lstm_loop import lstm_loop
from steepest.tasks.torch.lowering.table import lowers

# One step: (products of the inputs, state, recurrent weights) to the next state; a state is a
# tuple, whose first part is the output.
State = tuple[Any, ...]
Step = Callable[[Any, State, Sequence[Any]], State]


def _lstm(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Gates i, f, g, o, one after another; `weights` has the output's projection last, if any."""
    h, c = state
    i, f, g, o = jnp.split(x + _product(h, weights), 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h if len(weights) < 3 else h @ weights[2]), c


def _gru(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Gates r, z, n; the reset gate acts on the state's product, its bias included."""
    (h,) = state
    r, z, n = jnp.split(x, 3, axis=-1)
    of_r, of_z, of_n = jnp.split(_product(h, weights), 3, axis=-1)
    r, z = jax.nn.sigmoid(r + of_r), jax.nn.sigmoid(z + of_z)
    n = jnp.tanh(n + r * of_n)
    return (n + z * (h - n),)


def _rnn(activation: Callable[[Any], Any], x: Any, state: State, weights: Sequence[Any]) -> State:
    (h,) = state
    return (activation(x + _product(h, weights)),)


def _relu(x: Any) -> Any:
    return jnp.where(x > 0, x, jnp.zeros((), x.dtype))  # no gradient at zero, as in PyTorch


def _product(h: Any, weights: Sequence[Any]) -> Any:
    y = h @ weights[0]
    return y if weights[1] is None else y + weights[1]


STEPS: dict[str, Step] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn_tanh": partial(_rnn, jnp.tanh),
    "rnn_relu": partial(_rnn, _relu),
}


def _split(params: Sequence[Any], biases: bool, sets: int) -> list[list[Any]]:
    """Return for each layer and direction: weights of input and state, their biases, projection."""
    each = len(params) // sets
    found = []
    for start in range(0, len(params), each):
        own = list(params[start : start + each])
        if not biases:
            own[2:2] = [None, None]
        found.append(own)
    return found


def _run(step: Step, x: Any, state: State, own: Sequence[Any], back: bool) -> tuple[Any, State]:
    """Return the outputs `[time, examples, units]` of one layer in one direction, and its end."""
    inward, recurrent, bias, inner, *projection = own
    if inner is not None and step is not _gru:
        bias, inner = bias + inner, None
    if step is _lstm and not projection:
        out, *end = lstm_loop(linear(x, inward, bias), *state, recurrent, back)
        return out, tuple(end)
    ahead = linear(x, inward)
    weights = [recurrent.T, inner, *(one.T for one in projection)]

    def one(state: State, ahead: Any) -> tuple[State, Any]:
        state = step(ahead if bias is None else ahead + bias, state, weights)
        return state, state[0]

    state, out = lax.scan(one, state, ahead, reverse=back)
    return out, state


def _layers(
    step: Step,
    key: Any,
    x: Any,
    states: Sequence[Any],
    params: Sequence[Any],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, list[Any]]:
    """Return the last layer's outputs, and each part of the final states, layers first."""
    ways = 2 if bidirectional else 1
    if batch_first:
        x = x.swapaxes(0, 1)
    sets = _split(params, has_biases, num_layers * ways)
    ends: list[State] = []
    for layer in range(num_layers):
        outs = []
        for way in range(ways):
            number = layer * ways + way
            state = tuple(part[number] for part in states)
            out, end = _run(step, x, state, sets[number], way == 1)
            outs.append(out)
            ends.append(end)
        x = outs[0] if ways == 1 else jnp.concatenate(outs, axis=-1)
        if train and dropout > 0 and layer < num_layers - 1:
            own = key if key is draws.FIXED else jax.random.fold_in(key, layer)
            kept = draws.kept(own, 1 - dropout, x.shape).astype(x.dtype)
            x = x * (kept * (0 if dropout >= 1 else 1 / (1 - dropout)))
    if batch_first:
        x = x.swapaxes(0, 1)
    return x, [jnp.stack(part) for part in zip(*ends, strict=True)]


@lowers("aten.lstm.input", random=True)
def lstm(key: Any, x: Any, hx: Sequence[Any], *how: Any) -> tuple[Any, Any, Any]:
    """Return outputs, and the final h and c of each layer and direction."""
    out, (h, c) = _layers(_lstm, key, x, hx, *how)
    return out, h, c


def _looped(name: str) -> None:
    def layer(key: Any, x: Any, hx: Any, *how: Any) -> tuple[Any, Any]:
        out, (h,) = _layers(STEPS[name], key, x, (hx,), *how)
        return out, h

    def cell(x: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
        return _cell(STEPS[name], x, (hx,), w_ih, w_hh, b_ih, b_hh)[0]

    lowers(f"aten.{name}.input", random=True)(layer)
    lowers(f"aten.{name}_cell.default")(cell)


for _name in ("gru", "rnn_tanh", "rnn_relu"):
    _looped(_name)


@lowers("aten.lstm_cell.default")
def lstm_cell(
    x: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> tuple[Any, Any]:
    """Return the next h and c."""
    h, c = _cell(_lstm, x, tuple(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def _cell(step: Step, x: Any, state: State, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> State:
    ahead = x @ w_ih.T
    return step(ahead if b_ih is None else ahead + b_ih, state, [w_hh.T, b_hh])
