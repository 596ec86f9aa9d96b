"""Fresh weights from any seed: as the model's own layers would draw them."""

import random

import keras
import numpy as np
import pytest
from small import make_model, make_task

from steepest.tasks.keras.initial_weights import Origin, initial_values

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def draw(model, seed):
    found = initial_values(keras, model)
    return [found[id(variable)].draw(seed) for variable in model.variables]


LAYERS = [
    (keras.layers.Dense(64), (32,)),
    (keras.layers.Conv2D(32, 3), (8, 8, 4)),
    (keras.layers.SeparableConv1D(16, 3), (8, 4)),
    (keras.layers.LSTM(16), (5, 8)),
    (keras.layers.GRU(16), (5, 8)),
    (keras.layers.Bidirectional(keras.layers.LSTM(8)), (5, 8)),
    (keras.layers.MultiHeadAttention(2, 8), None),
    (keras.layers.BatchNormalization(), (8,)),
    (keras.layers.LayerNormalization(), (8,)),
    (keras.layers.PReLU(), (8,)),
    (keras.layers.Dense(64, kernel_initializer="orthogonal"), (32,)),
    (keras.layers.Dense(64, kernel_initializer=keras.initializers.HeNormal(seed=3)), (32,)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda p: getattr(p, "name", str(p)))
def test_values_are_distributed_as_keras_draws_them(layer, shape):
    if shape is None:
        inputs = keras.Input((5, 16))
        model = keras.Model(inputs, layer(inputs, inputs))
    else:
        model = keras.Sequential([keras.Input(shape), layer])
    found = initial_values(keras, model)
    for variable in model.variables:
        initial, own = found[id(variable)], np.asarray(variable)
        value = initial.draw(1)
        assert value.shape == own.shape
        assert value.dtype == own.dtype
        assert not initial.moved
        if initial.origin in (Origin.DRAWN, Origin.STREAM):
            assert np.abs(initial.draw(2) - value).max() > 0
            np.testing.assert_array_equal(initial.draw(1), value)
            if own.size > 100:
                assert value.std() == pytest.approx(own.std(), rel=0.3)
        else:
            np.testing.assert_array_equal(value, own)
    if model.trainable_variables:
        assert Origin.PERMUTED not in {initial.origin for initial in found.values()}


def test_a_layer_that_cannot_be_made_again_is_permuted_and_said():
    class Mine(keras.layers.Layer):
        def __init__(self, units):  # no get_config
            super().__init__()

        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 3), initializer="glorot_uniform", name="w")
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x):
            return keras.ops.softmax(x @ self.w * self.scale)

    model = keras.Sequential([keras.Input((6,)), Mine(3)])
    model.compile(loss="sparse_categorical_crossentropy")
    w, scale = draw(model, 5)
    own = np.asarray(model.trainable_variables[0])
    assert sorted(w.ravel()) == sorted(own.ravel())
    assert not np.array_equal(w, own)
    np.testing.assert_array_equal(scale, np.ones(3))
    assert any("no initializer was found" in note for note in make_task(model).facts.notes)


def test_frozen_and_adapted_values_stay():
    normalization = keras.layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(3, 2, (50, 6)).astype("float32"))
    base = keras.layers.Dense(4, trainable=False)
    model = keras.Sequential([keras.Input((6,)), normalization, base, keras.layers.Dense(3)])
    found = initial_values(keras, model)
    for variable in (*base.variables, *normalization.variables):
        assert found[id(variable)].origin is Origin.KEPT
        np.testing.assert_array_equal(found[id(variable)].draw(1), np.asarray(variable))


def test_a_trained_model_is_noticed_and_may_be_kept():
    model = make_model()
    model.fit(np.ones((8, 6)), np.zeros(8), verbose=0)
    assert "initial_weights='given'" in make_task(model).facts.notes[0]
    given = make_task(model, initial_weights="given")
    assert not given.facts.notes
    weights, _ = given.initialize(11)
    for value, variable in zip(weights, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(value, np.asarray(variable))


def test_python_s_random_numbers_are_left_alone():
    model = make_model()
    random.seed(1)
    initial_values(keras, model)
    after = random.random()
    random.seed(1)
    assert after == random.random()


def test_streams_differ_by_seed():
    task = make_task(make_model(dropout=0.5))
    states = [task.initialize(seed)[1] for seed in (1, 2)]
    streams = [next(s for s in state if s.dtype == np.uint32) for state in states]
    assert streams[0].tolist() != streams[1].tolist()


def test_loaded_weights_are_noticed_without_biases():
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dense(40, use_bias=False)])
    (kernel,) = model.trainable_variables
    assert not initial_values(keras, model)[id(kernel)].moved
    kernel.assign(np.asarray(kernel) * 3)
    assert initial_values(keras, model)[id(kernel)].moved


def test_a_random_bias_of_a_recurrent_layer_follows_the_seed():
    layer = keras.layers.LSTM(4, bias_initializer="random_normal")
    model = keras.Sequential([keras.Input((5, 6)), layer])
    bias = layer.cell.bias
    found = [initial_values(keras, model)[id(bias)] for _ in range(2)]
    assert found[0].origin is Origin.DRAWN
    assert not found[0].moved
    np.testing.assert_array_equal(found[0].draw(7), found[1].draw(7))
    assert not np.array_equal(found[0].draw(7), found[0].draw(8))
    np.testing.assert_array_equal(found[0].draw(7)[4:8], np.ones(4))  # the forget gate's
