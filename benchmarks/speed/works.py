"""The six works that all contenders do: a model, its data, how long to train it.

Everything is softmax cross-entropy and accuracy; the optimizer is Adam, a trial's own. Data are
real. Tabular is River's image segments, 2,310 rows of 18 measurements: what scikit-learn brings is
a few hundred rows, of which a trial would hardly be long enough to time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from speed import data, models_keras, models_torch

Adam = dict[str, float]  # the arguments of keras.optimizers.Adam that a trial sets
SEED = 0


@dataclass(frozen=True)
class Work:
    """What a trial is: one training from fresh weights to the last epoch."""

    title: str
    model: Callable[[Any, str], Any]  # (keras, name) → a Keras model, not compiled
    torch_model: Callable[[Any], Any]  # (torch) → its equal, which gives logits
    data: Callable[[], tuple[data.Split, data.Split]]  # training and validation, (x, y) each
    epochs: int
    batch_size: int
    logits: bool = False  # whether the Keras model ends without its softmax
    image: bool = False  # whether x has channels, which PyTorch has first

    def compiled(self, keras: Any, adam: Adam | None = None, name: str = "work") -> Any:
        """Return the Keras model, compiled with a trial's Adam where one is given."""
        model = self.model(keras, name)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=self.logits)
        optimizer = keras.optimizers.Adam(**adam) if adam else "rmsprop"  # Steepest reads none
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
        return model


WORKS = {
    "digits-mlp": Work(
        "Digits, MLP", models_keras.digits_mlp, models_torch.digits_mlp, data.digits, 10, 32
    ),
    "digits-cnn": Work(
        "Digits, CNN",
        models_keras.digits_cnn,
        models_torch.digits_cnn,
        data.digit_images,
        10,
        32,
        image=True,
    ),
    "fashion-cnn": Work(
        "Fashion-MNIST, CNN",
        models_keras.fashion_cnn,
        models_torch.fashion_cnn,
        data.fashion,
        2,
        64,
        image=True,
    ),
    "text-lstm": Work(
        "Text classifier, LSTM",
        models_keras.text_lstm,
        models_torch.text_lstm,
        data.prose_or_source,
        3,
        32,
    ),
    "transformer": Work(
        "Next character, transformer",
        models_keras.transformer,
        models_torch.transformer,
        data.next_characters,
        2,
        24,
        logits=True,
    ),
    "tabular-mlp": Work(
        "Image segments, MLP", models_keras.tabular_mlp, models_torch.tabular_mlp, data.segments,
        10, 32,
    ),
}  # fmt: skip


def make_trials(count: int) -> list[Adam]:
    """Return the trials: points spread evenly over the ranges, and so is every first part of them.

    An additive recurrence (Roberts 2018, "The unreasonable effectiveness of quasirandom
    sequences"), so that it matters little that slow tools run only the first ones. The ranges are
    such that no trial diverges, as Steepest would stop it, and that it makes no difference that
    PyTorch's epsilon is not quite Keras'.
    """
    root = 1.2207440846057596  # of x⁴ = x + 1, for three dimensions
    points = [[(0.5 + i * root**-axis) % 1.0 for axis in (1, 2, 3)] for i in range(count)]
    return [
        {
            "learning_rate": 3e-4 * 100.0**a,
            "beta_1": 1.0 - 0.2 * 0.1**b,
            "epsilon": 1e-8 * 100.0**c,
        }
        for a, b, c in points
    ]
