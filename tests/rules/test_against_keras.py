"""Oracle: each formula, on a fixed stream of gradients, moves as `keras.optimizers` does."""

import keras
import numpy as np
import pytest

from steepest.rules import RULES, Hyperparameters

STEPS = 60
SETTINGS = {
    "SGD": [
        {},
        {"momentum": 0.9},
        {"momentum": 0.99, "learning_rate": 0.3},
        {"momentum": 0.9, "nesterov": True},
        {"nesterov": True},
    ],
    "Adam": [
        {},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2},
        {"learning_rate": 0.1, "beta_2": 0.9999},
        {"amsgrad": True},
        {"amsgrad": True, "beta_1": 0.0, "epsilon": 1e-3},
    ],
    "RMSprop": [
        {},
        {"rho": 0.99, "epsilon": 1e-2},
        {"momentum": 0.9, "rho": 0.5},
        {"centered": True},
        {"centered": True, "momentum": 0.8, "epsilon": 1e-4},
    ],
}
CASES = [(rule, setting) for rule, settings in SETTINGS.items() for setting in settings]


def rate_constant(step):
    return 1.0


def rate_drops(step):
    return 1.0 if step < STEPS // 2 else 0.1


def rate_cosine(step):
    return 0.5 * (1 + np.cos(np.pi * step / STEPS))


@pytest.mark.parametrize("rate", [rate_constant, rate_drops, rate_cosine])
@pytest.mark.parametrize(("name", "setting"), CASES, ids=str)
def test_a_rule_equals_keras(name, setting, rate):
    rule = RULES[name]
    values = {**rule.defaults, **rule.flags, **setting}
    optimizer = getattr(keras.optimizers, name)(**values)
    random = np.random.default_rng(0)
    start = random.normal(size=(5, 4)).astype("float32")
    # Gradients of very different sizes, and one that is always zero.
    scale = np.logspace(-4, 1, 20).reshape(5, 4)
    scale[0, 0] = 0
    variable = keras.Variable(start)
    w, memory = start, tuple(np.zeros_like(start) for _ in rule.memory(values))
    numbers = {k: np.float32(v) for k, v in values.items() if not isinstance(v, bool)}
    flags = {k: v for k, v in values.items() if isinstance(v, bool)}
    complements = {k: np.float32(1 - values[k]) for k in numbers}
    for step in range(STEPS):
        g = (random.normal(size=(5, 4)) * scale).astype("float32")
        lr = np.float32(values["learning_rate"] * rate(step))
        optimizer.learning_rate = lr
        optimizer.apply([g], [variable])
        h = Hyperparameters({**numbers, **flags, "learning_rate": lr}, complements)
        w, memory = rule.update(g, w, memory, np.float32(step + 1), h)
        np.testing.assert_allclose(w, np.asarray(variable), rtol=2e-5, atol=2e-6)
    assert np.abs(w - start).max() > 1e-3
    assert w.dtype == np.float32
