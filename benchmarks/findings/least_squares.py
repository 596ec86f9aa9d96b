"""F1: adaptive methods generalize worse on least squares, unless epsilon is tuned.

Wilson et al. 2017, "The marginal value of adaptive gradient methods in machine learning", section
3.3: of n examples, y = +1 with probability p, else −1; the first feature is y, two more are always
1, and each example has features of its own: one if y = +1, five if y = −1. All methods start from
0 and fit the examples; on fresh ones, whose own features are new, SGD and the heavy ball are
always right, and an adaptive method always says what is more frequent. Choi et al. 2019, "On
empirical comparisons of optimizers for deep learning": a large epsilon makes Adam the heavy ball.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from findings.finding import Finding
from findings.grid import Grid, decades, trained
from steepest.tasks.keras.task import keras_task, load_keras

EXAMPLES, STEPS = 200, 3000
SHARES = (0.6, 0.7, 0.8)  # p
FRESH = 10  # examples, of two kinds, in the shares p and 1 − p: so their error is exact

SMALL_EPSILON = {
    "Adagrad(initial_accumulator_value=0.0)": decades(-2, 0),
    "RMSprop": decades(-4, -2),
    "Adam": decades(-4, -2),
}
OPTIMIZERS = {
    "SGD(momentum=0.0)": decades(-2, -0.5),
    "SGD(momentum=0.9)": decades(-3, -1),
    **SMALL_EPSILON,
    "Adam(epsilon=100.0)": (30.0, 100.0),
    # Keras starts Adagrad's sum at .1, not at the paper's 0. Gradients here are so small that this
    # is another large epsilon. It is shown, and no part of what is expected.
    "Adagrad": decades(-2, 0),
}
NAMES = {
    "SGD(momentum=0.0)": "SGD",
    "SGD(momentum=0.9)": "heavy ball",
    "Adagrad(initial_accumulator_value=0.0)": "Adagrad",
    "Adam(epsilon=100.0)": "Adam with ε = 100",
    "Adagrad": "Adagrad from Keras' a₀ = .1",
}


def features(y: Any, own: Any) -> Any:
    """Return x `[examples, 3 + 5·(n + 1)]`, where example i has the own features number own[i]."""
    x = np.zeros((len(y), 3 + 5 * (EXAMPLES + 1)), np.float32)
    x[:, 0], x[:, 1:3] = y, 1
    for row, sign, place in zip(x, y, own, strict=True):
        row[3 + 5 * place :][: 1 if sign > 0 else 5] = 1
    return x


def make_task(share: float, seed: int, steps: int = STEPS) -> Any:
    """Return the problem as a task: an epoch is a step, validation is on fresh examples."""
    keras = load_keras()
    y = np.where(np.random.default_rng(seed).random(EXAMPLES) < share, 1.0, -1.0)
    fresh = np.where(np.arange(FRESH) < round(share * FRESH), 1.0, -1.0)
    # No example that is trained on has the own features of the fresh ones.
    x, x_fresh = features(y, np.arange(EXAMPLES)), features(fresh, [EXAMPLES] * FRESH)

    def error(y: Any, z: Any) -> Any:
        """Return 1 where the sign is wrong."""
        return keras.ops.cast(y * z <= 0, "float32")

    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
        ]
    )
    model.compile(loss="mse", metrics=[error])
    return keras_task(
        model,
        x,
        y[:, None],
        validation_data=(x_fresh, fresh[:, None]),
        epochs=steps,
        batch_size=EXAMPLES,
        initial_weights="given",
    )


def errors(grid: Grid) -> tuple[list[float], list[float]]:
    """Return the rates that fit all examples, and the error on fresh ones that each leads to.

    A mean squared error below 1/n has no example on the wrong side, as it would add 1/n alone.
    """
    fits = grid.end("training_loss")[:, 0] < 1 / EXAMPLES
    rates = [rate for rate, fit in zip(grid.rates, fits, strict=True) if fit]
    return rates, [round(float(error), 4) for error in grid.end("error")[fits, 0]]


def expected(name: str, share: float) -> float:
    """Return the error on fresh examples that the papers' argument gives."""
    return round(1 - share, 4) if name in SMALL_EPSILON else 0.0


def find(seeds: Sequence[int]) -> list[Finding]:
    """Return F1. A seed is a draw of the examples: the start is 0 and the batch is everything."""
    numbers: list[dict[str, Any]] = []
    for seed in seeds:
        for share in SHARES:
            for name, grid in trained(make_task(share, seed), OPTIMIZERS).items():
                rates, found = errors(grid)
                numbers.append(
                    {"seed": seed, "p": share, "name": name, "rates": rates, "errors": found}
                )
    judged = [row for row in numbers if row["name"] != "Adagrad"]
    accepted = all(
        row["errors"] and set(row["errors"]) == {expected(row["name"], row["p"])} for row in judged
    ) and all(len(row["rates"]) == 2 for row in judged if row["name"] == "Adam(epsilon=100.0)")
    return [
        Finding(
            "F1: adaptive methods can generalize worse, unless ε is tuned",
            "Wilson et al. 2017; Choi et al. 2019",
            "all fit the training data; test error 0 for SGD, heavy ball and Adam with ε = 100; "
            "1 − p for Adagrad, RMSprop and Adam; exactly",
            f"test error at p = {', '.join(f'{p:g}' for p in SHARES)}, over all learning rates "
            f"that fit and {len(seeds)} draws: "
            + "; ".join(f"{NAMES.get(name, name)} {_told(numbers, name)}" for name in OPTIMIZERS),
            accepted,
            {"rows": numbers},
        )
    ]


def _told(numbers: list[dict[str, Any]], name: str) -> str:
    """Return the errors for each p, or their range where rates or draws differ."""
    told = []
    for share in SHARES:
        rows = [row["errors"] for row in numbers if (row["name"], row["p"]) == (name, share)]
        values = sorted({value for row in rows for value in row})
        told.append("–".join(f"{v:.3f}" for v in dict.fromkeys(values[:1] + values[-1:])) or "none")
    return told[0] if len(set(told)) == 1 else ", ".join(told)
