"""Sensitivity to the learning rate: a curve of results against it, how wide its floor is, and what
a wrong rate costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.measures.search_trials import Point, at_length, number, points, worst
from steepest.records import Outcome, Stage, StudyRecord, Trial
from steepest.statistics import Estimate, estimate

WITHIN = 0.1  # of the best's, which is what the band's results are within
FEWEST = 10  # different rates of a search, with a result, of which a band is told
ROUNDING = 1e-6  # of a rate, relative

Array = np.ndarray[Any, np.dtype[np.float64]]
Curve = tuple[Array, Array]  # log10 of rates, rising; scores, lower is better, infinite: diverged


@dataclass(frozen=True)
class Rates:
    """Trials that differ in the learning rate, all at the same length.

    `source` is "sweep" where nothing but the rate and the seed differs, trained in full; "search"
    where they are the search's, whose other hyperparameters differ too, at a rung.
    """

    source: str
    epochs: int  # the length
    points: tuple[Point, ...]  # in order of the learning rate


@dataclass(frozen=True)
class Band:
    """The learning rates whose result is within a share of the best's."""

    within: float  # such as .1
    low: float
    high: float
    open_low: bool  # whether it may go on below what was tried
    open_high: bool
    decades: Estimate  # log10(high / low); over seeds, or without an interval of a search


@dataclass(frozen=True)
class Ends:
    """Of a band, log10 of the rates."""

    low: float
    high: float
    open_low: bool
    open_high: bool


def rates(study: StudyRecord, name: str, trials: Sequence[Trial], epochs: int) -> Rates | None:
    """Return an optimizer's results against the learning rate.

    From the sweep where there is one: its trials and the confirmed ones of the same seeds. Else
    `trials`, of the search, after `epochs`. None without two different rates.
    """
    settings = study.settings
    whole = [
        t for t in study.trials if t.optimizer == name and (t.outcome is Outcome.FINISHED or t.lost)
    ]
    seeds = {t.config.seed for t in whole if t.stage is Stage.SWEEP}
    if seeds:
        kept = [t for t in whole if t.stage in (Stage.SWEEP, Stage.CONFIRM)]
        kept = [t for t in kept if t.config.seed in seeds]
        results = [(t, settings.value(t)) for t in kept]
        source, epochs = "sweep", study.task.epochs
    elif "learning_rate" in study.optimizers[name].space:
        source, results = "search", at_length(study, trials, epochs)
    else:
        return None
    results = [(t, r) for t, r in results if (number(t, "learning_rate") or 0) > 0]
    found = points(study, results, "learning_rate")
    if len({point.value for point in found}) < 2:
        return None
    return Rates(source, epochs, found)


def band(study: StudyRecord, found: Rates | None, within: float = WITHIN) -> Band | None:
    """Return the band of learning rates around the best whose result is near the best's.

    Near: within a share of its size, of 10 %. Where larger is better and the best lies between 0
    and 1, as for an accuracy, that is a tenth of what it is short of 1, so a tenth more errors, and
    at least one example of the validation set. A result between two rates is interpolated in the
    logarithm of the rate; beyond a rate whose neighbour diverged nothing is assumed. An end is open
    where all that was tried on its side is near the best: the band is then at least as wide.

    From a sweep, each seed has its own curve, with its own best; the ends are their geometric
    means, so that `decades` is the mean width, with Student's interval. Noise makes bands narrower,
    as each seed's best is partly luck, and so do steps of the rate that are as wide as the band.

    From a search, whose other hyperparameters differ from trial to trial, a result is no better
    than its rate allows. So the curve is the envelope below them, that falls towards the best from
    both sides: what the rate allows as far as was seen, with the others (momentum too) tuned along.
    Where few trials had good values of the others, it is too narrow; read it as "at least". It has
    no interval: on made-up searches of 6 to 200 trials, the bootstrap's 95 % held the true width in
    30 to 90 % of them.

    None with fewer than three rates for each seed, or ten different ones with a result in a search;
    and where a seed diverged at all rates.
    """
    if found is None:
        return None
    if found.source == "sweep":
        curves = list(curves_of(study, found).values())
        if not curves or any(len(x) < 3 or not np.isfinite(y).any() for x, y in curves):
            return None
        ends = [_ends(x, y, _margin(study, y.min(), within)) for x, y in curves]
        decades = estimate([end.high - end.low for end in ends]).clipped()
        low, high = (float(np.mean(v)) for v in zip(*((e.low, e.high) for e in ends), strict=True))
        open_low, open_high = any(e.open_low for e in ends), any(e.open_high for e in ends)
    else:
        x, y = _curve(study, found.points)
        if len(np.unique(x[np.isfinite(y)])) < FEWEST:
            return None
        end = _tuned_along(study, x, y, within)
        decades = Estimate(end.high - end.low, None, None, ())
        low, high, open_low, open_high = end.low, end.high, end.open_low, end.open_high
    return Band(within, 10**low, 10**high, open_low, open_high, decades)


