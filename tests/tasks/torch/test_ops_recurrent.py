"""Recurrent layers and cells against PyTorch's."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from aten import drawn, same  # noqa: E402

from steepest.tasks.torch.lowering.table import find  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
TIMES, EXAMPLES, INPUTS, UNITS = 5, 3, 4, 2


def weights(kind, layers, ways, bias, projected=0):
    found, gates, out = [], GATES[kind], projected or UNITS
    for layer in range(layers):
        for _ in range(ways):
            inputs = INPUTS if layer == 0 else out * ways
            shapes = [(gates * UNITS, inputs), (gates * UNITS, out)]
            shapes += [(gates * UNITS,)] * 2 if bias else []
            shapes += [(projected, UNITS)] if projected else []
            found += [drawn(*shape, seed=len(found) + n) for n, shape in enumerate(shapes)]
    return found


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    ("layers", "both", "bias", "first"),
    [
        (2, True, True, True),
        pytest.param(1, False, True, False, marks=pytest.mark.slow),
        pytest.param(2, False, False, True, marks=pytest.mark.slow),
    ],
)
def test_layers(kind, layers, both, bias, first):
    ways = 1 + both
    x = drawn(*((EXAMPLES, TIMES) if first else (TIMES, EXAMPLES)), INPUTS, seed=50)
    h = drawn(layers * ways, EXAMPLES, UNITS, seed=51)
    state = [h, drawn(layers * ways, EXAMPLES, UNITS, seed=52)] if kind == "lstm" else h
    params = weights(kind, layers, ways, bias)
    same(f"{kind}.input", x, state, params, bias, layers, 0.0, True, both, first)


def test_projected():
    x, h = drawn(TIMES, EXAMPLES, INPUTS), drawn(2, EXAMPLES, 1, seed=3)
    state = [h, drawn(2, EXAMPLES, UNITS, seed=4)]
    params = weights("lstm", 1, 2, True, projected=1)
    same("lstm.input", x, state, params, True, 1, 0.0, False, True, False)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("bias", [False, True])
def test_cells(kind, bias):
    x, h = drawn(EXAMPLES, INPUTS, seed=1), drawn(EXAMPLES, UNITS, seed=2)
    state = [h, drawn(EXAMPLES, UNITS, seed=3)] if kind == "lstm" else h
    params = weights(kind, 1, 1, bias) + ([] if bias else [None, None])
    same(f"{kind}_cell", x, state, *params)


def test_dropout_is_between_layers():
    """Of the first layer's outputs, a half is dropped, and the rest doubled; not of the last's."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(7, 40, 1)).astype(np.float32)
    one = [np.zeros((1, 1), np.float32)] * 2 + [np.full(1, 9, np.float32), np.zeros(1, np.float32)]
    two = [np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)]
    h = np.zeros((2, 40, 1), np.float32)
    params = [*one, *two, np.zeros(1, np.float32), np.zeros(1, np.float32)]
    layer = find("aten.rnn_relu.input").function
    out, _ = layer(jax.random.key(0), x, h, params, True, 2, 0.5, True, False, False)
    assert set(np.unique(out)) == {0, 18}
    assert 0.35 < np.mean(np.asarray(out) == 0) < 0.65
    out, _ = layer(jax.random.key(0), x, h, params, True, 2, 0.5, False, False, False)
    assert set(np.unique(out)) == {9}
