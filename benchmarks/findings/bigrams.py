"""F2: Adam beats SGD where classes are heavy-tailed.

Kunstner et al. 2024, "Heavy-tailed class imbalance and why Adam outperforms gradient descent on
language models": the next word given the last one, by a linear softmax model, where a few words
are frequent and most are rare. Gradient descent fits the frequent words alone; Adam and sign
descent fit all. It is no noise of batches, as the whole data is the batch; and it is gone where all
words are equally frequent.

The text is that of Python's `help()`; a word is some letters, or one other character.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from findings.finding import Finding, by_seed
from findings.grid import Array, decades, trained
from steepest.tasks.keras.task import keras_task, load_keras

WORDS = 1000  # the most frequent, and one for all others
SUCCESSORS = 16  # of a word in the control, drawn with replacement

TEXT_STEPS, CONTROL_STEPS = 100, 50
STUCK, SOLVED, NEAR = 0.15, 0.01, 0.03  # shares of the initial excess; nats above the floor

SIGN = "Lion(beta_1=1e-9)"  # Lion without an average; Keras takes no 0
# Four a decade, as in the control SGD's best rate lies between 10⁴ and 10⁴·⁵: at either of them its
# loss is .03 to .04 above the floor, and between them .02.
OPTIMIZERS = {
    "SGD(momentum=0.0)": decades(1.5, 4.5, 4),
    "SGD(momentum=0.9)": decades(1, 3.5, 4),
    SIGN: decades(-1.5, 0, 4),
    "Adam": decades(-1, 1, 4),
}
NAMES = {"SGD(momentum=0.0)": "SGD", "SGD(momentum=0.9)": "momentum", SIGN: "sign descent"}


def counts_of_text(words: int = WORDS) -> Array:
    """Return how often word j follows word i in the text, float64 `[words, words]`."""
    from pydoc_data.topics import topics

    prose = "\n".join(topics[name] for name in sorted(topics)).lower()
    tokens = re.findall(r"[a-z]+|[^a-z\s]", prose)
    known = [word for word, _ in Counter(tokens).most_common(words - 1)]
    codes = {word: code for code, word in enumerate(known)}
    places = np.array([codes.get(token, words - 1) for token in tokens])
    counts = np.zeros((words, words))
    np.add.at(counts, (places[:-1], places[1:]), 1)
    return counts


def counts_of_control(seed: int, words: int = WORDS) -> Array:
    """Return counts in which all words are equally frequent."""
    counts = np.zeros((words, words))
    followers = np.random.default_rng(seed).integers(0, words, (words, SUCCESSORS))
    np.add.at(counts, (np.arange(words)[:, None], followers), 1)
    return counts


def floor(counts: Array) -> float:
    """Return the lowest cross-entropy that there is: the entropy of a word given the last one."""
    share = counts / counts.sum(axis=1, keepdims=True)
    logs = np.log(share, where=counts > 0, out=np.zeros_like(share))
    return float(-(counts * logs).sum() / counts.sum())


def make_task(counts: Array, steps: int) -> Any:
    """Return the model as a task: an example is a word, weighed by how often it is there.

    An epoch is a step on all of them; validation is on the same, after the step.
    """
    keras = load_keras()
    words = len(counts)
    often = counts.sum(axis=1)
    x = np.arange(words, dtype=np.int32)[:, None]
    y = (counts / often[:, None]).astype(np.float32)
    weight = (often / often.mean()).astype(np.float32)
    model = keras.Sequential(
        [
            keras.Input((1,), dtype="int32"),
            keras.layers.Embedding(words, words, embeddings_initializer="zeros"),
            keras.layers.Flatten(),
        ]
    )
    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    return keras_task(
        model,
        x,
        y,
        sample_weight=weight,
        validation_data=(x, y, weight),
        epochs=steps,
        batch_size=words,
    )


def find(seeds: Sequence[int]) -> list[Finding]:
    """Return F2. The text has no chance in it; a seed is a draw of the control."""
    counts = counts_of_text()
    lowest, initial = floor(counts), float(np.log(WORDS))
    text = {n: g.best() for n, g in trained(make_task(counts, TEXT_STEPS), OPTIMIZERS).items()}
    share = {name: (loss - lowest) / (initial - lowest) for name, (loss, _) in text.items()}
    control: dict[str, list[float]] = {name: [] for name in OPTIMIZERS}
    floors = []
    for seed in seeds:
        counts = counts_of_control(seed)
        floors.append(floor(counts))
        for name, grid in trained(make_task(counts, CONTROL_STEPS), OPTIMIZERS).items():
            control[name].append(grid.best()[0] - floors[-1])
    accepted = (
        share["SGD(momentum=0.0)"] > STUCK
        and share["Adam"] < SOLVED
        and all(abs(excess) < NEAR for some in control.values() for excess in some)
    )
    losses = "; ".join(
        f"{NAMES.get(name, name)} {loss:.3f} ({share[name]:.3f} of the initial excess)"
        for name, (loss, _) in text.items()
    )
    near = "; ".join(
        f"{NAMES.get(name, name)} {by_seed(some, 3)}" for name, some in control.items()
    )
    return [
        Finding(
            "F2: Adam beats SGD on heavy-tailed classes",
            "Kunstner et al. 2024",
            f"excess over the floor / initial excess: SGD > {STUCK:g}, Adam < {SOLVED:g}; in the "
            f"control, where all words are equally frequent, all within {NEAR:g} of the floor",
            f"floor {lowest:.3f}; {losses}. Control, {len(seeds)} draws, above the floor "
            f"({by_seed(floors, 3)}): {near}",
            accepted,
            {"floor": lowest, "text": text, "share": share, "floors": floors, "control": control},
        )
    ]
