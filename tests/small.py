"""Small models and data that all tests share."""

import keras
import numpy as np

from steepest.tasks.keras.task import keras_task

EXAMPLES, FEATURES, CLASSES = 100, 6, 3  # 100 is no multiple of the batch size, on purpose
BATCH, EPOCHS = 16, 4


def classes_data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return points `[100, 6]` around three centres, and which centre, as int `[100]`."""
    random = np.random.default_rng(seed)
    y = random.integers(0, CLASSES, EXAMPLES)
    centres = np.random.default_rng(99).normal(size=(CLASSES, FEATURES))
    x = centres[y] + 0.7 * random.normal(size=(EXAMPLES, FEATURES))
    return x.astype("float32"), y.astype("int32")


def make_model(batch_norm: bool = True, dropout: float = 0.0) -> keras.Model:
    """Return a compiled classifier, with what makes training stateful if wanted."""
    layers = [keras.Input((FEATURES,)), keras.layers.Dense(16, activation="relu")]
    if batch_norm:
        layers.append(keras.layers.BatchNormalization(momentum=0.8))
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(CLASSES, activation="softmax"))
    model = keras.Sequential(layers)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make_task(model: keras.Model | None = None, **changes):
    """Return a small task with a test set."""
    x, y = classes_data()
    arguments = {
        "validation_data": classes_data(1),
        "test_data": classes_data(2),
        "epochs": EPOCHS,
        "batch_size": BATCH,
        **changes,
    }
    return keras_task(model or make_model(), x, y, **arguments)


class Batches:
    """A stream of batches with a length."""

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)
