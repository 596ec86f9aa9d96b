"""The tasks: small enough that thousands of trainings of each can be run.

Real data, cut once and always in the same way. Validation sets are as large as the data allow,
since a search is judged by the loss on them. Everything is a `Work`: a Keras model, its data, and
how long a full training is.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.speed import data

Split = tuple[Any, Any]
Parts = tuple[Split, Split]  # training and validation, (x, y) each

CONTEXT = 8  # characters that the model of the task text sees
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 \n.,;:()[]'\"=_-*`"


@dataclass(frozen=True)
class Work:
    """What a full training is: a model, its data, epochs and batches."""

    what: str
    model: Callable[[Any], Any]  # keras → a model, not compiled
    parts: Callable[[], Parts]
    loss: str
    epochs: int
    batch_size: int


def make_task(name: str) -> tuple[Any, str]:
    """Return the task, as Steepest has it, and a digest of all that it is made of."""
    from steepest.tasks.keras import keras_task, load_keras

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


def _cut(x: Any, y: Any, training: int) -> Parts:
    """Shuffle, always in the same way, and cut off the training set."""
    order = np.random.default_rng(0).permutation(len(x))
    x, y = np.asarray(x)[order], np.asarray(y)[order]
    return (x[:training], y[:training]), (x[training:], y[training:])


def _standardized(parts: Parts, targets: bool = False) -> Parts:
    """Bring each feature, and the targets if asked, to mean 0 and deviation 1 in training."""
    (x, y), (u, v) = parts
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    if targets:
        y, v = (y - y.mean()) / y.std(), (v - y.mean()) / y.std()
    scaled = [((a - mean) / deviation).astype("float32") for a in (x, u)]
    kind = "float32" if targets else "int32"
    return (scaled[0], y.astype(kind)), (scaled[1], v.astype(kind))


def _digits() -> Parts:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _cut((x / 16).astype("float32"), y.astype("int32"), 997)


def _digit_images() -> Parts:
    (x, y), (u, v) = _digits()
    return (x.reshape(-1, 8, 8, 1), y), (u.reshape(-1, 8, 8, 1), v)


def _halves() -> Parts:
    """Return the upper halves of the digits, and their lower halves to be drawn."""
    (x, _), (u, _) = _digits()
    return (x[:, :32], x[:, 32:]), (u[:, :32], u[:, 32:])


def _fashion() -> Parts:
    """Return 4,000 images of Fashion-MNIST, 14 × 14 pixels, 2,500 of them to validate."""
    (x, y), _ = data.fashion()
    x = x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)
    return (x[:1500], y[:1500]), (x[1500:], y[1500:])


def _segments() -> Parts:
    """Return River's image segments, half of them to validate."""
    (x, y), (u, v) = data.segments()
    x, y = np.concatenate([x, u]), np.concatenate([y, v])
    return (x[:1155], y[:1155]), (x[1155:], y[1155:])


def _breast_cancer() -> Parts:
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return _standardized(_cut(x, y, 269))


def _diabetes() -> Parts:
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return _standardized(_cut(x, y, 222), targets=True)


def _text() -> Parts:
    """Return 5,000 places in the prose of Python's manual: eight characters, and the next one."""
    from pydoc_data.topics import topics

    prose = "\n".join(topics[name] for name in sorted(topics)).lower()
    known = {letter: i for i, letter in enumerate(LETTERS)}
    codes = np.array([known.get(letter, len(LETTERS)) for letter in prose], np.int32)
    places = np.linspace(0, len(codes) - CONTEXT - 1, 5000).astype(int)
    windows = codes[places[:, None] + np.arange(CONTEXT + 1)]
    return _cut(windows[:, :-1], windows[:, -1], 2500)


def _perceptron(inputs: int, *layers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what makes a sequential model of layers, each of which is made from `keras.layers`."""

    def make(keras: Any) -> Any:
        made = [layer(keras.layers) for layer in layers]
        return keras.Sequential([keras.Input((inputs,)), *made])

    return make


def _dense(units: int, activation: str | None = "relu") -> Callable[[Any], Any]:
    return lambda layers: layers.Dense(units, activation=activation)


def _dropout(rate: float) -> Callable[[Any], Any]:
    return lambda layers: layers.Dropout(rate)


def _normalized(layers: Any) -> Any:
    return layers.BatchNormalization()


def _cnn(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, strides=2, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _text_model(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((CONTEXT,), dtype="int32"),
            layers.Embedding(len(LETTERS) + 1, 8),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(len(LETTERS) + 1, activation="softmax"),
        ]
    )


KINDS, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
WORKS = {
    "digits": Work(
        "image, 10 classes, MLP with dropout",
        _perceptron(64, _dense(64), _dropout(0.3), _dense(10, "softmax")),
        _digits, KINDS, 20, 64,
    ),
    "digits-cnn": Work(
        "image, 10 classes, CNN with batch normalization", _cnn, _digit_images, KINDS, 12, 64
    ),
    "fashion": Work(
        "image, 10 classes, MLP with dropout",
        _perceptron(196, _dense(32), _dropout(0.2), _dense(10, "softmax")),
        _fashion, KINDS, 12, 64,
    ),
    "halves": Work(
        "image, regression of 32 pixels, MLP",
        _perceptron(32, _dense(64), _dense(32, None)),
        _halves, "mse", 20, 32,
    ),
    "segments": Work(
        "tabular, 7 classes, MLP with batch normalization",
        _perceptron(18, _dense(32), _normalized, _dense(16), _dense(7, "softmax")),
        _segments, KINDS, 20, 64,
    ),
    "breast-cancer": Work(
        "tabular, 2 classes, MLP with dropout",
        _perceptron(30, _dense(16), _dropout(0.2), _dense(1, "sigmoid")),
        _breast_cancer, BINARY, 27, 32,
    ),
    "diabetes": Work(
        "tabular, regression, MLP",
        _perceptron(10, _dense(16), _dense(8), _dense(1, None)),
        _diabetes, "mse", 27, 32,
    ),
    "text": Work("text, next character, embedding", _text_model, _text, KINDS, 12, 64),
}  # fmt: skip
