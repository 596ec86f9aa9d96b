"""The verdict: which optimizer is best on this task, or which ones the study cannot tell apart.

Weighs the confirmed runs alone, by what the settings say decides: the validation loss or a metric,
at the end of training or at its best epoch. The rule is the one by which the search adds seeds,
`steepest.statistics.race`, which says why; this is its last look.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from steepest.measures.endings import never_changed
from steepest.records import Config, Outcome, Settings, Stage, Study, Trial
from steepest.spaces import Float, from_dict
from steepest.statistics import Estimate, Race, State, estimate, probabilities, race, reached

LARGE = 100.0  # an ε beside which the root of squared gradients is nothing
EDGE = 0.05  # the share of a range, at either end, that counts as its edge


@dataclass(frozen=True)
class Standing:
    """How one optimizer did on fresh seeds. Estimates are None-valued where a run was lost."""

    name: str
    config: Config | None  # None when no trial of the search reached the end
    state: State
    seeds: tuple[int, ...]  # those whose training came to an end
    diverged: int  # of the confirmed runs
    value: Estimate  # of what decides, in its own unit
    loss: Estimate  # validation loss at the end of training
    best_loss: Estimate  # and at the epoch where it was lowest
    metrics: Mapping[str, Estimate]  # of validation, at the end, or at the best epoch if it decides
    test: Mapping[str, Estimate]  # loss and metrics at the end; empty without test data
    probability: float  # of being the best
    # The difference to the leader over their common seeds, in the unit of what decides; positive
    # where it is worse. None for the leader, and where either diverged.
    behind: Estimate | None = None
    relative: Estimate | None = None  # the same as a share of the leader's, where that means much
    edges: tuple[str, ...] = ()  # hyperparameters whose best value lies at the end of its range
    first_metric: str | None = field(default=None, repr=False)  # that the model was compiled with
    failed: int = 0  # of the confirmed runs, in which the model raised an error

    @property
    def lost(self) -> int:
        """How many of the confirmed runs gave nothing to compare by: diverged or failed."""
        return self.diverged + self.failed

    @property
    def metric(self) -> Estimate | None:
        """The first metric the model was compiled with."""
        return self.metrics.get(self.first_metric) if self.first_metric else None

    @property
    def test_loss(self) -> Estimate | None:
        """The loss on test data."""
        return self.test.get("loss")

    @property
    def test_metric(self) -> Estimate | None:
        """The first metric on test data."""
        return self.test.get(self.first_metric) if self.first_metric else None


@dataclass(frozen=True)
class Verdict:
    """The best optimizer, or a tie.

    `leader` has the lowest mean loss, or the best mean of what decides; `winner` is the leader when
    it beats all others, else None. `tied_with` are those that the leader does not beat.
    """

    leader: str | None
    winner: str | None
    tied_with: tuple[str, ...]
    standings: Mapping[str, Standing]  # best first
    recommended: str | None = None  # the leader; in a tie, the best that is itself: see `_plain`


def judge(study: Study) -> Verdict:
    """Return the verdict on `study`, which may have stopped before its end."""
    done = {name: _done(study, name) for name in study.optimizers}
    scores = {name: [study.settings.score(t) for t in trials] for name, trials in done.items()}
    if study.finished:  # whoever has no confirmed run can no longer be the best
        scores = {name: values or [math.inf] for name, values in scores.items()}
    last = reached(scores)
    # Where nothing was looked at before, the whole level is there for this look.
    first = min(2, last) if study.settings.race else last
    found = race(scores, study.settings.practical, last, first)
    chances = probabilities(scores)
    every = [trial for trials in done.values() for trial in trials]
    still = bool(every) and all(never_changed(study, trial) for trial in every)  # nobody learnt
    standings = [
        _standing(study, name, trials, found, chances[name]) for name, trials in done.items()
    ]
    standings.sort(key=lambda s: _place(s, found))
    states = (State.OPEN, State.SAME)
    tied = tuple(s.name for s in standings if s.state in states and s.behind is not None)
    return Verdict(
        found.leader,
        found.winner if study.finished and not still else None,
        tied,
        {s.name: s for s in standings},
        _plain(study, standings, (found.leader, *tied)) or found.leader,
    )


def _plain(study: Study, standings: Sequence["Standing"], best: Sequence[str | None]) -> str | None:
    """Return the first of the best that is not SGD in another one's terms: SGD itself is shorter to
    write, and as good."""
    for one in standings:
        if one.name in best and one.config and not is_special_case(study, one.name, one.config):
            return one.name
    return None


def _done(study: Study, name: str) -> list[Trial]:
    """Return the confirmed trials that came to an end, up to the first seed that is missing."""
    trials = {
        t.config.seed: t for t in study.confirmed(name) if t.outcome is not Outcome.UNFINISHED
    }
    found = []
    for seed in sorted({t.config.seed for t in study.trials if t.stage is Stage.CONFIRM}):
        if seed not in trials:
            break
        found.append(trials[seed])
    return found


def _place(standing: Standing, found: Race) -> float:
    if standing.name == found.leader:
        return -math.inf
    behind = standing.behind
    return math.inf if behind is None or behind.mean is None else behind.mean


def _standing(
    study: Study, name: str, trials: Sequence[Trial], found: Race, probability: float
) -> Standing:
    settings = study.settings
    lost = any(trial.lost for trial in trials)
    confirmed = study.confirmed(name)
    config = confirmed[0].config if confirmed else None
    behind = found.behind.get(name)
    scale = found.scale.get(name, 0.0)
    complete = bool(trials) and not lost and all(trial.epochs for trial in trials)
    tests = [trial.test or {} for trial in trials] if complete else []
    names = study.task.metrics if complete else ()
    if not all(metric in trial.curves.metrics for trial in trials for metric in names):
        names = ()
    return Standing(
        name=name,
        config=config,
        state=found.states[name],
        seeds=tuple(trial.config.seed for trial in trials),
        diverged=sum(trial.outcome is Outcome.DIVERGED for trial in trials),
        value=estimate([settings.value(trial) for trial in trials]),
        loss=estimate([_loss(trial, lambda values: values[-1]) for trial in trials]),
        best_loss=estimate([_loss(trial, _lowest) for trial in trials]),
        metrics={
            metric: estimate([trial.watched(metric)[_epoch(settings, trial)] for trial in trials])
            for metric in names
        },
        test={
            each: estimate([test[each] for test in tests])
            for each in ("loss", *study.task.metrics)
            if tests and all(each in test for test in tests)
        },
        probability=probability,
        behind=behind,
        # A share of a loss that may be zero or negative means nothing, and 2 % of an accuracy of
        # 0.98 hides that the errors doubled.
        relative=behind / scale if behind and scale > 0 and not settings.maximize else None,
        edges=_edges(study, name, config) if config else (),
        first_metric=study.task.metrics[0] if study.task.metrics else None,
        failed=sum(trial.outcome is Outcome.FAILED for trial in trials),
    )


def _loss(trial: Trial, of: Callable[[Sequence[float]], float]) -> float:
    values = trial.curves.validation_loss
    return of(values) if values and not trial.lost else math.nan


def _lowest(values: Sequence[float]) -> float:
    return min(values, key=lambda value: math.inf if math.isnan(value) else value)


def _epoch(settings: Settings, trial: Trial) -> int:
    """Return the index of the evaluation that decides."""
    if settings.at == "end":
        return -1
    return trial.watched(settings.decides).index(settings.value(trial))


def is_special_case(study: Study, name: str, config: Config) -> bool:
    """Return whether an optimizer was shown what momentum SGD found, and that is its best.

    An ε so large that nothing else divides is in no range of ours.
    """
    asked, epsilon = study.optimizers[name], config.hyperparameters.get("epsilon", 0.0)
    ours = not asked.get("baseline") and "epsilon" not in asked.get("given", ())
    return ours and _real(epsilon) and float(epsilon) >= LARGE


def _edges(study: Study, name: str, config: Config) -> tuple[str, ...]:
    asked = study.optimizers[name]
    found: list[str] = []
    if is_special_case(study, name, config):
        return ()
    for key, data in {**asked["space"], **asked.get("expanded", {})}.items():
        space, value = from_dict(data), config.hyperparameters.get(key)
        if not isinstance(space, Float) or not _real(value):
            continue
        if key == "learning_rate" and asked.get("effective"):  # the range is that of η/(1 − μ)
            momentum = config.hyperparameters.get("momentum")
            if _real(momentum) and float(momentum) < 1:
                value = float(value) / (1 - float(momentum))
        if not EDGE <= space.position(float(value)) <= 1 - EDGE:
            # Below a momentum of 0 there is nothing to find, so that end is no edge.
            natural = space.low == 0 and float(value) < (space.low + space.high) / 2
            found += [] if natural else [key]
    return tuple(found)


def _real(value: object) -> TypeGuard[float]:
    """Return whether a file has a number where a number belongs."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def ahead_in_search(study: Study) -> Trial | None:
    """Return the best of the trials of the search that went furthest, or None without any."""
    score = study.settings.score
    able = [t for t in study.trials if t.stage is Stage.SEARCH and score(t) < math.inf]
    return min(able, key=lambda t: (-t.epochs, score(t), t.number), default=None)
