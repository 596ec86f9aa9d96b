"""Oracle: a member of a population has the loss curve of Keras' own `fit`, to float32 rounding.

Same initial weights, same batches in the same order, the last one of an epoch smaller; batch
normalization in the model.
"""

from dataclasses import replace
from unittest.mock import patch

import jax
import keras
import numpy as np
import pytest
from small import BATCH, EPOCHS, classes_data, make_model, make_task

from steepest.engines.compiled import advance, compile_program, place
from steepest.engines.state import begin
from steepest.records import Config, Population
from steepest.rules import RULES

SETTINGS = {
    "SGD": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.05, "momentum": 0.9},
        {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
    ],
    "Adam": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.003, "beta_1": 0.7, "beta_2": 0.97, "epsilon": 1e-2},
        {"learning_rate": 0.01, "amsgrad": True},
    ],
    "RMSprop": [
        {"learning_rate": 0.003},
        {"learning_rate": 0.003, "rho": 0.95, "momentum": 0.8, "epsilon": 1e-3},
        {"learning_rate": 0.003, "centered": True, "epsilon": 1e-4},
    ],
}
CASES = [
    (rule, setting, schedule)
    for rule, settings in SETTINGS.items()
    for i, setting in enumerate(settings)
    for schedule in (["constant", "cosine"] if i == 1 else ["constant"])
]


def full(rule, setting):
    return {**RULES[rule].defaults, **RULES[rule].flags, **setting}


@pytest.fixture(scope="module")
def model():
    return make_model(batch_norm=True)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(batch_norm=True))


def ours(task, rule, setting, schedule, seed):
    """Return the member's training losses, validation losses and accuracies, each `[epochs]`."""
    config = Config(rule, "keras", full(rule, setting), schedule, seed)
    population = Population.of([config])
    program = compile_program(task, place(task), config)
    _, measured = advance(program, population, begin(task, population), task.facts.epochs)
    return [measured.values[name][0] for name in ("training_loss", "loss", "accuracy")]


def theirs(model, task, rule, setting, schedule, seed):
    """Return the same from `fit`, an epoch a call, over examples in our order."""
    weights, state = task.initialize(seed)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    arguments = full(rule, setting)
    if schedule == "cosine":
        steps = task.facts.steps_per_epoch * task.facts.epochs
        decay = keras.optimizers.schedules.CosineDecay(arguments["learning_rate"], steps)
        arguments["learning_rate"] = decay
    optimizer = getattr(keras.optimizers, rule)(**arguments)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), validation = classes_data(), classes_data(1)
    rows = []
    for epoch in range(EPOCHS):
        key = jax.random.fold_in(jax.random.key(seed), epoch)
        order = np.asarray(jax.random.permutation(key, len(x)))
        done = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
        loss, accuracy = model.evaluate(*validation, verbose=0)
        rows.append((done.history["loss"][0], loss, accuracy))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("rule", "setting", "schedule"), CASES, ids=str)
def test_a_member_equals_keras_fit(model, task, rule, setting, schedule):
    mine = ours(task, rule, setting, schedule, seed=7)
    keras_own = theirs(model, task, rule, setting, schedule, seed=7)
    for a, b in zip(mine, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_dropout_takes_the_stream_of_keras():
    model = make_model(dropout=0.3)
    task = make_task(model)
    mine = ours(task, "Adam", {"learning_rate": 0.01}, "constant", seed=3)
    keras_own = theirs(model, task, "Adam", {"learning_rate": 0.01}, "constant", seed=3)
    np.testing.assert_allclose(mine[0], keras_own[0], rtol=2e-5, atol=2e-6)


def test_the_tolerance_would_catch_the_wrong_place_of_the_learning_rate(model, task):
    """With the rate outside the velocity, as PyTorch has it, a decaying rate shows at once."""
    setting = {"learning_rate": 0.05, "momentum": 0.9}
    keras_own = theirs(model, task, "SGD", setting, "cosine", 7)
    velocity_outside = replace(RULES["SGD"], update=torch_sgd)
    with patch.dict(RULES, {"SGD": velocity_outside}):
        other = ours(task, "SGD", setting, "cosine", 7)
    assert np.abs(other[1] - keras_own[1]).max() > 1e-3


def torch_sgd(g, w, memory, t, h):
    m = h.momentum * memory[0] + g
    return w - h.learning_rate * m, (m,)
