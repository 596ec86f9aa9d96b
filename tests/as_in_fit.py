"""Does a task train as the model would in Keras' own `fit`?"""

import keras
import pytest

from steepest.data.order import epoch_order
from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.records import Config

VALUES = {"learning_rate": 0.01, "momentum": 0.9, "nesterov": False}


def train(task, epochs=1):
    """Return the first member's values after training with SGD."""
    config = Config("SGD", "keras", VALUES, "constant", 0)
    population = Population.of([config])
    program = make_engine(task).prepare({0: config})[0]
    _, measured = program.advance(population, program.begin(population), epochs)
    return {name: values[0] for name, values in measured.values.items()}


def fit(model, task, **arguments):
    """Return the loss of Keras' own epoch over the task's training set, in our order."""
    weights, state = task.initialize(0)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    x, y, sample_weight = task.training
    order = epoch_order(0, 0, task.facts.training_examples)
    model.optimizer = keras.optimizers.SGD(**VALUES)

    def ordered(tree):
        return keras.tree.map_structure(lambda a: a[order], tree)

    sample_weight = None if sample_weight is None else ordered(sample_weight)
    history = model.fit(
        ordered(x),
        ordered(y),
        sample_weight=sample_weight,
        batch_size=task.facts.batch_size,
        shuffle=False,
        verbose=0,
    )
    x, y, weight = task.validation
    losses = model.evaluate(
        x,
        y,
        sample_weight=weight,
        batch_size=task.facts.batch_size,
        verbose=0,
        return_dict=True,
    )
    return history.history["loss"][0], losses


def same_as_keras(model, task):
    mine = train(task)
    loss, values = fit(model, task)
    assert mine["training_loss"][0] == pytest.approx(loss, rel=2e-5)
    asked = {name: v for name, v in values.items() if not name.endswith("_loss")}
    assert set(task.facts.metrics) == set(asked) - {"loss"}
    for name, value in asked.items():
        assert mine[name][0] == pytest.approx(value, rel=1e-4, abs=1e-6)
