"""Oracle: every layer that people use trains in a population as in Keras' own loop.

Each model trains an epoch by Keras' `fit`, in our order, from our weights, and as the middle one
of three members; losses, metrics and what the layers remember must agree.
"""

import keras
import numpy as np
import pytest

from steepest.data.order import epoch_order
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES
from steepest.tasks.keras.fit_task import borrowed
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

layers = keras.layers
EXAMPLES, BATCH, SEED, RATE = 22, 8, 5, 0.05


def draw(*shape):
    return np.random.default_rng(0).normal(size=(EXAMPLES, *shape)).astype("float32")


def words(length=7, count=11):
    return np.random.default_rng(0).integers(0, count, (EXAMPLES, length)).astype("int32")


def stack(shape, *inner, dtype=None):
    head = [layers.Flatten(), layers.Dense(3, activation="softmax", dtype="float32")]
    return keras.Sequential([keras.Input(shape, dtype=dtype), *inner, *head])


def image(*inner, shape=(8, 8, 3)):
    return stack(shape, *inner), draw(*shape)


def series(*inner):
    return stack((9, 4), *inner), draw(9, 4)


def text(*inner):
    return stack((7,), layers.Embedding(11, 6), *inner, dtype="int32"), words()


def transformer():
    tokens = keras.Input((7,), dtype="int32")
    h = layers.Embedding(11, 8)(tokens)
    a = layers.LayerNormalization()(h)
    h = h + layers.MultiHeadAttention(2, 4, dropout=0.2)(a, a, use_causal_mask=True)
    h = h + layers.Dense(8)(layers.Dense(16, activation="gelu")(layers.LayerNormalization()(h)))
    out = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(h))
    return keras.Model(tokens, out), words()


def residual():
    x = keras.Input((6, 6, 4))
    h = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    h = layers.Add()([x, layers.Conv2D(4, 3, padding="same")(h)])
    out = layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling2D()(h))
    return keras.Model(x, out), draw(6, 6, 4)


def bfloat16():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return image(
            layers.Conv2D(4, 3, padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
        )
    finally:
        keras.config.set_dtype_policy(policy)


class Penalty(layers.Layer):
    """Adds a loss of its own."""

    def call(self, x):
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(x)))
        return x


