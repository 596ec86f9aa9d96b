"""The tasks: small enough that thousands of trainings of each can be run.

Everything is a `Work`: a Keras model, its data, how long a full training is, and what the task has
chosen. A search that was chosen with a task is not judged by it alone: `chose` says with what.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.verdicts import task_data as data
from benchmarks.verdicts.task_data import Parts

LISTS, DETAILS, NOTHING = "start lists", "details", "nothing"


@dataclass(frozen=True)
class Work:
    """What a full training is: a model, its data, epochs and batches; and what it has chosen."""

    what: str
    model: Callable[[Any], Any]  # keras → a model, not compiled
    parts: Callable[[], Parts]
    loss: str
    epochs: int
    batch_size: int
    chose: str


def names(chose: str | None = None) -> list[str]:
    """Return the names of all tasks, or of those that chose this."""
    return [name for name, work in WORKS.items() if chose in (None, work.chose)]


def make_task(name: str) -> tuple[Any, str]:
    """Return the task, as Steepest has it, and a digest of all that it is made of."""
    from steepest.tasks.keras.task import keras_task, load_keras

    work, keras = WORKS[name], load_keras()
    keras.utils.clear_session()  # so that layers have the same names, however many were made before
    (x, y), validation = work.parts()
    model = work.model(keras)
    model.compile(loss=work.loss)
    digest = hashlib.sha256(model.to_json().encode())
    digest.update(f"{work.loss} {work.epochs} {work.batch_size}".encode())
    for array in (x, y, *validation):
        digest.update(np.ascontiguousarray(array).tobytes())
    task = keras_task(
        model,
        x,
        y,
        validation_data=validation,
        epochs=work.epochs,
        batch_size=work.batch_size,
        name=name,
    )
    return task, digest.hexdigest()[:10]


def _perceptron(inputs: int, *layers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what makes a sequential model of layers, each of which is made from `keras.layers`."""
    return _model((inputs,), *layers)


def _model(shape: tuple[int, ...], *layers: Callable[[Any], Any], kind: str = "float32") -> Any:
    def make(keras: Any) -> Any:
        made = [layer(keras.layers) for layer in layers]
        return keras.Sequential([keras.Input(shape, dtype=kind), *made])

    return make


def _dense(units: int, activation: str | None = "relu") -> Callable[[Any], Any]:
    return lambda layers: layers.Dense(units, activation=activation)


def _dropout(rate: float) -> Callable[[Any], Any]:
    return lambda layers: layers.Dropout(rate)


def _conv(filters: int, **more: Any) -> Callable[[Any], Any]:
    return lambda layers: layers.Conv2D(filters, 3, **more)


def _embedding(size: int) -> Callable[[Any], Any]:
    return lambda layers: layers.Embedding(len(data.LETTERS) + 1, size)


def _normalized(layers: Any) -> Any:
    return layers.BatchNormalization()


def _relu(layers: Any) -> Any:
    return layers.ReLU()


def _flat(layers: Any) -> Any:
    return layers.Flatten()


def _recurrent(layers: Any) -> Any:
    return layers.SimpleRNN(24)


def _gated(layers: Any) -> Any:
    return layers.GRU(16)


