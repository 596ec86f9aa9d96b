"""Convergence speed: how soon each optimizer reaches a target, and how low its curve runs.

The target is a value of what decides, on validation data. Unless a person gives it, it is what the
reference optimizer, tuned like all others, ends at: the median over its seeds, much as AlgoPerf
sets its targets (Dahl et al. 2023, "Benchmarking neural network training algorithms"). A run has
reached it at its first evaluation that is as good or better; evaluations are at the ends of epochs,
so no time is known more exactly than to an epoch.

Runs that never reach the target are censored at the end of training, not dropped. So are those that
diverged before: a diverged run would not have reached the target in any time, so it counts as one
that trained to the end in vain. To drop it, or to censor it when it diverged, would flatter:
Kaplan and Meier's estimate takes it that those who left early would have gone on like the rest. A
run that reached the target and diverged afterwards has reached it; the verdict counts against it.
All of that is so for runs that failed, too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from steepest.errors import InputError, nearest
from steepest.measures.kaplan_meier import median_time
from steepest.measures.verdict import Verdict
from steepest.records import Settings, StudyRecord, Trial
from steepest.statistics import Estimate, estimate


@dataclass(frozen=True)
class Target:
    """The value of what decides that is to be reached."""

    value: float
    reference: str | None  # whose seeds end at it, in the median; None where a person gave it


@dataclass(frozen=True)
class Times:
    """When seeds reached the target, in one unit; those that never did are censored at their end.

    Without a target there are no values.

    `median` is Kaplan and Meier's, None where it was not reached; `low` and `high` are its 95 %
    limits (Brookmeyer and Crowley 1982), None where there is no limit. `mean` is the restricted
    mean: of the time in training until the target or the end, whichever is first.
    """

    values: tuple[float, ...]  # a seed each: when it was reached, or the end of training
    reached: tuple[bool, ...]
    median: float | None
    low: float | None
    high: float | None
    mean: Estimate


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as the reference; above 1 is faster.

    Where seeds never reached the target it is a bound: "at least", "at most", or "unknown", and
    there is no interval. Its `values` are a common seed's ratio each, with the end of training for
    those that never reached it; the mean is None where it is unknown.
    """

    estimate: Estimate  # a geometric mean over common seeds
    bound: str  # "" where every seed of both reached the target


@dataclass(frozen=True)
class Speed:
    """One optimizer's."""

    steps: Times
    epochs: Times
    seconds: Times  # of training and evaluation
    area: Estimate  # the mean of what decides over the whole training, in its own unit
    ratio: Ratio | None  # in steps; None for the reference itself, and without one
    # The reference's median steps over its own, where both have a median; without an interval.
    medians: float | None = None


@dataclass(frozen=True)
class Speeds:
    """All optimizers' that have confirmed runs, best first as in the verdict."""

    target: Target | None  # None where the reference has no finite end
    optimizers: Mapping[str, Speed]
    reference: str | None = None  # whom ratios refer to; None where nobody has a whole training


def speeds(
    study: StudyRecord, verdict: Verdict, target: float | None = None, reference: str | None = None
) -> Speeds:
    """Return when each optimizer with confirmed runs reached the target, best first.

    Seconds are a trial's own, training and evaluation, compiling not counted. They are measured as
    a whole, so each epoch of a trial is taken to last as long as any other; those that a diverged
    trial would have needed to the end are at its own rate.

    `area` is the mean height of the learning curve: its integral over epochs, by the trapezoidal
    rule, from the first evaluation to the last, divided by their distance; None-valued if a seed
    diverged. What callbacks stopped keeps what it gave until the end. `ratio` is the geometric mean
    of the reference's steps over the optimizer's, seed by seed, with Student's interval on the
    logarithms. About half of the reference's own seeds never reach the median of where they end, so
    with that target it is often a bound; `medians`, the ratio of the two medians, then still is a
    number. With a target that all seeds reach, such as a person can give, both are.

    Args:
        study: it may have stopped before its end; trials without an outcome are left out.
        verdict: of this study.
        target: a value of what decides; by default what the reference ends at, in the median over
            its seeds, where a diverged seed is worse than any other.
        reference: an optimizer of this study; by default the baseline, else SGD, else the first one
            asked for, of those with such a median.

    Raises:
        InputError: a target that is no finite number, or a reference that did not take part.
    """
    if reference is not None and reference not in study.optimizers:
        raise InputError(
            f"the reference is {reference!r}, but must be an optimizer of this study; "
            f"{nearest(reference, study.optimizers)}"
        )
    if target is not None and not (_is_number(target) and math.isfinite(target)):
        raise InputError(f"the target is {target!r}, but must be a finite number, such as 0.1")
    runs = {
        name: [t for t in study.confirmed(name) if t.config.seed in standing.seeds]
        for name, standing in verdict.standings.items()
        if standing.seeds
    }
    ends = {name: _end(study.settings, trials) for name, trials in runs.items()}
    if reference is None:
        able = (name for name in _references(study) if ends.get(name) is not None)
        reference = next(able, None)
    end = None if reference is None else ends.get(reference)
    found = None if end is None else Target(end, reference)
    if target is not None:
        found = Target(float(target), None)
    at = {
        name: {t.config.seed: _reached(study.settings, t, found) for t in trials}
        for name, trials in runs.items()
    }
    steps = {name: _times(study, runs[name], found, at[name], _steps) for name in runs}
    ratios: dict[str, Ratio | None] = {}
    if found is not None and reference is not None and reference in runs:
        theirs = _by_seed(runs[reference], steps[reference])
        others = {name: trials for name, trials in runs.items() if name != reference}
        ratios = {n: _ratio(theirs, _by_seed(trials, steps[n])) for n, trials in others.items()}
    measured = {
        name: Speed(
            steps[name],
            _times(study, trials, found, at[name], _epochs),
            _times(study, trials, found, at[name], _seconds),
            estimate([_area(study, trial) for trial in trials]),
            ratios.get(name),
            _medians(steps, name, reference),
        )
        for name, trials in runs.items()
    }
    return Speeds(found, measured, reference if reference in runs else None)


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def _references(study: StudyRecord) -> list[str]:
    """Return the optimizers in the order in which they would be the reference."""
    asked = study.optimizers
    baselines = [name for name in asked if asked[name].baseline]
    plain = [name for name in asked if name == "SGD"]
    return [*baselines, *plain, *(n for n in asked if asked[n].rule == "SGD"), *asked]


