"""The given order of the examples, `shuffle=False`, in all engines as in `fit`."""

import json
from dataclasses import asdict, replace

import keras
import numpy as np
import pytest
from small import BATCH, classes_data, make_model, make_task

from steepest.data.order import epoch_order
from steepest.engines import CompiledEngine, FitEngine
from steepest.engines.population import Population
from steepest.engines.streaming.engine import StreamEngine
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import RULES
from steepest.storage.facts import TASK
from steepest.tasks.keras.task import run_code
from steepest.tasks.task_diff import what_differs

CONFIG = Config(
    "SGD", "keras", {**RULES["SGD"].settings("keras"), "learning_rate": 0.1}, "constant", 3
)


class OwnStep(keras.Model):
    """A model that trains through `fit` on JAX too."""

    def train_step(self, state, data):
        return super().train_step(state, data)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(batch_norm=False), epochs=2, shuffle=False)


@pytest.fixture(scope="module")
def kept(task):
    """Training losses and validation losses of Keras' own fit, in the given order."""
    model, (x, y) = make_model(batch_norm=False), classes_data()
    for variable, value in zip(model.trainable_variables, task.initialize(3)[0], strict=True):
        variable.assign(value)
    made = run_code("import keras\noptimizer = keras.optimizers.SGD(0.1)\n", model)
    model.compile(made, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    done = model.fit(
        x, y, BATCH, 2, verbose=0, shuffle=False, validation_data=classes_data(1)
    ).history
    return done["loss"], done["val_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [CompiledEngine, StreamEngine, FitEngine])
def test_the_given_order_is_kept_by_every_engine(task, kept, kind):
    if kind is FitEngine:
        model = make_model(batch_norm=False)
        own = OwnStep(model.inputs, model.outputs)
        own.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        task = make_task(own, epochs=2, shuffle=False)
    population = Population.of([CONFIG])
    program = kind(task).prepare({0: CONFIG})[0]
    state = program.begin(population)
    _, measured = program.advance(population, state, 2)
    np.testing.assert_allclose(measured.values["training_loss"][0], kept[0], rtol=3e-5)
    np.testing.assert_allclose(measured.values["loss"][0], kept[1], rtol=3e-5)
    # Half of it and the rest is all of it.
    half, first = program.advance(population, state, 1)
    _, rest = program.advance(population, half, 2)
    whole = measured.values["loss"]
    np.testing.assert_array_equal(whole[:, :1], first.values["loss"][:, :1])
    np.testing.assert_array_equal(whole[:, 1:], rest.values["loss"][:, -1:])


def test_an_order_is_shuffled_or_the_given_one():
    assert epoch_order(1, 2, 5, shuffle=False).tolist() == [0, 1, 2, 3, 4]
    assert epoch_order(1, 2, 500).tolist() != list(range(500))


def test_the_study_file_and_the_comparison_of_tasks_know_of_it(task):
    shuffled = replace(task.facts, shuffle=True)
    written = json.loads(json.dumps(asdict(task.facts)))
    assert TASK("task", written)["shuffle"] is False
    (said,) = what_differs(shuffled, task.facts)
    assert said == "order of examples: shuffled then, as given now"


def test_what_shuffle_may_be_is_said():
    with pytest.raises(TaskError, match="shuffle is 'batch', but must be True, or False"):
        make_task(shuffle="batch")
