"""Task compatibility: how optimizers do over several tasks.

Everything is computed on each task by itself first, from the confirmed runs of the optimizers that
all studies have, and then averaged over tasks, so that each task counts as much. The intervals of
the averages are Student's over tasks: they say how much the tasks disagree, as if the tasks were
drawn from all that there could be. Tasks that somebody chose are not. Where all tasks agree, there
is no interval, as a few equal ranks do not make the next one certain.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from steepest.measures.common_optimizers import in_common, labels
from steepest.measures.profiles import Profile as Profile
from steepest.measures.profiles import profile
from steepest.measures.ranks import chance, ranks
from steepest.measures.speed import Speeds, Target, speeds
from steepest.measures.verdict import Verdict, judge
from steepest.records import Settings, StudyRecord
from steepest.statistics import ROUNDING, Estimate, State, estimate


@dataclass(frozen=True)
class OnTask:
    """One optimizer on one task."""

    value: Estimate  # of what decides
    rank: float | None  # 1 is best; those that a study cannot tell apart share their mean rank
    normalized: Estimate | None  # 0 is the best of the task, 1 the worst; see `compatibility`
    steps: float | None  # to the task's target; infinite if never reached


@dataclass(frozen=True)
class AboutTask:
    """What one task's study says by itself, of the optimizers in common."""

    settings: Settings  # what decides there
    target: Target | None  # that `OnTask.steps` lead to
    best: tuple[str, ...]  # the leader and those tied with it; empty where nobody was confirmed
    winner: str | None
    judged: bool  # whether it counts: every optimizer was confirmed there, or failed for good
    seeds: int  # the most that an optimizer was confirmed on
    finished: bool


@dataclass(frozen=True)
class Compatibility:
    """Over tasks that have the same optimizers."""

    tasks: tuple[str, ...]
    optimizers: Mapping[str, Mapping[str, OnTask]]  # optimizer → task, best mean rank first
    ranks: Mapping[str, Estimate]  # mean over tasks
    normalized: Mapping[str, Estimate]
    profile: Profile | None  # by steps to the target
    friedman: float | None = None  # how often chance alone makes mean ranks differ as much; 0 to 1
    about: Mapping[str, AboutTask] = field(default_factory=dict)  # a task each
    left_out: tuple[str, ...] = ()  # optimizers that not all studies have


def compatibility(studies: Sequence[StudyRecord]) -> Compatibility:
    """Return how the optimizers that all studies have in common do over their tasks.

    **Ranks** on a task are 1 + the number of optimizers that are established to be better + half
    the number of those that cannot be told from it; see `ranks`.

    **Normalized scores.** (value − best) / (worst − best) of what decides, where best and worst
    are the optimizers' means on that task: 0 for the best, 1 for the worst; each seed gives one, so
    there is an interval, in which best and worst count as known. Who diverged has 1; where all
    means are equal, all have 0. The measure looks at distances, which ranks do not, and depends on
    who else takes part.

    **Profiles** are of the steps until what decides reaches the task's target, which is what the
    reference optimizer ends at in the median (see `speeds`); of each optimizer the median over
    seeds counts, a seed that never reached it as infinite (AlgoPerf's way, Dahl et al. 2023). A
    task without a target is left out there.

    **Friedman's test** (1937) of the hypothesis that optimizers do not differ over tasks, on these
    ranks, by permutation within tasks, which is exact for few of them; from three optimizers and
    three tasks on; see `chance`.

    A task of an unfinished study counts if all optimizers in common were confirmed.

    Raises:
        InputError: fewer than two studies, one study twice, fewer than two optimizers in common, or
            one name for different optimizers.
    """
    shared, left_out = in_common(studies)
    tasks = labels(studies)
    rows: dict[str, dict[str, OnTask]] = {name: {} for name in shared}
    about: dict[str, AboutTask] = {}
    for task, study in zip(tasks, studies, strict=True):
        only = _only(study, shared)
        verdict = judge(only)
        known = speeds(only, verdict)
        about[task] = _about(only, verdict, known)
        counts = about[task].judged
        places = ranks(only.settings, verdict) if counts else {}
        normalized = _normalized(only.settings, verdict) if counts else {}
        for name in shared:
            value = verdict.standings[name].value
            steps = _steps(known, name) if counts else None
            rows[name][task] = OnTask(value, places.get(name), normalized.get(name), steps)
    last = float(len(shared))
    mean_ranks = {
        n: _over([o.rank for o in rows[n].values() if o.rank]).clipped(1.0, last) for n in shared
    }
    scores = {name: _over(_means(rows[name])).clipped(0.0, 1.0) for name in shared}
    names = sorted(shared, key=lambda n: (_or_last(mean_ranks[n]), _or_last(scores[n])))
    costs = {
        name: {task: o.steps for task, o in rows[name].items() if o.steps is not None}
        for name in names
    }
    return Compatibility(
        tasks,
        {name: rows[name] for name in names},
        {name: mean_ranks[name] for name in names},
        {name: scores[name] for name in names},
        profile(costs),
        chance([mean_ranks[name].values for name in names]),
        about,
        left_out,
    )


