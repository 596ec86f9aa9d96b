"""The expected best loss of a search, by its number of trials.

Dodge et al. 2019, "Show your work: improved reporting of experimental results", and Sivaprasad et
al. 2020, "Optimizer benchmarking needs to account for hyperparameter tuning", which compares
optimizers by it. Their estimator draws with replacement and is biased; this one is Tang et al.'s
(2020, "Showing your work doesn't always work").
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.measures.search_trials import at_length, setting
from steepest.records import StudyRecord, Trial

FEWEST = 3  # trials of which a mean is worth showing
COUNTS = 50  # numbers of trials at most at which it is told
DRAWS = 500  # of the bootstrap

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Expected:
    """The best that a search of so many trials would find on average, with a 95 % band."""

    epochs: int  # the length of the trials it is from
    counts: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def expected(study: StudyRecord, trials: Sequence[Trial]) -> Expected | None:
    """Return the expected best of n trials of a search, in the unit of what decides.

    From the trials that were explored: the framework's defaults and points spread evenly over the
    ranges. Later ones start where the best is expected, so they are no sample of the ranges. They
    are compared at the longest length at which all of them have a result, the shortest: at later
    ones there are those alone that were ahead.

    Of N results in order, lower first, the mean of the best of n of them, over all choices, is
    Σᵢ x₍ᵢ₎ C(N − i, n − 1) / C(N, n); it never gets worse with n. A result that is worse than the
    untrained model's counts as that, as do those that were lost; where the study has no initial
    loss, they count as the worst finite one. The band is the 95 % percentile bootstrap's over
    trials; near n = N it is too narrow, as no resample has anything better than the best that was
    found.

    None with fewer than three trials, or if all were lost.
    """
    sample = _explored(study, trials)
    whole = study.task.epochs  # what callbacks stopped stands for one of that length
    ends = [
        whole if t.stopped_early(whole) else t.epochs for t in sample if not t.lost and t.epochs
    ]
    if not ends:
        return None
    epochs, sign = min(ends), -1.0 if study.settings.maximize else 1.0
    scores = np.array([sign * result for _, result in at_length(study, sample, epochs)])
    finite = scores[np.isfinite(scores)]
    if len(scores) < FEWEST or not len(finite):
        return None
    initial = sign * study.initial.get(study.settings.decides, math.nan)
    scores = np.minimum(scores, initial if math.isfinite(initial) else finite.max())
    counts = counts_of(len(scores))
    means = expected_best(scores, counts)
    drawn = np.random.default_rng(0).choice(scores, (DRAWS, len(scores)))
    ends_of = np.percentile(expected_best(drawn, counts), (2.5, 97.5), axis=0)
    low, high = ends_of if sign > 0 else -ends_of[::-1]
    return Expected(
        epochs,
        tuple(counts),
        *(tuple(float(v) for v in values) for values in (sign * means, low, high)),
    )


def expected_best(scores: Array, counts: Sequence[int]) -> Array:
    """Return the mean of the lowest of n of `scores` [..., trials], for each n: [..., counts].

    As x₍₁₎ + Σᵢ P(the first i are not among the n) (x₍ᵢ₊₁₎ − x₍ᵢ₎), which has no large binomials.
    """
    ordered = np.sort(scores, axis=-1)
    total, n = ordered.shape[-1], np.array(counts)[:, None]
    i = np.arange(total - 1)
    missed = np.cumprod(np.maximum(total - n - i, 0) / (total - i), axis=1)
    return np.asarray(ordered[..., :1] + np.diff(ordered, axis=-1) @ missed.T, np.float64)


def counts_of(trials: int) -> list[int]:
    """Return the numbers of trials to tell it at: all, or some evenly spread in log scale."""
    if trials <= COUNTS:
        return list(range(1, trials + 1))
    return sorted({round(count) for count in np.geomspace(1, trials, COUNTS).tolist()})


def _explored(study: StudyRecord, trials: Sequence[Trial]) -> list[Trial]:
    """Return the first trials, as many as were asked for, up to one that repeats another.

    Of choices alone there may be fewer than were asked for. None of a search that walked, in files
    since format 7: its trials are no sample of the ranges.
    """
    if study.settings.search:
        return []
    found: list[Trial] = []
    known = set()
    for trial in trials[: study.settings.trials]:
        key = tuple(sorted(setting(study, trial).items()))
        if key in known:
            break
        known.add(key)
        found.append(trial)
    return found
