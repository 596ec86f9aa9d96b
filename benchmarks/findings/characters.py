"""F3 and F4: Adam beats SGD on a transformer, and depends less on its learning rate.

F3: Zhang et al. 2020, "Why are adaptive methods good for attention models?"; Kunstner et al. 2023,
"Noise is not the main factor behind the gap between SGD and Adam on transformers, but sign descent
might be". F4: Wortsman et al. 2023, "Small-scale proxies for large-scale transformer training
instabilities", whose sensitivity is the mean, over learning rates around the best one, of
min(loss, loss of the initial weights) − best loss.

The next character of the text of Python's `help()`, by a causal transformer of width 48 and 2
blocks, contexts of 48 characters, batches of 24, 500 steps. The learning rate warms up over 5 % of
the steps and falls like a cosine. Losses are on the last tenth of the text, in nats.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from findings.finding import Finding, by_seed
from findings.grid import Array, Grid, decades, trained
from findings.transformer import ALPHABET, CONTEXT, transformer
from steepest.statistics import estimate
from steepest.tasks.keras.task import keras_task, load_keras

STEPS, BATCH, VALIDATION = 500, 24, 400
RECIPE = {"warmup": 0.05}
AROUND = 2  # half decades either side of the best rate, which is one decade
GAP = 0.15  # nats

SGD, MOMENTUM = "SGD(momentum=0.0)", "SGD(momentum=0.9)"
OPTIMIZERS = {
    SGD: decades(-1.5, 1.5),
    MOMENTUM: decades(-2, 1),
    "Adam": decades(-3.5, -0.5),
    "Lion": decades(-4, -1),
}
NAMES = {SGD: "SGD", MOMENTUM: "momentum", "Adam": "Adam", "Lion": "Lion"}


def windows() -> tuple[Array, Array]:
    """Return windows of the text `[windows, CONTEXT + 1]`, to train on and to validate."""
    from pydoc_data.topics import topics

    prose = "\n".join(topics[name] for name in sorted(topics))
    bytes_ = np.frombuffer(prose.encode("ascii", "replace"), np.uint8).astype(np.int32)
    known = (bytes_ >= 32) & (bytes_ < 127)  # besides newlines; what is left is one more character
    codes = np.where(known, bytes_ - 32, np.where(bytes_ == 10, ALPHABET - 2, ALPHABET - 1))
    cut, length = len(codes) * 9 // 10, CONTEXT + 1
    draw = np.random.default_rng(0).integers
    starts = draw(0, cut - length, STEPS * BATCH), draw(cut, len(codes) - length, VALIDATION)
    training, validation = (codes[some[:, None] + np.arange(length)] for some in starts)
    return training, validation


def make_task(initial: str = "flax") -> Any:
    """Return it as a task of one epoch, with one of the INITIAL weights."""
    keras = load_keras()
    model = transformer(keras, initial)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    training, validation = windows()
    return keras_task(
        model,
        training[:, :-1],
        training[:, 1:],
        validation_data=(validation[:, :-1], validation[:, 1:]),
        epochs=1,
        batch_size=BATCH,
    )


def sensitivity(grid: Grid, seed: int, initial: float) -> float:
    """Return how much is lost on average within a decade either side of the best learning rate.

    NaN where the grid does not reach so far.
    """
    best, rate = grid.best(seed)
    place = grid.rates.index(rate)
    if not AROUND <= place < len(grid.rates) - AROUND:
        return float("nan")
    losses = grid.end()[place - AROUND : place + AROUND + 1, seed]
    return float(np.mean(np.fmin(losses, initial))) - best  # fmin: diverged is as the initial


def find(seeds: Sequence[int], initial: str = "flax") -> list[Finding]:
    """Return F3 and F4, from the same trainings. A seed is one of weights and data order."""
    task = make_task(initial)
    grids = trained(task, OPTIMIZERS, seeds, schedule="cosine", recipe=RECIPE)
    still = trained(task, {"SGD": (0.0,)}, seeds)["SGD"]  # a rate of 0 moves nothing
    return judge(grids, [float(loss) for loss in still.end()[0]], initial)


def judge(grids: dict[str, Grid], untrained: list[float], initial: str) -> list[Finding]:
    """Return F3 and F4 of trained grids; `untrained` is the loss of each seed's initial weights."""
    places = range(len(untrained))
    best = {name: [grid.best(i)[0] for i in places] for name, grid in grids.items()}
    lost = {
        name: [sensitivity(grid, i, untrained[i]) for i in places] for name, grid in grids.items()
    }
    inside = all(grid.inside(i) for grid in grids.values() for i in places)
    numbers = {
        "weights": initial,
        "untrained": untrained,
        "rates": {name: list(grid.rates) for name, grid in grids.items()},
        "losses": {name: grid.end().tolist() for name, grid in grids.items()},
        "sensitivity": lost,
    }
    return [_adam_is_better(best, inside, numbers), _adam_is_calmer(lost)]


def _told(values: dict[str, list[float]]) -> str:
    return "; ".join(f"{NAMES[name]} {by_seed(some)}" for name, some in values.items())


def _adam_is_better(best: dict[str, list[float]], inside: bool, numbers: dict[str, Any]) -> Finding:
    accepted, told = inside, []
    for name in (SGD, MOMENTUM):
        ahead = [other - adam for other, adam in zip(best[name], best["Adam"], strict=True)]
        count = sum(gap > GAP for gap in ahead)
        accepted = accepted and count == len(ahead)
        mean = estimate([b - a for a, b in zip(best["Adam"], best[name], strict=True)])
        interval = "" if mean.half_width is None else f" ± {mean.half_width:.2f}"
        told.append(
            f"Adam is ahead of {NAMES[name]} by {mean.mean:.2f}{interval} (95 %, paired), by "
            f"> {GAP:g} in {count} of {len(ahead)}"
        )
    return Finding(
        "F3: Adam beats SGD on a transformer",
        "Zhang et al. 2020; Kunstner et al. 2023",
        f"validation nats: Adam ahead of SGD and of momentum by > {GAP:g} with each seed",
        f"{_told(best)}. {'. '.join(told)}",
        accepted,
        numbers,
    )


def _adam_is_calmer(lost: dict[str, list[float]]) -> Finding:
    names = ("Adam", MOMENTUM, SGD)
    pairs = [(low, high) for i, low in enumerate(names) for high in names[i + 1 :]]
    counts = {
        f"{NAMES[low]} < {NAMES[high]}": sum(
            a < b for a, b in zip(lost[low], lost[high], strict=True)
        )
        for low, high in pairs
    }
    seeds = len(lost["Adam"])
    told = ", ".join(f"{pair} in {count}" for pair, count in counts.items())
    return Finding(
        "F4: learning-rate sensitivity",
        "Wortsman et al. 2023",
        "Adam < momentum < SGD with each seed",
        f"{_told(lost)}. Of {seeds} seeds: {told}",
        all(count == seeds for count in counts.values()),
    )
