"""Oracle: a member of a population has the loss curve of Keras' own `fit`, to float32 rounding.

Same initial weights, same batches in the same order, the last one of an epoch smaller; batch
normalization in the model. The optimizer that `fit` gets is made by the code to paste. That every
rule takes the steps of the frameworks is for `tests/rules/test_oracles.py` to show.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from small import BATCH, EPOCHS, classes_data, make_model, make_task

from steepest.codegen import code
from steepest.data.order import epoch_order
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES
from steepest.rules.recipe import completed
from steepest.tasks.keras.task import run_code

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

SETTINGS = [
    ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "schedule": "cosine"}),
    ("SGD", {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True, "schedule": "linear"}),
    ("Adam", {"learning_rate": 0.003, "beta_1": 0.7, "beta_2": 0.97, "epsilon": 1e-2}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "clip_norm": 0.5, "schedule": "step"}),
    ("Adam", {"learning_rate": 0.01, "accumulation": 3, "schedule": "cosine", "warmup": 0.2}),
    ("Adam", {"dialect": "torch", "learning_rate": 0.01, "weight_decay": 0.1, "clip_each": 0.1}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "schedule": "exponential"}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "decay": "coupled", "warmup": 0.3}),
    ("RMSprop", {"learning_rate": 0.003, "rho": 0.95, "momentum": 0.8, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.05, "initial_accumulator_value": 0.01}),
    ("Lamb", {"dialect": "optax", "learning_rate": 0.01, "weight_decay": 0.1}),
    ("Muon", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.01, "warmup": 0.2}),
]


def configured(rule, setting, seed=7):
    given = dict(setting)
    dialect, schedule = given.pop("dialect", "keras"), given.pop("schedule", "constant")
    values = {**RULES[rule].settings(dialect), **given}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, values, schedule, seed)


@pytest.fixture(scope="module")
def model():
    return make_model(batch_norm=True)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(batch_norm=True))


def ours(task, config):
    """Return the member's training losses, validation losses and accuracies, each `[epochs]`."""
    population = Population.of([config])
    program = CompiledEngine(task).compile(config)
    _, measured = program.advance(population, program.begin(population), task.facts.epochs)
    return [measured.values[name][0] for name in ("training_loss", "loss", "accuracy")]


def theirs(model, task, config):
    """Return the same from `fit`, an epoch a call, over examples in our order."""
    seed = config.seed
    weights, state = task.initialize(seed)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    optimizer = run_code(code(config, task.facts, "keras"), model)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), validation = classes_data(), classes_data(1)
    rows = []
    for epoch in range(EPOCHS):
        order = epoch_order(seed, epoch, len(x))
        done = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
        loss, accuracy = model.evaluate(*validation, verbose=0)
        rows.append((done.history["loss"][0], loss, accuracy))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("rule", "setting"), SETTINGS, ids=str)
def test_a_member_equals_keras_fit(model, task, rule, setting):
    config = configured(rule, setting)
    mine, keras_own = ours(task, config), theirs(model, task, config)
    for a, b in zip(mine, keras_own, strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=2e-6)


def test_the_average_is_evaluated(model, task):
    """As Keras has it at the end of `fit`; here for the first epoch."""
    config = configured("Adam", {"learning_rate": 0.01, "ema": 0.9})
    weights, state = task.initialize(7)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    optimizer = run_code(code(config, task.facts, "keras"), model)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), validation = classes_data(), classes_data(1)
    order = epoch_order(7, 0, len(x))
    # The end of fit puts the average into the weights, which is what Keras then evaluates.
    model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
    loss, accuracy = model.evaluate(*validation, verbose=0)
    mine = ours(task, config)
    np.testing.assert_allclose([mine[1][0], mine[2][0]], [loss, accuracy], rtol=3e-5)


def test_dropout_takes_the_stream_of_keras():
    model = make_model(dropout=0.3)
    task = make_task(model)
    config = configured("Adam", {"learning_rate": 0.01}, seed=3)
    mine, keras_own = ours(task, config), theirs(model, task, config)
    np.testing.assert_allclose(mine[0], keras_own[0], rtol=2e-5, atol=2e-6)


def test_the_tolerance_would_catch_the_wrong_place_of_the_learning_rate(model, task):
    """With the rate outside the velocity, as PyTorch has it, a decaying rate shows at once."""
    setting = {"learning_rate": 0.05, "momentum": 0.9, "schedule": "cosine"}
    config = configured("SGD", setting)
    keras_own = theirs(model, task, config)
    velocity_outside = replace(RULES["SGD"], update=torch_sgd)
    with patch.dict(RULES, {"SGD": velocity_outside}):
        other = ours(task, config)
    assert np.abs(other[1] - keras_own[1]).max() > 1e-3


def torch_sgd(g, w, memory, t, h):
    m = h.momentum * memory[0] + g
    return w - h.learning_rate * m, (m,)
