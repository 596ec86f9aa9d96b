"""Two spirals, which a search may miss: the good learning rates are beyond worse ones.

    python benchmarks/spirals.py

A perceptron with batch normalization overfits at 0.003 before it learns, and learns at 0.01 in the
second half of its epochs. At half of them every rate above 0.001 looks worse than those below it.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import steepest

EPOCHS, BATCH = 15, 64
RATES = (1e-3, 3e-3, 1e-2)


def spirals(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points `[count, 2]` and which of two spirals each is of, `[count]`."""
    random = np.random.default_rng(seed)
    along, which = 3 * np.pi * np.sqrt(random.random(count)), random.integers(0, 2, count)
    angle = along + np.pi * which
    x = np.stack([along * np.cos(angle), along * np.sin(angle)], 1) / 10
    x += 0.05 * random.standard_normal(x.shape)
    return x.astype("float32"), which.astype("float32")


def make_model(rate: float) -> keras.Model:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(48),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(48, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="spirals",
    )
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    (x, y), validation = spirals(1500, 0), spirals(700, 1)
    given = {"validation_data": validation, "epochs": EPOCHS, "batch_size": BATCH}
    print(steepest.compare(make_model(1e-3), x, y, progress=False, **given))
    for rate in RATES:
        losses = []
        for seed in range(3):
            keras.utils.set_random_seed(seed)
            model = make_model(rate)
            model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0)
            losses.append(model.evaluate(*validation, verbose=0)[0])
        print(f"by hand, Adam({rate:g}):", ", ".join(f"{loss:.3f}" for loss in losses))


if __name__ == "__main__":
    main()
