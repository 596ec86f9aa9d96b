"""The verdict: which optimizer is best on this task, or which ones the study cannot tell apart.

Weighs the confirmed runs alone, by their validation loss at the end of training. The leader has the
lowest mean. It wins when its paired differences to all others have intervals without zero; those
whose interval holds zero are tied with it. All pairs of optimizers count as comparisons, since the
leader was not known before: where all optimizers are the same, a winner is named in at most 5 % of
studies.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from steepest.measures.statistics import Estimate, estimate, paired
from steepest.records import Config, Outcome, Stage, Study, Trial
from steepest.spaces import Float, from_dict

ROUNDING = 1e-6  # relative; two losses in float32 that are closer are the same
EDGE = 0.05  # the share of a range, at either end, that counts as its edge


@dataclass(frozen=True)
class Standing:
    """How one optimizer did on fresh seeds.

    `behind` is the paired difference of its validation loss to the leader's; None for the leader,
    and where a confirmed run of either diverged.
    """

    name: str
    config: Config | None  # None when no trial of the search reached the end
    seeds: tuple[int, ...]
    diverged: int  # of the confirmed runs
    loss: Estimate
    metric: Estimate | None
    test_loss: Estimate | None
    test_metric: Estimate | None
    behind: Estimate | None
    edges: tuple[str, ...]  # hyperparameters whose best value lies at the end of its range


@dataclass(frozen=True)
class Verdict:
    """The best optimizer, or a tie.

    `leader` has the lowest mean loss; `winner` is the leader when it beats all others, else None.
    `tied_with` are those that the leader cannot be told apart from.
    """

    leader: str | None
    winner: str | None
    tied_with: tuple[str, ...]
    standings: Mapping[str, Standing]  # best first


def judge(study: Study) -> Verdict:
    """Return the verdict on `study`, which may have stopped before its end."""
    standings = {name: _standing(study, name) for name in study.optimizers}
    able = [s for s in standings.values() if s.loss.mean is not None]
    if not able:
        return Verdict(None, None, (), standings)
    leader = min(able, key=lambda s: s.loss.mean if s.loss.mean is not None else math.inf)
    comparisons = len(able) * (len(able) - 1) // 2
    tied = []
    for other in able:
        if other is leader:
            continue
        behind = paired(other.loss.values, leader.loss.values, comparisons)
        standings[other.name] = _with_behind(other, behind)
        # Runs that no seed changes have intervals of no width, so rounding must not decide.
        if behind.low is None or behind.low <= ROUNDING * abs(leader.loss.mean or 0.0):
            tied.append(other.name)
    order = sorted(
        standings.values(), key=lambda s: math.inf if s.loss.mean is None else s.loss.mean
    )
    alone = len(study.optimizers) == 1
    decided = study.finished and not tied and (alone or len(leader.seeds) > 1)
    winner = leader.name if decided else None
    return Verdict(leader.name, winner, tuple(tied), {s.name: s for s in order})


def _with_behind(s: Standing, behind: Estimate) -> Standing:
    return Standing(**{**s.__dict__, "behind": behind})


def _standing(study: Study, name: str) -> Standing:
    trials = study.confirmed(name)
    diverged = sum(trial.outcome is Outcome.DIVERGED for trial in trials)
    complete = bool(trials) and not diverged
    metric = study.task.metrics[0] if study.task.metrics else None

    def last(values: tuple[float, ...]) -> float:
        return values[-1] if values else math.nan

    tested = complete and all(trial.test is not None for trial in trials)
    config = trials[0].config if trials else None
    return Standing(
        name=name,
        config=config,
        seeds=tuple(trial.config.seed for trial in trials),
        diverged=diverged,
        loss=estimate([trial.score for trial in trials]),
        metric=estimate([last(trial.curves.metrics[metric]) for trial in trials])
        if metric and complete
        else None,
        test_loss=_tested(trials, "loss") if tested else None,
        test_metric=_tested(trials, metric) if metric and tested else None,
        behind=None,
        edges=_edges(study, name, config) if config else (),
    )


def _tested(trials: tuple[Trial, ...], name: str) -> Estimate:
    return estimate([trial.test[name] for trial in trials if trial.test is not None])


def _edges(study: Study, name: str, config: Config) -> tuple[str, ...]:
    found = []
    for key, data in study.optimizers[name]["space"].items():
        space, value = from_dict(data), config.hyperparameters.get(key, "")
        if isinstance(space, Float) and not EDGE <= space.position(float(value)) <= 1 - EDGE:
            # Below a momentum of 0 there is nothing to find, so that end is no edge.
            natural = space.low == 0 and float(value) < (space.low + space.high) / 2
            found += [] if natural else [key]
    return tuple(found)


def diverged_in_search(study: Study, name: str) -> tuple[int, int]:
    """Return how many of an optimizer's trials in the search diverged, and of how many."""
    mine = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    return sum(t.outcome is Outcome.DIVERGED for t in mine), len(mine)
