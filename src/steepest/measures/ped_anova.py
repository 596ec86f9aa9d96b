"""PED-ANOVA: how much each hyperparameter sets the best trials apart from all of them.

Watanabe et al. 2023, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
subspaces", with the estimators of Optuna 5, which is the oracle of the tests.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

BEST = 0.25  # the share of trials that counts as the best
CELLS = 50  # into which a range is cut
SCOTT = 1.059  # Scott's rule for the width of a kernel, with the interquartile range
NARROWEST = 0.5 / 1.64  # 90 % of a kernel of this width lie in one cell
NOWHERE_ZERO = 1e-12

Numbers = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def best_trials(scores: Numbers) -> Flags:
    """Return which trials are the best quarter, those as good as its last one included."""
    last = math.ceil(BEST * len(scores)) - 1
    return np.asarray(scores <= np.partition(scores, last)[last], np.bool_)


def shares(places: Numbers, choices: Sequence[int], scores: Numbers) -> Numbers:
    """Return the share of each hyperparameter in what sets the best quarter apart; they sum to 1.

    Args:
        places: [trials, hyperparameters], where each trial lies in each range, from 0 to 1.
        choices: [hyperparameters], how many values each may have; 0 for a range of numbers.
        scores: [trials], lower is better; may be infinite.
    """
    best = best_trials(scores)
    found = np.array(
        [
            divergence(cells(column, count), best, count)
            for column, count in zip(places.T, choices, strict=True)
        ]
    )
    total = found.sum()
    return found / total if total else np.full(len(found), 1 / len(found))


def cells(places: Numbers, choices: int) -> Counts:
    """Return the cell that each place is in: a range has 50, a choice one for each value."""
    if choices:
        return np.asarray((places * choices).astype(np.int64))
    step = 1 / (CELLS - 1)  # divided by, as Optuna does, which rounds ends of cells like it
    ceiled = np.ceil(places / step - 0.5).astype(np.int64)
    return np.clip(ceiled, 0, CELLS - 1)


def divergence(where: Counts, best: Flags, choices: int) -> float:
    """Return Pearson's divergence of the density of the best trials from that of all."""
    if best.all():
        return 0.0
    density = choice_density if choices else range_density
    top = density(np.bincount(where[best], minlength=choices or CELLS)) + NOWHERE_ZERO
    every = density(np.bincount(where, minlength=choices or CELLS)) + NOWHERE_ZERO
    return float(every @ (top / every - 1) ** 2)


def range_density(counts: Counts) -> Numbers:
    """Return the probability of each cell of a range: a normal kernel for each cell that has
    trials, of one width, cut at the ends of the range, and a wide one as prior."""
    at = np.flatnonzero(counts)
    centres = np.append(at, (len(counts) - 1) / 2)
    widths = np.append(np.full(len(at), _width(at, counts[at])), len(counts))
    edges = np.arange(len(counts) + 1) - 0.5
    below = ndtr((edges[:, None] - centres) / widths)  # [edges, kernels]
    mass = (below[1:] - below[:-1]) / (below[-1] - below[0])
    return np.asarray(mass @ _weights(counts[at]))


def choice_density(counts: Counts) -> Numbers:
    """Return the probability of each value of a choice: a kernel for each one that has trials,
    smoothed by the prior, and the prior itself."""
    at = np.flatnonzero(counts)
    kernels = np.full((len(counts), len(at) + 1), 1 / (len(at) + 1))
    kernels[at, np.arange(len(at))] += 1
    return np.asarray(kernels / kernels.sum(axis=0) @ _weights(counts[at]))


def _weights(counts: Counts) -> Numbers:
    """Return the weight of each kernel; the prior, which comes last, weighs as one trial."""
    weights = np.append(counts.astype(np.float64), 1.0)
    return np.asarray(weights / weights.sum())


def _width(at: Counts, counts: Counts) -> float:
    """Return the width of the kernels by Scott's rule, in cells."""
    upto, trials = np.cumsum(counts), int(counts.sum())
    mean = at @ counts / trials
    deviation = math.sqrt((at - mean) ** 2 @ counts / max(1, trials - 1))
    first = np.searchsorted(upto, trials // 4, side="left")
    third = min(int(np.searchsorted(upto, trials * 3 // 4, side="right")), len(at) - 1)
    spread = min(float(at[third] - at[first]) / 1.34, deviation)
    return float(max(SCOTT * spread * trials**-0.2, NARROWEST))
