"""The models of the works in Keras, not compiled. They do not change when built-in tasks do."""

from collections.abc import Sequence
from typing import Any

from speed.data import ALPHABET, WINDOW


def perceptron(keras: Any, inputs: int, hidden: Sequence[int], outputs: int, name: str) -> Any:
    """Return dense layers with relu, and softmax at the end."""
    dense = keras.layers.Dense
    layers = [dense(units, activation="relu") for units in hidden]
    return keras.Sequential(
        [keras.Input((inputs,)), *layers, dense(outputs, activation="softmax")], name=name
    )


def digits_mlp(keras: Any, name: str) -> Any:
    return perceptron(keras, 64, (128, 64), 10, name)


def tabular_mlp(keras: Any, name: str) -> Any:
    return perceptron(keras, 18, (128, 64), 7, name)


def digits_cnn(keras: Any, name: str) -> Any:
    """Return the model of the built-in task digits-cnn."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ],
        name=name,
    )


def fashion_cnn(keras: Any, name: str) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name=name,
    )


def text_lstm(keras: Any, name: str) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((WINDOW,), dtype="int32"),
            layers.Embedding(ALPHABET, 32),
            layers.LSTM(64),
            layers.Dense(2, activation="softmax"),
        ],
        name=name,
    )


def transformer(keras: Any, name: str) -> Any:
    """Return the model of the built-in task text."""
    from steepest.tasks.samples import text_model

    return text_model(keras, name)
