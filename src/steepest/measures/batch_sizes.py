"""Batch sizes: studies of one task that differ in the examples of a step, and how rates move.

A larger batch takes fewer steps through the same examples. So there are two comparisons: after the
same epochs, which every study trained and tuned for, and after the same steps, the fewest that any
of them takes, read from the same learning curves. With a schedule the second would compare runs
that are half over, so it is told without one alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.special import stdtrit

from steepest.measures.verdict import Standing, Verdict, judge
from steepest.records import Config, StudyRecord, Trial
from steepest.statistics import ALPHA, Estimate, estimate, moments


@dataclass(frozen=True)
class AtSize:
    """One optimizer at one batch size."""

    config: Config | None  # the one that was confirmed
    rate: float | None  # its learning rate; with momentum μ what it amounts to, η/(1 − μ)
    value: Estimate  # what decides, after the same epochs
    after_steps: Estimate | None  # and after the same steps; None with a schedule


@dataclass(frozen=True)
class BatchSizes:
    """What several batch sizes do to one task."""

    sizes: tuple[int, ...]  # examples a step, rising
    steps: int  # the fewest that a training takes, at the largest size
    studies: Mapping[int, StudyRecord]
    verdicts: Mapping[int, Verdict]
    seconds: Mapping[int, float]  # of a training, the median of the confirmed ones
    optimizers: Mapping[str, Mapping[int, AtSize]]
    # By optimizer, how many times the best rate a batch of twice the size wants: 2 to the slope of
    # log rate against log size. Its interval is Student's, of the line; none for two sizes.
    doubling: Mapping[str, Estimate]
    best: int | None  # the size whose recommended optimizer has the best mean
    # By size, how far its recommended optimizer is behind, in the unit of what decides; and as a
    # share of the best where that is a loss. Student's intervals over seeds, Welch's where one has
    # others, which hold all together with 95 % (Bonferroni's), as the best was picked of several.
    behind: Mapping[int, Estimate]
    relative: Mapping[int, Estimate]


def same_but_for_batch_size(studies: Sequence[StudyRecord]) -> bool:
    """Return whether studies are of one task and differ in their batch sizes, each in its own."""
    sizes = {study.task.batch_size for study in studies}
    asked = {
        (
            study.task.name,
            study.task.loss,
            study.task.parameters,
            study.task.training_examples,
            study.task.epochs,
            study.settings.decides,
            study.settings.maximize,
            study.settings.at,
        )
        for study in studies
    }
    return len(studies) > 1 and len(sizes) == len(studies) and len(asked) == 1


def batch_sizes(studies: Sequence[StudyRecord]) -> BatchSizes | None:
    """Return what batch sizes do, or None where studies differ in more, or in less."""
    if not same_but_for_batch_size(studies):
        return None
    by_size = {s.task.batch_size: s for s in sorted(studies, key=lambda s: s.task.batch_size)}
    verdicts = {size: judge(study) for size, study in by_size.items()}
    steps = min(study.task.steps for study in by_size.values())
    names = [n for n in studies[0].optimizers if all(n in one.optimizers for one in studies)]
    optimizers = {
        name: {size: _at(by_size[size], verdicts[size].standings[name], steps) for size in by_size}
        for name in names
    }
    leads = {size: _scores(by_size[size], verdicts[size]) for size in by_size}
    means = {size: np.mean([*one.values()]) for size, one in leads.items() if one}
    means = {size: mean for size, mean in means.items() if math.isfinite(mean)}
    best = min(means, key=lambda size: float(means[size])) if means else None
    behind = {} if best is None else _behind(leads, best)
    relative = {}
    if best is not None and means[best] > 0 and not studies[0].settings.maximize:
        relative = {size: one / float(means[best]) for size, one in behind.items()}
    return BatchSizes(
        tuple(by_size),
        steps,
        by_size,
        verdicts,
        {size: _seconds(study) for size, study in by_size.items()},
        optimizers,
        _doublings(studies[0], optimizers),
        best,
        behind,
        relative,
    )


def _at(study: StudyRecord, standing: Standing, steps: int) -> AtSize:
    config = standing.config
    rate = None if config is None else _amounts_to(config)
    trials = [t for t in study.confirmed(standing.name) if t.config.seed in standing.seeds]
    asked = study.optimizers[standing.name]
    schedules = {trial.config.schedule for trial in trials} or {asked.schedule}
    after = None
    if schedules == {"constant"} and study.settings.at == "end":
        after = estimate([_after(study, trial, steps) for trial in trials])
    return AtSize(config, rate, standing.value, after)


def _amounts_to(config: Config) -> float | None:
    """Return the rate that a configuration amounts to in the long run."""
    rate, momentum = (config.hyperparameters.get(key) for key in ("learning_rate", "momentum"))
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
        return None
    if isinstance(momentum, float) and 0 < momentum < 1:
        return rate / (1 - momentum)
    return float(rate)


def _after(study: StudyRecord, trial: Trial, steps: int) -> float:
    """Return what decides after so many steps, on a line between two evaluations."""
    values = trial.watched(study.settings.decides)
    if trial.lost or not values or trial.curves.step[-1] < steps:
        return math.inf
    if steps < trial.curves.step[0]:  # earlier than the first evaluation, which is of an epoch
        return math.inf
    return float(np.interp(steps, trial.curves.step, values))


def _scores(study: StudyRecord, verdict: Verdict) -> dict[int, float]:
    """Return the recommended optimizer's confirmed results by seed, lower is better."""
    if verdict.recommended is None:
        return {}
    seeds = verdict.standings[verdict.recommended].seeds
    trials = [t for t in study.confirmed(verdict.recommended) if t.config.seed in seeds]
    return {t.config.seed: study.settings.score(t) for t in trials}


