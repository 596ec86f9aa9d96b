"""The framework's defaults beside the best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steepest.errors import InputError
from steepest.measures.search_trials import at_length, setting
from steepest.records import Config, ContestantRecord, Outcome, Stage, StudyRecord, Trial
from steepest.rules import find_rule
from steepest.spaces import Value
from steepest.statistics import Estimate, estimate


@dataclass(frozen=True)
class Default:
    """The framework's defaults beside the best, at the same length."""

    config: Config
    epochs: int
    result: Estimate  # of what decides; over seeds if trained in full, else of the one trial
    diverged: int
    best: Estimate  # what the best got at that length
    worse: Estimate | None  # the difference, paired by seed; positive where defaults are worse
    failed: int = 0  # of its runs, in which the model raised an error


def default(study: StudyRecord, name: str) -> Default | None:
    """Return how the framework's defaults do beside the best configuration, in its own unit.

    Trained in full on fresh seeds, they are compared with the confirmed runs on the same seeds.
    Without such trials, with the best trial of the search, perhaps themselves, at the longest
    length that they and another one reached: one run each from the same seed, so without intervals,
    and the best of many is a lucky one too. `worse` is None where a run was lost.

    Defaults that were trained as a contestant's, as a baseline or as what is best, were not trained
    twice: then they are that contestant's runs.

    None for an optimizer of which nothing was searched, or whose defaults were not trained.
    """
    asked = study.optimizers[name]
    if not asked.space:
        return None
    full = [t for t in study.trials if t.optimizer == name and t.stage is Stage.DEFAULT]
    if not full:
        full = [t for t in study.trials if t.stage is Stage.CONFIRM and _is_usual(study, name, t)]
    full = [t for t in full if t.outcome is Outcome.FINISHED or t.lost]
    full.sort(key=lambda t: t.config.seed)
    return _in_full(study, name, full) if full else _in_search(study, name)


def _usual(asked: ContestantRecord) -> dict[str, Value]:
    """Return the framework's defaults with what was fixed; nothing of a rule unknown here."""
    try:
        return {**find_rule(asked.rule).settings(asked.dialect), **asked.fixed}
    except InputError:  # a rule of one's own, in a file from elsewhere
        return {}


def _is_usual(study: StudyRecord, name: str, trial: Trial) -> bool:
    """Return whether a trial, of whatever contestant, is the framework's defaults of this one."""
    one, asked = trial.config, study.optimizers[name]
    alike = (one.rule, one.dialect, one.schedule) == (asked.rule, asked.dialect, asked.schedule)
    return alike and setting(study, trial) == _usual(asked)


def _in_full(study: StudyRecord, name: str, full: Sequence[Trial]) -> Default:
    value = study.settings.value
    confirmed = {
        t.config.seed: value(t)
        for t in study.confirmed(name)
        if t.outcome is not Outcome.UNFINISHED
    }
    both = [(value(t), confirmed[t.config.seed]) for t in full if t.config.seed in confirmed]
    return Default(
        full[0].config,
        study.task.epochs,
        estimate([value(t) for t in full]),
        sum(t.outcome is Outcome.DIVERGED for t in full),
        estimate([best for _, best in both]),
        _worse(study, both),
        sum(t.outcome is Outcome.FAILED for t in full),
    )


def _in_search(study: StudyRecord, name: str) -> Default | None:
    settings = study.settings
    trials = sorted(
        (t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH),
        key=lambda t: t.number,
    )
    if settings.search:  # it began with a list, which may not have the defaults
        mine = {t.number for t in trials if _is_usual(study, name, t)}
    else:  # before format 7 they were first; with schedules of a rung's length anew at each
        mine = {t.number for t in trials if setting(study, t) == setting(study, trials[0])}
    lengths = sorted({*settings.rungs, *(t.epochs for t in trials)} - {0}, reverse=True)
    found = {epochs: at_length(study, trials, epochs) for epochs in lengths}
    able = [e for e, some in found.items() if any(t.number in mine for t, _ in some)]
    beside = [
        epochs
        for epochs in able
        if any(t.number not in mine and math.isfinite(result) for t, result in found[epochs])
    ]
    if not able:
        return None
    epochs = (beside or able)[0]
    results = found[epochs]
    trial, result = next((t, r) for t, r in results if t.number in mine)
    sign = -1.0 if settings.maximize else 1.0
    best = sign * min((sign * r for _, r in results if math.isfinite(r)), default=math.nan)
    return Default(
        trial.config,
        epochs,
        estimate([result]),
        int(not math.isfinite(result) and trial.outcome is not Outcome.FAILED),
        estimate([best]),
        _worse(study, [(result, best)]),
        int(not math.isfinite(result) and trial.outcome is Outcome.FAILED),
    )


def _worse(study: StudyRecord, both: Sequence[tuple[float, float]]) -> Estimate | None:
    """Return the difference of pairs (defaults, best); None if a run was lost."""
    sign = -1.0 if study.settings.maximize else 1.0
    found = estimate([sign * (mine - best) for mine, best in both])
    return None if found.mean is None else found
