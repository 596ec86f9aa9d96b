"""Which hyperparameters decide whether a trial is among the best: PED-ANOVA."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steepest.measures.ped_anova import best_trials, shares
from steepest.measures.search_trials import at_length, number, spaces
from steepest.records import StudyRecord, Trial
from steepest.spaces import Float, Space
from steepest.statistics import Estimate

FEWEST = 20  # trials, so that there are five of the best, as Optuna's authors advise
CHANCE = 0.05  # of studies in which nothing matters may show importances
PERMUTED = 400  # orders of the results, to know what chance does
BINS = 4
DRAWS = 30  # of the bootstrap

Positions = np.ndarray[Any, np.dtype[np.float64]]  # [trials, hyperparameters], in [0, 1]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def importance(
    study: StudyRecord, name: str, trials: Sequence[Trial], epochs: int
) -> dict[str, Estimate]:
    """Return the share of each searched hyperparameter in what makes a trial good; they sum to 1.

    How differently the best quarter of the trials is spread along a hyperparameter from all of
    them: the Pearson divergence of the two densities (`ped_anova`). Each hyperparameter is taken by
    itself, on the scale of its range; the learning rate as η/(1 − μ)
    where that is what was searched. Diverged trials are the worst. With a 95 % percentile interval
    of the bootstrap over trials.

    Shares sum to 1 for noise too: of two hyperparameters without effect one gets 0.7 in the median,
    with 100 trials. So nothing is said (an empty mapping) unless the best differ from the others by
    more than in 95 % of random orders of the results: Pearson's χ² of the best over quarters of
    each hyperparameter's values, the largest one. Nor with fewer than 20 trials, which hardly ever
    pass, where all but a quarter diverged, or with one hyperparameter, whose share would be 1; nor
    of a search that walked, in files since format 7, whose trials gather around the best.
    """
    if study.settings.search:
        return {}
    ranges = spaces(study, name)
    known = [
        (place, result)
        for trial, result in at_length(study, trials, epochs)
        if (place := _place(study, ranges, trial)) is not None
    ]
    if len(ranges) < 2 or len(known) < FEWEST:
        return {}
    sign = -1.0 if study.settings.maximize else 1.0
    scores = np.array([sign * result for _, result in known])
    places = np.array([place for place, _ in known])
    if not _matters(places, best_trials(scores)):
        return {}
    choices = [0 if isinstance(space, Float) else len(space.values) for space in ranges.values()]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        sample = random.integers(len(scores), size=len(scores))
        drawn.append(shares(places[sample], choices, scores[sample]))
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0).tolist()
    point = shares(places, choices, scores).tolist()
    estimates = {key: Estimate(point[i], low[i], high[i], ()) for i, key in enumerate(ranges)}
    return dict(sorted(estimates.items(), key=lambda item: -(item[1].mean or 0.0)))


def _place(study: StudyRecord, ranges: Mapping[str, Space], trial: Trial) -> list[float] | None:
    """Return where a trial lies in each range, at its end if beyond; None if in none."""
    values, place = trial.config.hyperparameters, []
    for key, space in ranges.items():
        if not isinstance(space, Float):
            if values.get(key) not in space.values:
                return None
            place.append((space.values.index(values[key]) + 0.5) / len(space.values))
            continue
        value, momentum = number(trial, key), number(trial, "momentum")
        if value is None:
            return None
        if key == "learning_rate" and study.optimizers[trial.optimizer].effective:
            value /= max(1 - (momentum or 0.0), 1e-12)
        place.append(min(max(space.position(value), 0.0), 1.0))
    return place


def _matters(places: Positions, best: Flags) -> bool:
    """Return whether the best lie elsewhere than the others, beyond chance: a permutation test."""
    if best.all():
        return False
    trials = len(best)
    # Equal values share a bin, so that which trial was first does not matter.
    ranks = np.array([np.searchsorted(np.sort(p), p) for p in places.T]).T
    member = np.concatenate([np.eye(BINS)[row] for row in (ranks * BINS // trials).T], axis=1)
    random = np.random.default_rng(0)
    orders = np.argsort(random.random((PERMUTED, trials)), axis=1)
    flags = np.concatenate([best[None], best[orders]]).astype(np.float64)
    # A BLAS product of these is exact: they are sums of ones.
    expected = best.sum() * member.mean(axis=0)
    filled = expected > 0
    squares = (flags @ member - expected)[:, filled] ** 2 / expected[filled]
    split = np.cumsum(filled.reshape(-1, BINS).sum(axis=1))[:-1]
    largest = np.max([part.sum(axis=1) for part in np.split(squares, split, axis=1)], axis=0)
    as_large = int((largest >= largest[0] - 1e-9).sum())  # itself counted
    return as_large / (PERMUTED + 1) <= CHANCE