def _behind(leads: Mapping[int, Mapping[int, float]], best: int) -> dict[int, Estimate]:
    found = {}
    for size, one in leads.items():
        both = [seed for seed in one if seed in leads[best]]
        if size == best or not one:
            continue
        if len(both) == len(one) == len(leads[best]):
            gaps = [one[seed] - leads[best][seed] for seed in both]
            found[size] = estimate(gaps, 1 - ALPHA / (len(leads) - 1))
        else:  # of those in common another may be ahead than of all, by which the best was chosen
            found[size] = _apart([*one.values()], [*leads[best].values()], len(leads) - 1)
    return found


def _apart(one: Sequence[float], best: Sequence[float], others: int) -> Estimate:
    """Return the difference of two means with Welch's interval."""
    (mine, spread), (its, other) = moments(one), moments(best)
    gap, parts = mine - its, (spread / len(one), other / len(best))
    if not math.isfinite(gap):
        return Estimate(None, None, None, ())
    if min(len(one), len(best)) < 2 or not sum(parts):
        return Estimate(gap, None, None, ())
    counts = (len(one) - 1, len(best) - 1)
    freedom = sum(parts) ** 2 / sum(p**2 / n for p, n in zip(parts, counts, strict=True))
    level = 1 - ALPHA / others / 2
    reach = float(stdtrit(freedom, level)) * math.sqrt(sum(parts))
    return Estimate(gap, gap - reach, gap + reach, ())


def _seconds(study: StudyRecord) -> float:
    whole = [t for name in study.optimizers for t in study.confirmed(name) if not t.lost]
    return median(trial.seconds for trial in whole) if whole else math.nan


def _doublings(
    study: StudyRecord, optimizers: Mapping[str, Mapping[int, AtSize]]
) -> dict[str, Estimate]:
    """Return how the best rate of each optimizer moves, of those whose rate is searched."""
    asked = study.optimizers
    given = {n for n in optimizers if asked[n].baseline or "learning_rate" in asked[n].fixed}
    found = {name: _doubling(at) for name, at in optimizers.items() if name not in given}
    return {name: one for name, one in found.items() if one is not None}


def _doubling(at: Mapping[int, AtSize]) -> Estimate | None:
    """Return by how much a doubled batch multiplies the best rate, from a line in logarithms."""
    known = {size: one.rate for size, one in at.items() if one.rate is not None}
    if len(known) < 2:
        return None
    x, y = (np.log2(np.array([*values], float)) for values in (known, known.values()))
    spread = float(np.sum((x - x.mean()) ** 2))
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / spread)
    if len(known) == 2:
        return Estimate(2**slope, None, None, ())
    rest = y - y.mean() - slope * (x - x.mean())
    freedom = len(known) - 2
    error = math.sqrt(float(np.sum(rest**2)) / freedom / spread)
    reach = float(stdtrit(freedom, 0.975)) * error
    low, high = (2.0 ** max(-1000.0, min(1000.0, end)) for end in (slope - reach, slope + reach))
    return Estimate(2**slope, low, high, ())
