"""Where the budget went: trials, epochs and seconds of each optimizer, by stage."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steepest.records import Outcome, Stage, StudyRecord, Trial


@dataclass(frozen=True)
class Spending:
    """What some trials took; `seconds` are of training and evaluation, compiling not counted."""

    trials: int
    epochs: int
    seconds: float
    outcomes: Mapping[Outcome, int]  # how many trials ended so; those that none did are not there


@dataclass(frozen=True)
class Spent:
    """Where the budget of a study went.

    Trials can train side by side, so their seconds together may be more than the study's. Then
    `overhead`, what is left of the study's time after compiling and all trials, says nothing and
    is 0; otherwise it is the least that reading data, the search's model and writing have taken.
    Where trials go through Keras' `fit`, compiling is in their own seconds.
    """

    optimizers: Mapping[str, Mapping[Stage, Spending]]  # in the order asked; stages that had trials
    total: Spending
    full_trainings: float  # all epochs, in trainings of the whole length
    seconds: float  # of wall time, all counted
    compile_seconds: float  # of them, by the clock
    overhead: float  # seconds, never below 0


def spent(study: StudyRecord) -> Spent:
    """Return where the budget of `study` went, which may have stopped before its end."""
    total = _spending(study.trials)
    return Spent(
        optimizers={
            name: {
                stage: _spending(mine)
                for stage in Stage
                if (mine := [t for t in study.trials if (t.optimizer, t.stage) == (name, stage)])
            }
            for name in study.optimizers
        },
        total=total,
        full_trainings=study.full_trainings,
        seconds=study.seconds,
        compile_seconds=study.compile_seconds,
        overhead=max(0.0, study.seconds - study.compile_seconds - total.seconds),
    )


def _spending(trials: Iterable[Trial]) -> Spending:
    trials = tuple(trials)
    return Spending(
        trials=len(trials),
        epochs=sum(trial.epochs for trial in trials),
        seconds=sum(trial.seconds for trial in trials),
        outcomes=dict(Counter(trial.outcome for trial in trials)),
    )
