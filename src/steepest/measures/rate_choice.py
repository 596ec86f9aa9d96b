"""What short trainings at many learning rates say: which one to take, how surely, what breaks.

Also what a learning-rate range test says (Smith 2017), as fastai reads it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from steepest.records.rate_runs import RangeTest, RateRuns
from steepest.statistics import Estimate, estimate

MATTERS = 0.03  # of the lowest loss, the share below which a rate counts as as good
BESIDE = 10**0.3  # the ratio within which the next rate is a neighbour; they are 10**0.25 apart


@dataclass(frozen=True)
class Tried:
    """A learning rate and its runs, those of a seed each; `lost` of them broke."""

    rate: float
    value: Estimate  # the validation loss over seeds; None-valued where a run has none
    lost: int  # runs without a finite loss, or whose loss is no lower than the untrained model's


@dataclass(frozen=True)
class RateChoice:
    """The rate to take and what is around it."""

    tried: tuple[Tried, ...]  # by rate
    best: Tried  # around which the mean is lowest, of those that all seeds have
    low: float  # the ends of the rates around it that are not told from it: see `as_good`
    high: float
    breaks: float | None  # the lowest rate above the best at which a run broke; None: not seen
    fine: float | None  # the highest below that
    learns: bool  # whether the best ends below the untrained loss
    usual: Tried | None  # at the framework's default
    yours: Tried | None  # at what the person has today, where that is another
    tests: Mapping[str, float | None]  # what the range test would take, by its reading


def choose_rate(runs: RateRuns) -> RateChoice:
    """Return the choice that `runs` make.

    Of a few seeds the lowest mean is a lucky one, and the highest rates vary most. So the best is
    the rate at which a quarter of its lower neighbour's mean, half of its own and a quarter of its
    higher neighbour's are lowest; neighbours a quarter of a decade away, all from all seeds.

    `low` and `high` are the ends of the rates next to the best, trained from all seeds, of which
    the seeds do not show that they are worse by 3 % of its loss or more: the paired difference's
    95 % interval (Student's) reaches below that. With one seed these are rates whose loss is less
    than 3 % above.
    """
    tried = tuple(_tried(runs, rate) for rate in sorted(runs.losses))
    full = [one for one in tried if len(runs.losses[one.rate]) == len(runs.seeds)]
    best = _best(full)
    low = _end(runs, best, [one for one in reversed(full) if one.rate < best.rate])
    high = _end(runs, best, [one for one in full if one.rate > best.rate])
    breaks = next((one.rate for one in tried if one.rate > best.rate and one.lost), None)
    fine = max((one.rate for one in tried if breaks and one.rate < breaks), default=None)
    by_rate = {one.rate: one for one in tried}
    return RateChoice(
        tried,
        best,
        low,
        high,
        breaks,
        fine,
        best.lost == 0,
        by_rate.get(runs.usual),
        None if runs.yours is None else by_rate.get(runs.yours),
        {"steepest descent": steepest(runs.range_test), "minimum / 10": lowest(runs.range_test)}
        if runs.range_test
        else {},
    )


def _best(full: Sequence[Tried]) -> Tried:
    """Return the rate around which means are lowest; where none has both neighbours, the rate with
    the lowest mean."""
    smooth = [
        ((before.value.mean + 2 * one.value.mean + after.value.mean) / 4, one)
        for before, one, after in zip(full, full[1:], full[2:], strict=False)
        if one.rate / before.rate < BESIDE and after.rate / one.rate < BESIDE
        if before.value.mean is not None
        and one.value.mean is not None
        and after.value.mean is not None
    ]
    able = smooth or [(one.value.mean, one) for one in full if one.value.mean is not None]
    return min(able, key=lambda pair: pair[0])[1]


def as_good(runs: RateRuns, best: float, other: float) -> bool:
    """Return whether the seeds do not show that a rate is worse than the best by what matters."""
    one, two = runs.losses[best], runs.losses[other]
    both = [seed for seed in one if seed in two]
    if not all(math.isfinite(two[seed]) for seed in both):
        return False
    behind = estimate([two[seed] - one[seed] for seed in both])
    margin = MATTERS * abs(sum(one[seed] for seed in both) / len(both))
    least = behind.mean if behind.low is None else behind.low
    return least is not None and least < margin


def loss_at(choice: RateChoice, rate: float) -> float | None:
    """Return the mean loss at a rate, between those that were tried on a line over their
    logarithms; None outside of them and where a run has none."""
    known = [(math.log(one.rate), one.value.mean) for one in choice.tried]
    at = math.log(rate)
    for (x, y), (x2, y2) in pairwise(known):
        if x <= at <= x2 and y is not None and y2 is not None:
            return y + (y2 - y) * (at - x) / (x2 - x)
    return None


def steepest(test: RangeTest) -> float | None:
    """Return the rate at which the smoothed loss falls fastest over the rate's logarithm, without
    the first tenth and the last five batches, as fastai's `steep`; None of too few batches."""
    rates, losses = _read(test)
    slopes = [
        (losses[i + 1] - losses[i]) / (math.log(rates[i + 1]) - math.log(rates[i]))
        for i in range(len(rates) - 1)
    ]
    return rates[slopes.index(min(slopes))] if slopes else None


def lowest(test: RangeTest) -> float | None:
    """Return a tenth of the rate at which the smoothed loss is lowest, as fastai's `minimum`."""
    rates, losses = _read(test)
    return rates[losses.index(min(losses))] / 10 if rates else None


def _read(test: RangeTest) -> tuple[Sequence[float], Sequence[float]]:
    """Return rates and smoothed losses as fastai reads them, up to the first that is not finite."""
    rates, losses = test.rates[10:-5], test.smoothed[10:-5]
    count = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    return rates[:count], losses[:count]


def _tried(runs: RateRuns, rate: float) -> Tried:
    values = list(runs.losses[rate].values())
    lost = sum(not value < runs.untrained for value in values)
    return Tried(rate, estimate(values), lost)


def _end(runs: RateRuns, best: Tried, others: Sequence[Tried]) -> float:
    end = best.rate
    for one in others:
        if one.lost > best.lost or not as_good(runs, best.rate, one.rate):
            break
        end = one.rate
    return end
