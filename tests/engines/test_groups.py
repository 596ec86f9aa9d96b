"""A rate of its own for a layer, in the three engines of Keras' models."""

import keras
import numpy as np
import pytest
from small import BATCH, CLASSES, FEATURES, classes_data, make_task

from steepest.engines import CompiledEngine, FitEngine
from steepest.engines.population import Population
from steepest.engines.streaming.engine import StreamEngine
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules import RULES

EPOCHS = 2


class OwnStep(keras.Model):
    """A model that trains through `fit` on JAX too."""

    def train_step(self, state, data):
        return super().train_step(state, data)


def make_model(kind=keras.Model):
    layers = keras.layers
    inner = keras.Input((FEATURES,))
    backbone = keras.Model(inner, layers.Dense(8, "relu", name="hidden")(inner), name="backbone")
    x = keras.Input((FEATURES,))
    model = kind(x, layers.Dense(CLASSES, "softmax", name="head")(backbone(x)))
    model.compile("sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def config(factor, rule="AdamW", **given):
    values = {**RULES[rule].settings("keras"), "learning_rate": 0.05, **given}
    if "weight_decay" in values:
        values |= {"decay": "decoupled", "decay_on": "all"}
    return Config(rule, "keras", {**values, "rate_factor[backbone]": factor}, "cosine", 0)


def losses(kind, one, model=None):
    task = make_task(model or make_model(), epochs=EPOCHS, shuffle=False)
    program = kind(task).prepare({0: one})[0]
    population = Population.of([one])
    return program.advance(population, program.begin(population), EPOCHS)


@pytest.fixture(scope="module")
def compiled():
    return losses(CompiledEngine, config(0.1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [StreamEngine, FitEngine])
def test_engines_train_alike(compiled, kind):
    state, measured = compiled
    model = make_model(OwnStep if kind is FitEngine else keras.Model)
    found, theirs = losses(kind, config(0.1), model)
    np.testing.assert_allclose(measured.values["loss"], theirs.values["loss"], rtol=1e-4)
    for a, b in zip(state.weights, found.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.slow
def test_a_factor_of_zero_is_a_layer_that_keras_does_not_train():
    one = config(0.0, "SGD", momentum=0.9)
    _, measured = losses(CompiledEngine, one)
    task = make_task(make_model(), epochs=EPOCHS, shuffle=False)
    model = make_model()
    for variable, value in zip(model.trainable_variables, task.initialize(0)[0], strict=True):
        variable.assign(value)
    model.get_layer("backbone").trainable = False
    rate = keras.optimizers.schedules.CosineDecay(0.05, task.facts.steps)
    model.compile(keras.optimizers.SGD(rate, 0.9), loss="sparse_categorical_crossentropy")
    data = {"validation_data": classes_data(1), "verbose": 0, "shuffle": False}
    history = model.fit(*classes_data(), BATCH, EPOCHS, **data).history
    np.testing.assert_allclose(measured.values["loss"][0], history["val_loss"], rtol=5e-5)


@pytest.mark.parametrize("kind", [CompiledEngine, StreamEngine, FitEngine])
def test_a_layer_that_is_not_there_is_refused(kind):
    one = config(0.1)
    values = {**one.hyperparameters, "rate_factor[backbon]": 0.1}
    del values["rate_factor[backbone]"]
    model = make_model(OwnStep if kind is FitEngine else keras.Model)
    with pytest.raises(InputError, match="did you mean backbone"):
        losses(kind, Config("AdamW", "keras", values, "cosine", 0), model)
