"""Oracle: for each model that we are timed on, a member trains as alone and as in Keras' own loop.

The models and data are those of `benchmarks/seconds_a_trial.py`, the first examples of them.
"""

import importlib.util

import jax
import keras
import numpy as np
import pytest
from speed.works import WORKS, make_trials

from steepest.data.order import epoch_order
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

BATCHES, SEED = 2.5, 3


def examples(name):
    """Return a little of a work's data, or skip."""
    if name == "tabular-mlp" and importlib.util.find_spec("river") is None:
        pytest.skip("River, whose data this is, is not installed (the extra bench)")
    try:
        (x, y), (x_val, y_val) = WORKS[name].data()
    except SystemExit as error:
        pytest.skip(str(error))
    count = int(BATCHES * WORKS[name].batch_size)
    return x[:count], y[:count], x_val[:count], y_val[:count]


@pytest.mark.parametrize("name", WORKS)
def test_a_member_equals_itself_alone_and_keras(name):
    work = WORKS[name]
    x, y, x_val, y_val = examples(name)
    model = work.compiled(keras)
    task = keras_task(
        model, x, y, validation_data=(x_val, y_val), epochs=1, batch_size=work.batch_size
    )
    trials = make_trials(3)
    defaults = {**RULES["Adam"].defaults, **RULES["Adam"].flags}
    population = Population.of(
        [Config("Adam", "keras", {**defaults, **trial}, "constant", SEED) for trial in trials]
    )
    program = CompiledEngine(task).compile(population.config(0))
    state, measured = program.advance(population, program.begin(population), 1)

    alone = population.take([1])
    own, curve = program.advance(alone, program.begin(alone), 1)
    for a, b in zip(
        jax.tree.leaves(own.tree()), jax.tree.leaves(state.take([1]).tree()), strict=True
    ):
        np.testing.assert_array_equal(a, b)

    weights, variables = task.initialize(SEED)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, variables, strict=True):
        variable.assign(value)
    model.compile(
        optimizer=keras.optimizers.Adam(**trials[1]), loss=model.loss, metrics=["accuracy"]
    )
    order = epoch_order(SEED, 0, len(x))
    fitted = model.fit(x[order], y[order], batch_size=work.batch_size, shuffle=False, verbose=0)
    loss, accuracy = model.evaluate(x_val, y_val, batch_size=work.batch_size, verbose=0)
    for mine, theirs in (
        ("training_loss", fitted.history["loss"][0]),
        ("loss", loss),
        ("accuracy", accuracy),
    ):
        np.testing.assert_array_equal(curve.values[mine][0], measured.values[mine][1])
        np.testing.assert_allclose(measured.values[mine][1, 0], theirs, rtol=3e-5, err_msg=mine)