def _only(study: StudyRecord, names: Sequence[str]) -> StudyRecord:
    """Return the study as if no other optimizers had taken part."""
    return replace(
        study,
        optimizers={name: study.optimizers[name] for name in names},
        trials=tuple(trial for trial in study.trials if trial.optimizer in names),
    )


def _about(study: StudyRecord, verdict: Verdict, known: Speeds) -> AboutTask:
    standings = verdict.standings.values()
    best = () if verdict.leader is None else (verdict.leader, *verdict.tied_with)
    return AboutTask(
        study.settings,
        known.target,
        best,
        verdict.winner,
        study.finished or all(standing.seeds for standing in standings),
        max(len(standing.seeds) for standing in standings),
        study.finished,
    )


def _normalized(settings: Settings, verdict: Verdict) -> dict[str, Estimate]:
    able = {
        name: standing.value
        for name, standing in verdict.standings.items()
        if standing.value.mean is not None and standing.state is not State.DIVERGED
    }
    means = [value.mean for value in able.values() if value.mean is not None]
    worst, best = (f(means, default=0.0) for f in ((min, max) if settings.maximize else (max, min)))
    if math.isclose(best, worst, rel_tol=ROUNDING):
        return {
            name: estimate([0.0] * len(able[name].values) if name in able else [1.0])
            for name in verdict.standings
        }
    return {
        name: _to_zero(estimate([(v - best) / (worst - best) for v in able[name].values]))
        if name in able
        else estimate([1.0])
        for name in verdict.standings
    }


def _to_zero(value: Estimate) -> Estimate:
    """Return the best's own place, which is off by rounding, at 0."""
    return replace(value, mean=0.0) if abs(value.mean or 0.0) < ROUNDING else value


def _steps(known: Speeds, name: str) -> float | None:
    """Return the median over seeds of the steps to the target, a seed that missed it infinite."""
    if known.target is None:
        return None
    if name not in known.optimizers:
        return math.inf
    times = known.optimizers[name].steps
    seeds = [
        value if reached else math.inf
        for value, reached in zip(times.values, times.reached, strict=True)
    ]
    return median(seeds) if seeds else math.inf


def _over(values: Sequence[float]) -> Estimate:
    """Return the mean over tasks; equal values say nothing of how much tasks differ."""
    found = estimate(values)
    agree = max(values, default=0.0) - min(values, default=0.0) <= ROUNDING
    return replace(found, low=None, high=None) if agree else found


def _means(row: Mapping[str, OnTask]) -> list[float]:
    found = [one.normalized.mean for one in row.values() if one.normalized is not None]
    return [mean for mean in found if mean is not None]


def _or_last(value: Estimate) -> float:
    return math.inf if value.mean is None else value.mean
