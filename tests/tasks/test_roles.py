"""What each weight of a model is for."""

import keras
import numpy as np
import pytest
from small import make_task

from steepest.parse.contestant import contestants
from steepest.parse.notes import notes
from steepest.tasks.keras.roles import parameters_of

layers = keras.layers


def roles(model):
    return {p.path.split("/", 1)[-1]: p.role for p in parameters_of(keras, model)}


def test_of_a_transformer():
    x = keras.Input((8,), dtype="int32")
    h = layers.Embedding(20, 8, name="tokens")(x)
    h = layers.MultiHeadAttention(2, 4, name="mha")(h, h) + h
    h = layers.LayerNormalization(name="ln")(h)
    h = layers.Dense(16, name="up")(h)
    h = layers.GlobalAveragePooling1D()(h)
    y = layers.Activation("softmax")(layers.Dense(3, name="out")(h))
    found = {p.path: p for p in parameters_of(keras, keras.Model(x, y))}
    by_path = {path: p.role for path, p in found.items()}
    assert by_path["tokens/embeddings"] == "embedding"
    assert by_path["mha/query/kernel"] == "kernel"
    assert len(found["mha/query/kernel"].shape) == 3
    assert by_path["mha/query/bias"] == "bias"  # with two axes
    assert by_path["ln/gamma"] == by_path["ln/beta"] == "norm"
    assert by_path["up/kernel"] == "kernel"
    assert by_path["out/kernel"] == "head"
    assert by_path["out/bias"] == "bias"


def test_of_convolutions_and_recurrent_layers():
    model = keras.Sequential(
        [
            keras.Input((16, 4)),
            layers.Conv1D(8, 3),
            layers.BatchNormalization(),
            layers.PReLU(),
            layers.LSTM(5),
            layers.Dense(3),
        ]
    )
    found = [p.role for p in parameters_of(keras, model)]
    assert found == [
        *("kernel", "bias", "norm", "norm"),
        "other",  # PReLU's slopes, one for each place and channel
        *("kernel", "kernel", "bias"),
        *("head", "bias"),
    ]


def test_a_model_without_a_graph_has_its_last_kernel_as_head():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = layers.Dense(4), layers.Dense(2)

        def call(self, x):
            return self.last(self.first(x))

    model = Own()
    model(np.zeros((1, 3)))
    assert [p.role for p in parameters_of(keras, model)] == ["kernel", "bias", "head", "bias"]


def test_of_what_looks_like_something_else():
    x = keras.Input((6,))
    h = layers.SpectralNormalization(layers.Dense(6, name="wrapped"))(x)
    h = layers.Dense(6, name="patch_embedding_mlp")(h)
    y = layers.Dense(2, name="out")(h)
    found = {p.path: p.role for p in parameters_of(keras, keras.Model(x, y))}
    assert found["patch_embedding_mlp/kernel"] == "kernel"
    assert [role for path, role in found.items() if path.endswith("kernel")].count("norm") == 0
    axes = keras.Sequential(
        [keras.Input((4, 3)), layers.LayerNormalization(axis=(1, 2)), layers.Dense(2)]
    )
    assert [p.role for p in parameters_of(keras, axes)] == ["norm", "norm", "head", "bias"]


def test_muon_says_what_it_leaves_to_adamw():
    task = make_task()
    (muon,) = contestants("Muon", 5)
    said = notes(muon, task.facts.weights)
    assert len(said) == 1
    assert "dense" in said[0]
    assert "no hidden matrices" in said[0]
    (adam,) = contestants("Adam", 5)
    assert notes(adam, task.facts.weights) == []


@pytest.mark.parametrize("units", [1, 3])
def test_a_single_layer_is_a_head(units):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units)])
    assert list(roles(model).values()) == ["head", "bias"]
