"""Successive halving: after how many epochs to look, and who goes on. Scores in, indices out.

Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization".
"""

import math
from collections.abc import Sequence

FACTOR = 3  # each rung is three times as long as the one before
LEVELS = 3  # rungs at a ninth, a third and the whole of the training


def rungs(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which trials are cut, the last being `epochs` itself."""
    return tuple(sorted({math.ceil(epochs / FACTOR**level) for level in range(LEVELS)}))


def survivors(scores: Sequence[float], count: int) -> list[int]:
    """Return the positions of the `count` lowest scores, lowest first; never an infinite one."""
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))
    return [i for i in order[:count] if math.isfinite(scores[i])]