LETTERS = len(data.LETTERS) + 1
KINDS, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
WORKS = {
    # In the benchmark since version 0.3; with some of them the start lists were found.
    "digits": Work(
        "image, 10 classes, MLP with dropout",
        _perceptron(64, _dense(64), _dropout(0.3), _dense(10, "softmax")),
        data.digits, KINDS, 20, 64, LISTS,
    ),
    "digits-cnn": Work(
        "image, 10 classes, CNN with batch normalization",
        _model(
            (8, 8, 1), _conv(8, strides=2, use_bias=False), _normalized, _relu, _flat,
            _dense(10, "softmax"),
        ),
        data.digit_images, KINDS, 12, 64, LISTS,
    ),
    "fashion": Work(
        "image, 10 classes, MLP with dropout",
        _perceptron(196, _dense(32), _dropout(0.2), _dense(10, "softmax")),
        data.fashion, KINDS, 12, 64, LISTS,
    ),
    "halves": Work(
        "image, regression of 32 pixels, MLP",
        _perceptron(32, _dense(64), _dense(32, None)),
        data.halves, "mse", 20, 32, LISTS,
    ),
    "segments": Work(
        "tabular, 7 classes, MLP with batch normalization",
        _perceptron(18, _dense(32), _normalized, _dense(16), _dense(7, "softmax")),
        data.segments, KINDS, 20, 64, LISTS,
    ),
    "breast-cancer": Work(
        "tabular, 2 classes, MLP with dropout",
        _perceptron(30, _dense(16), _dropout(0.2), _dense(1, "sigmoid")),
        data.breast_cancer, BINARY, 27, 32, LISTS,
    ),
    "diabetes": Work(
        "tabular, regression, MLP",
        _perceptron(10, _dense(16), _dense(8), _dense(1, None)),
        data.diabetes, "mse", 27, 32, LISTS,
    ),
    "text": Work(
        "text, next character, embedding",
        _model(
            (data.CONTEXT,), _embedding(8), _flat, _dense(32), _dense(LETTERS, "softmax"),
            kind="int32",
        ),
        data.text, KINDS, 12, 64, LISTS,
    ),
    # With which details of the search were tried by `replay.py`.
    "deep": Work(
        "image, 10 classes, six narrow layers of tanh",
        _perceptron(64, *[_dense(24, "tanh")] * 6, _dense(10, "softmax")),
        data.digits, KINDS, 12, 32, DETAILS,
    ),
    "friedman": Work(
        "tabular, regression, MLP",
        _perceptron(10, _dense(32), _dense(1, None)),
        data.friedman, "mse", 20, 32, DETAILS,
    ),
    "words": Work(
        "text, next word, sparse and linear",
        _perceptron(data.WORDS + 1, _dense(data.ANSWERS, "softmax")),
        data.words, KINDS, 8, 64, DETAILS,
    ),
    "rare": Work(
        "tabular, 2 classes, one of 3 %, MLP",
        _perceptron(20, _dense(32), _dense(1, "sigmoid")),
        data.rare, BINARY, 15, 32, DETAILS,
    ),
    # What is learned late: at half of the epochs good learning rates look worse than bad ones.
    "spirals": Work(
        "two features, 2 classes that wind about each other, MLP with batch normalization",
        _perceptron(
            2, _dense(48, None), _normalized, _relu, _dense(48), _dropout(0.1),
            _dense(1, "sigmoid"),
        ),
        data.spirals, BINARY, 15, 64, DETAILS,
    ),
    # Held out: nothing was chosen with them.
    "moons": Work(
        "two features, 2 classes, MLP",
        _perceptron(2, _dense(16), _dense(16), _dense(1, "sigmoid")),
        data.moons, BINARY, 20, 32, NOTHING,
    ),
    "house-prices": Work(
        "tabular, regression, neither inputs nor targets scaled, MLP",
        _perceptron(6, _dense(32), _dense(16), _dense(1, None)),
        data.house_prices, "mse", 20, 32, NOTHING,
    ),
    "autoencoder": Work(
        "image, the image again through 8 numbers, MLP",
        _perceptron(64, _dense(24), _dense(8), _dense(24), _dense(64, "sigmoid")),
        data.digits_again, "mse", 20, 32, NOTHING,
    ),
    "recurrent": Work(
        "text, next character, embedding and a recurrent layer",
        _model(
            (data.WINDOW,), _embedding(8), _recurrent, _dense(LETTERS, "softmax"), kind="int32"
        ),
        data.longer_text, KINDS, 10, 32, NOTHING,
    ),
    "blobs": Work(
        "image, regression, CNN without normalization",
        _model(
            (12, 12, 1), _conv(8, strides=2, activation="relu"), _flat, _dense(16),
            _dense(1, None),
        ),
        data.blobs, "mse", 10, 32, NOTHING,
    ),
    "adding": Work(
        "sequence, the sum of two marked numbers, gated recurrent layer",
        _model((16, 2), _gated, _dense(1, None)),
        data.adding, "mse", 16, 32, NOTHING,
    ),
    "parity": Work(
        "ten bits, whether four of them are odd, MLP",
        _perceptron(10, _dense(64), _dense(32), _dense(1, "sigmoid")),
        data.parity, BINARY, 24, 32, NOTHING,
    ),
}  # fmt: skip