MODELS = {
    "convolutions": lambda: image(
        layers.Conv2D(4, 3, strides=2, padding="same", kernel_regularizer="l2"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        layers.Conv2D(8, 3, groups=2, dilation_rate=2, padding="same"),
        layers.SeparableConv2D(4, 2),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        layers.AveragePooling2D(2, padding="same"),
    ),
    "convolutions of series": lambda: series(
        layers.Conv1D(5, 3, padding="causal"),
        layers.MaxPooling1D(3, 2),
        layers.SeparableConv1D(4, 2),
        layers.Conv1DTranspose(3, 3, strides=2),
        layers.GlobalAveragePooling1D(),
    ),
    "convolutions of volumes": lambda: image(
        layers.Conv3D(3, 2), layers.MaxPooling3D(2), shape=(5, 5, 5, 1)
    ),
    "normalization": lambda: image(
        layers.BatchNormalization(momentum=0.7),
        layers.GroupNormalization(3),
        layers.LayerNormalization(),
        layers.UnitNormalization(),
        layers.SpectralNormalization(layers.Dense(4)),
    ),
    "noise": lambda: image(
        layers.Dense(4),
        layers.Dropout(0.3),
        layers.SpatialDropout2D(0.3),
        layers.GaussianNoise(0.1),
        layers.GaussianDropout(0.1),
        layers.AlphaDropout(0.1),
    ),
    "augmentation": lambda: image(
        layers.RandomFlip(),
        layers.RandomTranslation(0.2, 0.2),
        layers.RandomContrast(0.3),
        layers.RandomRotation(0.1),
        layers.RandomZoom(0.2),
        layers.Conv2D(4, 3),
    ),
    "LSTM": lambda: text(layers.Bidirectional(layers.LSTM(5, return_sequences=True))),
    "GRU": lambda: text(layers.GRU(5, return_sequences=True, dropout=0.2), layers.SimpleRNN(4)),
    "convolutional LSTM": lambda: image(layers.ConvLSTM1D(3, 2), shape=(4, 6, 2)),
    "transformer": transformer,
    "residual": residual,
    "mixed bfloat16": bfloat16,
    "activations and losses": lambda: image(
        layers.PReLU(), Penalty(), layers.ActivityRegularization(0.01), layers.ELU()
    ),
}


class Every(set):
    """The ids of an earlier trace, every one of which a new loss happens to have, till cleared."""

    stale = True

    def __contains__(self, item):
        return self.stale or super().__contains__(item)

    def clear(self):
        super().clear()
        self.stale = False


def leave_ids(model):
    """Make what happens to Keras in 1 of 50 traces, that an `id` comes again, happen for sure."""
    for layer in model._flatten_layers():
        vars(layer)["_loss_ids"] = Every()  # directly: Keras would make it a set of its own


@pytest.fixture
def forgetful(monkeypatch):
    """Keras without that fault: a layer's own losses of an earlier trace are forgotten."""
    call = keras.Model.stateless_call

    def stateless_call(model, *args, **kwargs):
        model._clear_losses()
        return call(model, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "stateless_call", stateless_call)


def test_no_added_loss_is_lost_where_keras_loses_it():
    model, x = MODELS["activations and losses"]()
    model.compile(loss="sparse_categorical_crossentropy")
    y = np.arange(EXAMPLES) % 3
    task = keras_task(model, x, y, validation_data=(x, y), epochs=1, batch_size=BATCH)
    weights, variables = task.initialize(SEED)
    data = (x, y, None)
    expected, _ = task.loss(weights, variables, data)
    leave_ids(model)
    again, _ = task.loss(weights, variables, data)
    assert float(again) == float(expected)
    leave_ids(model)
    _, totals = task.measure(weights, variables, task.totals, data)
    measured = task.summarize(totals)
    np.testing.assert_allclose(measured["loss"], float(expected), rtol=1e-6)  # it has no dropout

    leave_ids(model)
    *_, lost = model.stateless_call(weights, variables, x, return_losses=True)
    assert len(lost) < 2, "Keras has mended it: `forget_losses` can go"
    with borrowed(keras, model):
        leave_ids(model)
        *_, kept = model.stateless_call(weights, variables, x, return_losses=True)
    assert len(kept) == 2
    assert "stateless_call" not in vars(model)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.usefixtures("forgetful")
def test_a_member_equals_keras_own_loop(name):
    model, x = MODELS[name]()
    y = np.arange(EXAMPLES) % 3
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    task = keras_task(model, x, y, validation_data=(x, y), epochs=1, batch_size=BATCH)
    # bfloat16 rounds to 1 in 256, and where it does differs between two programs.
    tolerance = 2e-2 if name == "mixed bfloat16" else 2e-5

    values = {**RULES["SGD"].defaults, **RULES["SGD"].flags}
    population = Population.of(
        [
            Config("SGD", "keras", {**values, "learning_rate": rate}, "constant", seed)
            for rate, seed in ((0.01, 1), (RATE, SEED), (0.02, SEED))
        ]
    )
    program = CompiledEngine(task).compile(population.config(0))
    state, measured = program.advance(population, program.begin(population), 1)

    weights, variables = task.initialize(SEED)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, variables, strict=True):
        variable.assign(value)
    model.compile(
        keras.optimizers.SGD(RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    order = epoch_order(SEED, 0, EXAMPLES)
    fitted = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
    evaluated = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    for mine, theirs in (
        ("training_loss", fitted.history["loss"][0]),
        ("loss", evaluated["loss"]),
        ("accuracy", evaluated["accuracy"]),
    ):
        np.testing.assert_allclose(
            measured.values[mine][1, 0], theirs, rtol=tolerance, atol=tolerance, err_msg=mine
        )
    for mine, variable in zip(state.weights, model.trainable_variables, strict=True):
        np.testing.assert_allclose(
            np.asarray(mine[1], "float32"),
            np.asarray(variable.value, "float32"),
            rtol=10 * tolerance,
            atol=10 * tolerance,
            err_msg=variable.path,
        )
    for mine, variable in zip(state.variables, model.non_trainable_variables, strict=True):
        np.testing.assert_allclose(
            np.asarray(mine[1]), np.asarray(variable.value), rtol=tolerance, atol=tolerance
        )
