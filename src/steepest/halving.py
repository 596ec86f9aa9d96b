"""Successive halving: after how many epochs to look, and who goes on. Scores in, indices out.

Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
"""

import math
from collections.abc import Sequence

FACTOR = 3  # one trial in three goes on at each rung, with three times the epochs
LEVELS = 3  # rungs at a ninth, a third and the whole of the training


def rungs(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which trials are cut, the last being `epochs` itself."""
    return tuple(sorted({math.ceil(epochs / FACTOR**level) for level in range(LEVELS)}))


def keep(count: int) -> int:
    """Return how many of `count` trials go on."""
    return math.ceil(count / FACTOR)


def survivors(scores: Sequence[float]) -> list[int]:
    """Return the positions of those that go on, lowest score first; never an infinite score."""
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))
    return [i for i in order[: keep(len(scores))] if math.isfinite(scores[i])]
