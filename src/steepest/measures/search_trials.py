"""The trials of an optimizer's search, and their results at one length."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from steepest.measures.edges import is_special_case
from steepest.records import Outcome, Settings, Stage, StudyRecord, Trial
from steepest.spaces import Choice, Float, Space, Value, from_dict

FEWEST = 5  # trials that a common length must have, if any length has as many


@dataclass(frozen=True)
class Point:
    """A trial at one length: the value of a hyperparameter and what decides, in its own unit.

    `result` is infinite (minus infinity where larger is better) where it was lost. A metric that
    was not a finite number counts as diverged.
    """

    value: float
    result: float
    diverged: bool
    seed: int
    stage: Stage
    trial: int


def worst(settings: Settings) -> float:
    """Return the result of what was lost: infinite, or minus infinity where larger is better."""
    return -math.inf if settings.maximize else math.inf


def result_at(settings: Settings, trial: Trial, epochs: int) -> float:
    """Return what decides as if the trial had ended after `epochs`: in its own unit, NaN where it
    was not trained that long.

    A trial that diverged or failed later has the finite value that it had then; one that callbacks
    stopped before has what it ended with.
    """
    if trial.lost and trial.epochs <= epochs:
        return worst(settings)
    values = trial.watched(settings.decides)[:epochs]
    if not values or (len(values) < epochs and not trial.stopped_early(epochs)):
        return math.nan
    then = replace(trial, outcome=Outcome.UNFINISHED, curves=trial.curves.upto(epochs))
    found = settings.value(then)
    return found if math.isfinite(found) else worst(settings)


def searched(study: StudyRecord, name: str) -> list[Trial]:
    """Return an optimizer's trials of the search, the oldest first.

    Those that were another optimizer in this one's terms are left out: an ε or a learning rate that
    is in no range of ours says nothing of the ranges.
    """
    trials = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    own = [t for t in trials if not is_special_case(study, name, t.config)]
    return sorted(own, key=lambda t: t.number)


def at_length(
    study: StudyRecord, trials: Sequence[Trial], epochs: int
) -> list[tuple[Trial, float]]:
    """Return those of `trials` that have a result after so many epochs, with it.

    Where each rung has a schedule of its own, they are those whose schedule ended there.
    """
    settings = study.settings
    if settings.own_horizon:
        trials = [t for t in trials if horizon(study, t) == epochs]
    found = [(trial, result_at(settings, trial, epochs)) for trial in trials]
    return [(trial, result) for trial, result in found if not math.isnan(result)]


def horizon(study: StudyRecord, trial: Trial) -> int:
    """Return the epochs that a trial of the search was meant to be trained, with its schedule."""
    early = trial.stopped_early(study.task.epochs)
    if early and not _own_schedule(study, trial):
        return study.task.epochs
    if not trial.lost and not early:
        return trial.epochs
    values = trial.config.hyperparameters
    if not _own_schedule(study, trial):
        return next((r for r in study.settings.rungs if r >= trial.epochs), trial.epochs)
    if "decay_steps" not in values:
        return study.task.epochs
    return round(float(values["decay_steps"]) / study.task.steps_per_epoch)


def setting(study: StudyRecord, trial: Trial) -> dict[str, Value]:
    """Return a trial's hyperparameters, but for the length of the schedule where it is the rung's.

    Those that went on have the same at each rung.
    """
    values = dict(trial.config.hyperparameters)
    if _own_schedule(study, trial):
        values.pop("decay_steps", None)
    return values


def _own_schedule(study: StudyRecord, trial: Trial) -> bool:
    """Return whether the length of a schedule is neither given nor searched."""
    asked = study.optimizers[trial.optimizer]
    return "decay_steps" not in asked.space and "decay_steps" not in asked.fixed


def common_length(study: StudyRecord, trials: Sequence[Trial]) -> int:
    """Return the longest length, in epochs, at which half of `trials`, and five, have a finite
    result; if there is none, the longest of those with most. 0 without trials.

    Trials that diverged or failed are not counted here, as else they and the few survivors would
    make up a half of the longest length.
    """
    if not trials:
        return 0
    whole = study.task.epochs  # which what callbacks stopped stands for
    ends = {whole if t.stopped_early(whole) else t.epochs for t in trials if not t.lost}
    lengths = sorted(epochs for epochs in {*ends, *study.settings.rungs} if epochs > 0)
    counts = {
        epochs: sum(math.isfinite(result) for _, result in at_length(study, trials, epochs))
        for epochs in lengths
    }
    enough = [e for e, count in counts.items() if count >= max(FEWEST, len(trials) / 2)]
    most = max(counts.values(), default=0)
    if not most:
        return lengths[0] if lengths else 0
    return max(enough or [e for e, count in counts.items() if count == most])


def spaces(study: StudyRecord, name: str) -> dict[str, Space]:
    """Return an optimizer's ranges, as far as they grew in the search."""
    asked = study.optimizers[name]
    return {key: from_dict(data) for key, data in asked.ranges.items()}


def tried(
    study: StudyRecord, name: str, trials: Sequence[Trial], epochs: int
) -> dict[str, tuple[Point, ...]]:
    """Return each searched number against the result after `epochs`, in order of the number.

    Ranges of numbers, and choices between numbers.
    """
    results = at_length(study, trials, epochs)
    return {
        key: points(study, results, key)
        for key, space in spaces(study, name).items()
        if _of_numbers(space)
    }


def points(
    study: StudyRecord, results: Sequence[tuple[Trial, float]], hyperparameter: str
) -> tuple[Point, ...]:
    """Return trials and their results in order of a hyperparameter; without those that lack it."""
    found = []
    for trial, result in results:
        value = number(trial, hyperparameter)
        if value is not None:
            diverged = not math.isfinite(result)
            shown = worst(study.settings) if diverged else result
            seed = trial.config.seed
            found.append(Point(value, shown, diverged, seed, trial.stage, trial.number))
    return tuple(sorted(found, key=lambda point: (point.value, point.trial)))


def number(trial: Trial, hyperparameter: str) -> float | None:
    """Return a finite number that is a hyperparameter's value, or None."""
    value = trial.config.hyperparameters.get(hyperparameter)
    if not _is_number(value) or not math.isfinite(float(value or 0)):
        return None
    return float(value or 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_numbers(space: Space) -> bool:
    return isinstance(space, Float) or (
        isinstance(space, Choice) and all(_is_number(value) for value in space.values)
    )