def _end(settings: Settings, trials: Sequence[Trial]) -> float | None:
    """Return the median of what decides, where a diverged run is worse than any other."""
    middle = median(settings.score(trial) for trial in trials)
    if not math.isfinite(middle):
        return None
    return -middle if settings.maximize else middle


def _reached(settings: Settings, trial: Trial, target: Target | None) -> int | None:
    """Return the index of the first evaluation as good as the target, or None."""
    sign = -1.0 if settings.maximize else 1.0
    if target is None:
        return None
    for i, value in enumerate(trial.watched(settings.decides)):
        if math.isfinite(value) and sign * value <= sign * target.value:
            return i
    return None


Unit = Callable[
    [StudyRecord, Trial, int | None], float
]  # of an evaluation, or of the whole training


def _steps(study: StudyRecord, trial: Trial, at: int | None) -> float:
    return float(study.task.steps if at is None else trial.curves.step[at])


def _epochs(study: StudyRecord, trial: Trial, at: int | None) -> float:
    return float(study.task.epochs if at is None else trial.curves.epoch[at])


def _seconds(study: StudyRecord, trial: Trial, at: int | None) -> float:
    return trial.seconds / max(1, trial.epochs) * _epochs(study, trial, at)


def _times(
    study: StudyRecord,
    trials: Sequence[Trial],
    target: Target | None,
    at: Mapping[int, int | None],
    unit: Unit,
) -> Times:
    if target is None:
        return Times((), (), None, None, None, estimate(()))
    found = [at[trial.config.seed] for trial in trials]
    values = tuple(unit(study, trial, i) for trial, i in zip(trials, found, strict=True))
    reached = tuple(i is not None for i in found)
    middle = median_time(values, reached)
    mean = estimate(values).clipped(0.0, max(unit(study, trial, None) for trial in trials))
    return Times(values, reached, middle.median, middle.low, middle.high, mean)


def _area(study: StudyRecord, trial: Trial) -> float:
    """Return the mean height of the curve of what decides; NaN if it was lost or has a gap."""
    settings, whole = study.settings, study.task.epochs
    values, epochs = trial.watched(settings.decides), trial.curves.epoch
    if trial.lost or not values or not all(map(math.isfinite, values)):
        return math.nan
    rest = whole - epochs[-1] if trial.stopped_early(whole) else 0
    if epochs[-1] - epochs[0] + rest == 0:
        return values[0]
    area = float(np.trapezoid(values, epochs)) + rest * settings.value(trial)
    return area / (epochs[-1] - epochs[0] + rest)


def _by_seed(trials: Sequence[Trial], times: Times) -> dict[int, tuple[float, bool]]:
    pairs = zip(times.values, times.reached, strict=True)
    return {trial.config.seed: pair for trial, pair in zip(trials, pairs, strict=True)}


def _medians(steps: Mapping[str, Times], name: str, reference: str | None) -> float | None:
    """Return the reference's median over that of another one."""
    if reference is None or reference not in steps or name == reference:
        return None
    theirs, own = steps[reference].median, steps[name].median
    return theirs / own if theirs is not None and own else None


def _ratio(
    reference: Mapping[int, tuple[float, bool]], own: Mapping[int, tuple[float, bool]]
) -> Ratio | None:
    """Return how many times as fast, over the seeds of both; None without one."""
    common = [seed for seed in own if seed in reference and own[seed][0] > 0]
    if not common:
        return None
    never = not all(own[seed][1] for seed in common)
    reference_never = not all(reference[seed][1] for seed in common)
    ratios = tuple(reference[seed][0] / own[seed][0] for seed in common)
    logs = estimate([math.log(ratio) if ratio > 0 else math.nan for ratio in ratios])
    mean, low, high = (
        None if end is None else math.exp(end) for end in (logs.mean, logs.low, logs.high)
    )
    if never and reference_never:
        return Ratio(Estimate(None, None, None, ratios), "unknown")
    if never or reference_never:
        return Ratio(Estimate(mean, None, None, ratios), "at most" if never else "at least")
    return Ratio(Estimate(mean, low, high, ratios), "")