def decade(study: StudyRecord, name: str, found: Rates | None) -> Estimate | None:
    """Return what a learning rate up to ten times too low or too high costs in the mean.

    The mean of min(result, initial) − best over rates spread evenly in log scale from a tenth of
    the confirmed rate to ten times it, that one included, where `initial` is what decides before
    any training, which also stands for diverged runs: the learning-rate sensitivity of Wortsman et
    al. 2023, "Small-scale proxies for large-scale transformer training instabilities". In the unit
    of what decides, positive, one value a seed, with Student's interval. Not to rank by: what is
    equally bad at all rates is not sensitive.

    None without a sweep, as other hyperparameters than the rate differ in a search; without a seed
    that has all rates; and where nothing is known of the untrained model.
    """
    settings = study.settings
    initial = study.initial.get(settings.decides, math.nan)
    if found is None or found.source != "sweep" or not math.isfinite(initial):
        return None
    initial *= -1 if settings.maximize else 1
    confirmed = [number(t, "learning_rate") for t in study.confirmed(name)]
    middle = next((math.log10(rate) for rate in confirmed if rate), math.nan)
    values = []
    for x, y in curves_of(study, found).values():
        if _even(x - middle, settings.sweep):
            capped = np.minimum(y, initial)
            values.append(float(np.mean(capped - capped.min())))
    return estimate(values).clipped() if values else None


def curves_of(study: StudyRecord, found: Rates) -> dict[int, Curve]:
    """Return the curve of each seed, over log10 of the learning rate; lower scores are better."""
    seeds = sorted({point.seed for point in found.points})
    return {
        seed: _curve(study, [point for point in found.points if point.seed == seed])
        for seed in seeds
    }


def _curve(study: StudyRecord, some: Sequence[Point]) -> Curve:
    sign = -1.0 if study.settings.maximize else 1.0
    ordered = sorted(some, key=lambda point: point.value)
    diverged = worst(study.settings)
    return (
        np.log10([point.value for point in ordered]),
        np.array([sign * (diverged if p.diverged else p.result) for p in ordered], np.float64),
    )


def _even(offsets: Array, sweep: int) -> bool:
    """Return whether rates lie evenly from a decade below to one above, none of them missing."""
    count = 2 * sweep + 1 if sweep else max(len(offsets), 3)
    return len(offsets) == count and np.allclose(
        offsets, np.linspace(-1, 1, len(offsets)), rtol=0, atol=ROUNDING
    )


def _margin(study: StudyRecord, score: float, within: float) -> float:
    """Return how much worse than the best is near it."""
    if study.settings.maximize and 0 < -score <= 1:
        return max(within * (1 + score), 1 / max(1, study.task.validation_examples))
    return within * abs(score)


def _ends(x: Array, y: Array, margin: float) -> Ends:
    """Return the ends of the band around the best; `x` rises, and some of `y` is finite."""
    best = int(np.argmin(y))
    limit = y[best] + margin
    low, open_low = _walk(x[best::-1], y[best::-1], limit)
    high, open_high = _walk(x[best:], y[best:], limit)
    return Ends(low, high, open_low, open_high)


def _walk(x: Array, y: Array, limit: float) -> tuple[float, bool]:
    """Return where a curve first passes the limit, and whether it never does."""
    beyond = np.flatnonzero(y > limit)
    if not len(beyond):
        return float(x[-1]), True
    i = int(beyond[0])
    if not math.isfinite(y[i]):
        return float(x[i - 1]), False
    share = (limit - y[i - 1]) / (y[i] - y[i - 1])
    return float(x[i - 1] + share * (x[i] - x[i - 1])), False


def _tuned_along(study: StudyRecord, x: Array, y: Array, within: float) -> Ends:
    """Return the ends of the band of the envelope that falls towards the best from both sides."""
    x, place = np.unique(x, return_inverse=True)
    lowest = np.full(len(x), math.inf)
    np.minimum.at(lowest, place, y)
    best = int(np.argmin(lowest))
    left = np.minimum.accumulate(lowest[: best + 1])
    right = np.minimum.accumulate(lowest[:best:-1])[::-1]
    return _ends(x, np.concatenate([left, right]), _margin(study, lowest[best], within))
