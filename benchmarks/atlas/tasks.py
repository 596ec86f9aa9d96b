"""The tasks: data, model, length and batches; those that one number tells apart are a series.

None is a pair of data and model of `benchmarks/verdicts` or of the built-in tasks. Of their data,
six are here with other models: breast cancer, diabetes, image segments, Fashion-MNIST, the prose of
Python's manual, and (as the images of another source) handwritten digits.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.atlas import data, models
from benchmarks.atlas.files import Parts
from benchmarks.atlas.models import images, perceptron, recurrent, waves

TABLES, NUMBERS = "tabular classification", "tabular regression"
IMAGES, SEQUENCES, TEXT, AGAIN = "images", "sequences", "text", "autoencoders"
FAMILIES = (TABLES, NUMBERS, IMAGES, SEQUENCES, TEXT, AGAIN)
CLASSES, BINARY, SQUARES = "sparse_categorical_crossentropy", "binary_crossentropy", "mse"


@dataclass(frozen=True)
class Work:
    """What a full training is. `series` is the task that this one varies, `varies` by what."""

    family: str
    what: str
    parts: Callable[[], Parts]
    model: models.Make
    loss: str
    epochs: int
    batch_size: int
    series: str = ""
    varies: str = ""
    value: float = 0.0  # of what varies


def _mnist(varies: str, value: float, **changed: Any) -> Work:
    given = {"widths": (64, 64), "epochs": 15, "batch_size": 32, **changed}
    model = perceptron(196, given["widths"], 10)
    what = f"MNIST, MLP of {'–'.join(map(str, given['widths']))}"
    sizes = given["epochs"], given["batch_size"]
    return Work(IMAGES, what, data.mnist, model, CLASSES, *sizes, "mnist-mlp", varies, value)


def _fair(batch: int) -> Work:
    model, what = perceptron(2, (32, 32), 1, "sigmoid"), "bananas, MLP of 32–32"
    series = ("bananas-b32", "batch size", batch)
    return Work(TABLES, what, data.bananas, model, BINARY, 20, batch, *series)


def _power(batch: int) -> Work:
    model, what = recurrent((24, 1), "GRU", 12, 2), "hours of Italy's power, GRU"
    series = ("power-gru-b32", "batch size", batch)
    return Work(SEQUENCES, what, data.power, model, CLASSES, 12, batch, *series)


def _again(
    parts: Callable[[], Parts], what: str, widths: tuple[int, ...], norm: bool = False
) -> Work:
    model = perceptron(196, widths, 196, "sigmoid", norm=norm)
    return Work(AGAIN, what, parts, model, BINARY, 12, 32)


WORKS = {
    # In this order rounds go: cheap ones first, families mixed.
    "bananas-b32": _fair(32),
    "visits": Work(
        NUMBERS, "visits to a doctor, MLP", data.visits, perceptron(9, (32, 16), 1, None),
        SQUARES, 10, 32,
    ),
    "mnist-mlp": _mnist("batch size", 32),
    "power-gru-b32": _power(32),
    "prose-conv": Work(
        TEXT, "prose or source, 1-D CNN", data.prose_or_source, models.classifier(32), CLASSES,
        10, 32,
    ),
    "power-again": Work(
        AGAIN, "hours of Italy's power, MLP through 4", data.power_again,
        perceptron(24, (16, 4, 16), 24, None), SQUARES, 20, 32,
    ),
    "wine": Work(TABLES, "wine, MLP", data.wine, perceptron(13, (16,), 3), CLASSES, 30, 16),
    "diabetes-deep": Work(
        NUMBERS, "diabetes, MLP with dropout", data.diabetes,
        perceptron(10, (48, 48, 48), 1, None, dropout=0.2), "mae", 20, 16,
    ),
    "fashion-cnn": Work(
        IMAGES, "Fashion-MNIST, CNN", data.fashion_images, images((8, 16)), CLASSES, 8, 32
    ),
    "leaves-conv": Work(
        SEQUENCES, "outlines of leaves, 1-D CNN with batch normalization", data.leaves,
        waves((107, 1), (12, 24), 6, norm=True), CLASSES, 25, 16,
    ),
    "prose-lstm": Work(
        TEXT, "prose, next character, LSTM", data.prose_next,
        models.characters("LSTM", 24, everywhere=False), CLASSES, 6, 32,
    ),
    "mnist-again": _again(data.mnist_again, "MNIST, MLP through 16", (64, 16, 64)),
    "phishing": Work(
        TABLES, "phishing, MLP with L2", data.phishing,
        perceptron(9, (32, 16), 1, "sigmoid", l2=1e-3), BINARY, 20, 32,
    ),
    "schools": Work(
        NUMBERS, "pupils' mathematics by county, MLP", data.schools,
        perceptron(20, (24,), 1, None), SQUARES, 40, 16,
    ),
    "mnist-cnn-norm": Work(
        IMAGES, "MNIST, CNN with batch normalization", data.mnist_images,
        images((8, 16), norm="BatchNormalization"), CLASSES, 6, 32,
    ),
    "sunspots-conv": Work(
        SEQUENCES, "sunspots, forecast by a 1-D CNN", data.sunspots, waves((24, 1), (12, 12), 1),
        SQUARES, 10, 32,
    ),
    "prose-transformer": Work(
        TEXT, "prose, next characters, transformer of 1 block", data.prose_everywhere,
        models.transformer(1, 24), CLASSES, 6, 16,
    ),
    "fashion-noisy": _again(
        data.fashion_noisy, "Fashion-MNIST without its noise, MLP with batch normalization",
        (48, 48), norm=True,
    ),
    "segments-deep": Work(
        TABLES, "image segments, six layers of tanh", data.segments,
        perceptron(18, (24,) * 6, 7, activation="tanh"), CLASSES, 15, 32,
    ),
    "visit-counts": Work(
        NUMBERS, "visits to a doctor as counts, MLP", data.visit_counts,
        perceptron(9, (32,), 1, "softplus"), "mae", 10, 64,
    ),
    "mnist-linear": Work(
        IMAGES, "MNIST, linear", data.mnist, perceptron(196, (), 10), CLASSES, 15, 32
    ),
    "carbon-lstm": Work(
        SEQUENCES, "CO₂, forecast by an LSTM", data.carbon, recurrent((26, 1), "LSTM", 12, 1),
        SQUARES, 8, 32,
    ),
    "source-gru": Work(
        TEXT, "source, next characters, GRU", data.source_everywhere,
        models.characters("GRU", 32, everywhere=True), CLASSES, 8, 16,
    ),
    "fashion-again": _again(
        data.fashion_again, "Fashion-MNIST, six layers through 8", (64, 24, 8, 24, 64)
    ),
    "votes": Work(
        TABLES, "voters' sides, MLP with dropout", data.votes,
        perceptron(8, (32, 32), 7, dropout=0.3), CLASSES, 20, 32,
    ),
    "affairs": Work(
        TABLES, "affairs, MLP with batch normalization", data.affairs,
        perceptron(7, (32, 32), 1, "sigmoid", norm=True), BINARY, 10, 64,
    ),
    "fashion-norm": Work(
        IMAGES, "Fashion-MNIST, CNN with layer normalization and dropout", data.fashion_images,
        images((8, 16), norm="LayerNormalization", dropout=0.3), CLASSES, 8, 64,
    ),
    "vowels-lstm": Work(
        SEQUENCES, "vowels of nine speakers, LSTM", data.vowels,
        recurrent((25, 12), "LSTM", 16, 9), CLASSES, 15, 16,
    ),
    "source-transformer": Work(
        TEXT, "source, next characters, transformer of 2 blocks with dropout",
        data.source_everywhere, models.transformer(2, 16, 0.1), CLASSES, 5, 16,
    ),
    "iris-linear": Work(
        TABLES, "iris, linear", data.iris, perceptron(4, (), 3), CLASSES, 40, 16
    ),
    "breast-cancer-deep": Work(
        TABLES, "breast cancer, five narrow layers", data.breast_cancer,
        perceptron(30, (12,) * 5, 1, "sigmoid"), BINARY, 20, 16,
    ),
    "mnist-deep-norm": Work(
        IMAGES, "MNIST, six layers with batch normalization", data.mnist,
        perceptron(196, (32,) * 6, 10, norm=True), CLASSES, 10, 32,
    ),
    "arrows-conv": Work(
        SEQUENCES, "outlines of arrowheads, 1-D CNN", data.arrows, waves((126, 1), (12, 24), 3),
        CLASSES, 30, 8,
    ),
    # Series: the same task with one number changed.
    "mnist-mlp-b8": _mnist("batch size", 8, batch_size=8),
    "mnist-mlp-b128": _mnist("batch size", 128, batch_size=128),
    "bananas-b8": _fair(8),
    "bananas-b128": _fair(128),
    "power-gru-b8": _power(8),
    "power-gru-b128": _power(128),
    "mnist-mlp-w16": _mnist("width", 16, widths=(16, 16)),
    "mnist-mlp-w256": _mnist("width", 256, widths=(256, 256), epochs=15),
    "mnist-mlp-d1": _mnist("depth", 1, widths=(64,)),
    "mnist-mlp-d6": _mnist("depth", 6, widths=(64,) * 6),
    "mnist-mlp-e4": _mnist("epochs", 4, epochs=4),
    "mnist-mlp-e60": _mnist("epochs", 60, epochs=60),
}  # fmt: skip


def make_task(name: str) -> tuple[Any, str]:
    """Return the task, as Steepest has it, and a digest of all that it is made of."""
    from steepest.tasks.keras.task import keras_task

    work, model, ((x, y), validation) = WORKS[name], *make_model(name)
    sizes = {"epochs": work.epochs, "batch_size": work.batch_size}
    task = keras_task(model, x, y, validation_data=validation, name=name, **sizes)
    return task, digest_of(model, work, (x, y, *validation))


def make_model(name: str) -> tuple[Any, Parts]:
    """Return a task's model, compiled without an optimizer, and its data."""
    from steepest.tasks.keras.task import load_keras

    work, keras = WORKS[name], load_keras()
    keras.utils.clear_session()  # so that layers have the same names, however many were made before
    model = work.model(keras)
    metrics = ["accuracy"] if work.loss in (CLASSES, BINARY) and work.family != AGAIN else None
    model.compile(loss=work.loss, metrics=metrics)
    return model, work.parts()


def digest_of(model: Any, work: Work, arrays: Sequence[Any]) -> str:
    """Return a digest of layers, loss, length and data, without names, which Keras numbers."""
    found = hashlib.sha256(f"{work.loss} {work.epochs} {work.batch_size}".encode())
    for layer in model.layers:
        settings = {k: v for k, v in layer.get_config().items() if k != "name"}
        found.update(json.dumps([type(layer).__name__, settings], default=str).encode())
    for array in arrays:
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:10]
