"""The built-in tasks: real data that comes with Steepest or Python, and nothing to download.

The facts of each are written down here so that `steepest tasks` can list them without loading
anything; a test holds them against the real thing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.task import Task

Split = tuple[Any, Any]

TEXT_CONTEXT, TEXT_WIDTH = 48, 48
TEXT_ALPHABET = 97  # newline, the printable characters of ASCII, and one for all others


@dataclass(frozen=True)
class Sample:
    """A built-in task: how to build it, and what it is."""

    build: Callable[..., Task | FitTask]
    what: str
    source: str
    training: int
    validation: int
    test: int
    parameters: int
    epochs: int
    batch_size: int
    seconds: float  # of `steepest compare` with its defaults, on two cores


def sample_data(name: str) -> Split:
    """Return the examples and targets of a data set, as scikit-learn has them.

    They lie in `tasks/sample_data/`, whose LICENSE says where each is from.
    """
    place = files("steepest.tasks") / "sample_data" / f"{name}.npz"
    with place.open("rb") as file, np.load(file, allow_pickle=False) as found:
        x, y = found["x"], found["y"]
    return x.astype(np.float64), y.astype(np.int64 if y.dtype == np.uint8 else np.float64)


def _parts(x: Any, y: Any, validation: int, test: int) -> tuple[Split, Split, Split]:
    """Shuffle once, always in the same way, and cut into training, validation and test."""
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    first, second = len(x) - validation - test, len(x) - test
    return (x[:first], y[:first]), (x[first:second], y[first:second]), (x[second:], y[second:])


def _standardized(parts: tuple[Split, Split, Split]) -> tuple[Split, Split, Split]:
    """Bring each feature to mean 0 and deviation 1, as measured on the training set."""
    x = parts[0][0]
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    one, two, three = (((x - mean) / deviation, y) for x, y in parts)
    return one, two, three


def _task(
    name: str, model: Any, parts: tuple[Split, Split, Split], epochs: int, batch_size: int
) -> Task | FitTask:
    from steepest.tasks.keras.task import keras_task

    (x, y), validation, test = parts
    return keras_task(
        model,
        x,
        y,
        validation_data=validation,
        test_data=test,
        epochs=epochs,
        batch_size=batch_size,
        name=name,
    )


def _digits_parts(image: bool) -> tuple[Split, Split, Split]:
    x, y = sample_data("digits")
    x = x / 16.0
    return _parts(x.reshape(-1, 8, 8, 1) if image else x, y, validation=360, test=360)


def digits(epochs: int = 20, batch_size: int = 32) -> Task | FitTask:
    """Handwritten digits, 8 × 8 grey pixels, by a perceptron of two hidden layers."""
    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return _task("digits", model, _digits_parts(image=False), epochs, batch_size)


def digits_cnn(epochs: int = 15, batch_size: int = 32) -> Task | FitTask:
    """The same digits by a small convolutional network with batch normalization and dropout."""
    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    layers = keras.layers
    model = keras.Sequential(
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
        name="digits-cnn",
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return _task("digits-cnn", model, _digits_parts(image=True), epochs, batch_size)


def breast_cancer(epochs: int = 30, batch_size: int = 32) -> Task | FitTask:
    """Is a tumour benign? Thirty measurements of cell nuclei, one output between 0 and 1."""
    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    x, y = sample_data("breast_cancer")
    model = keras.Sequential(
        [
            keras.Input((30,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="breast-cancer",
    )
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    parts = _standardized(_parts(x, y, validation=115, test=115))
    return _task("breast-cancer", model, parts, epochs, batch_size)


def diabetes(epochs: int = 40, batch_size: int = 32) -> Task | FitTask:
    """How far will the disease progress in a year? Ten measurements, one standardized number."""
    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    x, y = sample_data("diabetes")
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1),
        ],
        name="diabetes",
    )
    model.compile(loss="mse", metrics=["mae"])
    parts = _standardized(_parts(x, y, validation=90, test=90))
    mean, deviation = parts[0][1].mean(), parts[0][1].std()
    one, two, three = ((x, (y - mean) / deviation) for x, y in parts)
    return _task("diabetes", model, (one, two, three), epochs, batch_size)


def text(epochs: int = 5, batch_size: int = 24) -> Task | FitTask:
    """Which character comes next? A causal transformer on the prose of Python's own manual.

    The prose is the text of Python's `help()` topics, which differs a little between versions of
    Python; the counts do not.
    """
    from pydoc_data.topics import topics

    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    prose = "\n".join(topics[name] for name in sorted(topics))
    codes = np.frombuffer(prose.encode("ascii", "replace"), np.uint8).astype(np.int32)
    codes = np.where(codes == 10, 95, np.where((codes >= 32) & (codes < 127), codes - 32, 96))
    length, counts = TEXT_CONTEXT + 1, (2400, 400, 400)
    windows = codes[: sum(counts) * length].reshape(-1, length)
    parts = _parts(windows[:, :-1], windows[:, 1:], validation=counts[1], test=counts[2])
    model = text_model(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    return _task("text", model, parts, epochs, batch_size)


def text_model(keras: Any, name: str = "text", blocks: int = 2, heads: int = 2) -> Any:
    """Return the causal transformer of the task text, which gives logits."""
    layers, width = keras.layers, TEXT_WIDTH

    class Position(layers.Layer):  # type: ignore[misc, name-defined]
        """Add a learned vector for each place in the context."""

        def build(self, shape: Any) -> None:
            self.place_initializer = keras.initializers.RandomNormal(stddev=0.02)
            self.place = self.add_weight(
                shape=tuple(shape[1:]), initializer=self.place_initializer, name="place"
            )

        def call(self, x: Any) -> Any:
            return x + self.place

    characters = keras.Input((TEXT_CONTEXT,), dtype="int32")
    h = Position()(layers.Embedding(TEXT_ALPHABET, width)(characters))
    for _ in range(blocks):
        a = layers.LayerNormalization()(h)
        h = h + layers.MultiHeadAttention(heads, width // heads)(a, a, use_causal_mask=True)
        a = layers.LayerNormalization()(h)
        h = h + layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(a))
    logits = layers.Dense(TEXT_ALPHABET)(layers.LayerNormalization()(h))
    return keras.Model(characters, logits, name=name)


SAMPLES: Mapping[str, Sample] = {
    "digits": Sample(digits, "10 classes, MLP", "UCI", 1077, 360, 360, 17226, 20, 32, 14),
    "digits-cnn": Sample(digits_cnn, "10 classes, CNN", "UCI", 1077, 360, 360, 9946, 15, 32, 65),
    "breast-cancer": Sample(breast_cancer, "binary, MLP", "UCI", 339, 115, 115, 1537, 30, 32, 9),
    "diabetes": Sample(diabetes, "regression, MLP", "Efron 2004", 262, 90, 90, 897, 40, 32, 9),
    "text": Sample(
        text, "next character, transformer", "Python", 2400, 400, 400, 68353, 5, 24, 200
    ),
}
