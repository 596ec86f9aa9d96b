"""The verdict: which optimizer is best on this task, or which ones the study cannot tell apart.

Weighs the confirmed runs alone, by what the settings say decides: the validation loss or a metric,
at the end of training or at its best epoch. The rule is the one by which the search adds seeds,
`steepest.statistics.race`, which says why; this is its last look.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from steepest.measures.edges import edges_of, in_other_words
from steepest.measures.examples import elsewhere
from steepest.measures.outcomes import blew_up, never_changed
from steepest.records import Config, Outcome, Settings, Stage, StudyRecord, Trial
from steepest.statistics import Estimate, Race, State, estimate, probabilities, race, reached


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
    # The same distances for other examples than those of validation, which all seeds share.
    elsewhere: Estimate | None = None
    relative_elsewhere: Estimate | None = None
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


class Status(Enum):
    """What a verdict says, in the words that people read."""

    WINNER = "winner"  # one beats all others, by as much as matters
    EQUAL = "as good as each other"  # proved: the leader and some others, and nothing is open
    OPEN = "not decided yet"
    NONE = "no verdict"  # nothing to compare


@dataclass(frozen=True)
class Verdict:
    """The best optimizer, those that are as good, and those of which it is not known yet.

    `leader` has the lowest mean loss, or the best mean of what decides; `winner` is the leader when
    it beats all others, else None. `equal` are proved to differ from the leader by less than what
    matters; `open` cannot be told from it yet.
    """

    leader: str | None
    winner: str | None
    standings: Mapping[str, Standing]  # best first
    recommended: str | None = None  # the leader, or today's where it is as good
    equal: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def tied_with(self) -> tuple[str, ...]:
        """Those that the leader does not beat, whether that is proved or not, best first."""
        return tuple(name for name in self.standings if name in (*self.equal, *self.open))

    @property
    def status(self) -> Status:
        """What is known."""
        if self.leader is None:
            return Status.NONE
        if self.winner is not None:
            return Status.WINNER
        return Status.EQUAL if self.equal and not self.open else Status.OPEN


def judge(study: StudyRecord) -> Verdict:
    """Return the verdict on `study`, which may have stopped before its end.

    One that its limit of time ended is judged by the seeds that all have in common who were in
    training. It may name a winner if its search had come to its end; one that still runs, was
    killed, or was cut in its search names none, as not all were tuned on equal terms.
    """
    done = {name: _done(study, name) for name in study.optimizers}
    if not study.finished or study.stopped:
        done = _in_common(study, done)
    scores = {name: [study.settings.score(t) for t in trials] for name, trials in done.items()}
    if study.finished:  # whoever has no confirmed run can no longer be the best
        scores = {name: values or [math.inf] for name, values in scores.items()}
    # What is SGD in other words wins no ranking: SGD itself takes part.
    scores = {n: v for n, v in scores.items() if not in_other_words(study, n)} or scores
    found = _judged(study, scores)
    chances = probabilities(scores)
    every = [trial for trials in done.values() for trial in trials]
    still = bool(every) and all(never_changed(study, trial) for trial in every)  # nobody learnt
    best = done.get(found.leader or "", [])
    blown = bool(best) and all(blew_up(study, trial) is not None for trial in best)
    standings = [
        _standing(study, name, trials, found, chances.get(name, 0.0))
        for name, trials in done.items()
    ]
    standings.sort(key=lambda s: _place(s, found))

    def those(state: State) -> tuple[str, ...]:
        return tuple(s.name for s in standings if s.state is state and s.behind is not None)

    equal, undecided = those(State.SAME), those(State.OPEN)
    return Verdict(
        found.leader,
        found.winner if study.finished and not still and not blown else None,
        {s.name: s for s in standings},
        _recommended(study, found.leader, equal),
        equal,
        undecided,
    )


def _recommended(study: StudyRecord, leader: str | None, equal: Sequence[str]) -> str | None:
    """Return the leader, or what the person uses today where it is proved to be as good."""
    mine = next((name for name, one in study.optimizers.items() if one.baseline), None)
    return mine if study.finished and mine in equal else leader


def _judged(study: StudyRecord, scores: Mapping[str, Sequence[float]]) -> Race:
    """Return the race at its end: by the plan's last look, or by what a budget or time bought.

    These do not know who is ahead, so what they bought is a last look, with the whole level.
    """
    settings, last = study.settings, reached(scores)
    if not settings.race:  # nothing was looked at before
        return race(scores, settings.margin, last, first=last, alike=study.configured())
    alike = study.configured()
    most = max(settings.seeds, last)
    found = race(scores, settings.margin, most, judged=study.judged, alike=alike)
    if found.more and (study.finished or study.stopped):
        found = race(scores, settings.margin, last, judged=study.judged, alike=alike)
    return found


def _done(study: StudyRecord, name: str) -> list[Trial]:
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


def _in_common(study: StudyRecord, done: Mapping[str, list[Trial]]) -> dict[str, list[Trial]]:
    """Return the trials that can be compared where training was cut short within a round of seeds.

    In a round are those who have a trial of its seed, trained or not; those who were left out of it
    were settled before. Nobody gains by having been trained first.
    """
    rounds = [t for t in study.trials if t.stage is Stage.CONFIRM]
    newest = max((t.config.seed for t in rounds), default=None)
    current = {t.optimizer for t in rounds if t.config.seed == newest}
    common = min((len(done[name]) for name in current), default=0)
    return {name: some[:common] if name in current else some for name, some in done.items()}


def _place(standing: Standing, found: Race) -> float:
    if standing.name == found.leader:
        return -math.inf
    behind = standing.behind
    return math.inf if behind is None or behind.mean is None else behind.mean


def _standing(
    study: StudyRecord, name: str, trials: Sequence[Trial], found: Race, probability: float
) -> Standing:
    settings = study.settings
    lost = any(trial.lost for trial in trials)
    confirmed = study.confirmed(name)
    config = confirmed[0].config if confirmed else None
    ahead = ahead_in_search(study, name) if study.finished or study.stopped else None
    best = config or (ahead.config if ahead else None)  # if nobody had the time to confirm it
    behind = found.behind.get(name)
    scale = found.scale.get(name, 0.0)
    share = behind is not None and scale > 0 and not settings.maximize
    other = behind and elsewhere(study, found.leader or "", name, behind)
    complete = bool(trials) and not lost and all(trial.epochs for trial in trials)
    tests = [trial.test or {} for trial in trials] if complete else []
    names = study.task.metrics if complete else ()
    if not all(metric in trial.curves.metrics for trial in trials for metric in names):
        names = ()
    return Standing(
        name=name,
        config=config,
        state=found.states.get(name, State.BEHIND),
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
        relative=behind / scale if behind and share else None,
        elsewhere=other,
        relative_elsewhere=other / scale if other and share else None,
        edges=edges_of(study, name, best) if best else (),
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
    return settings.place(trial)


def ahead_in_search(study: StudyRecord, name: str | None = None) -> Trial | None:
    """Return the best of the trials of the search that went furthest, of all or of one optimizer;
    None without any."""
    score = study.settings.score
    mine = [t for t in study.trials if t.stage is Stage.SEARCH and name in (None, t.optimizer)]
    able = [t for t in mine if score(t) < math.inf]
    whole = study.task.epochs  # as far as what callbacks stopped has come

    def order(trial: Trial) -> tuple[float, ...]:
        length = whole if trial.stopped_early(whole) else trial.epochs
        return (-length, score(trial), trial.number)

    return min(able, key=order, default=None)
