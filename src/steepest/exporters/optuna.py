"""A study as studies of Optuna, for its Dashboard and its own analyses.

For each optimizer there is a study of the search and one of what was trained on fresh seeds: a
study's best trial would otherwise be the luckiest seed, and its importances those of one
configuration. What stopped early is PRUNED, what diverged or failed is FAIL.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from steepest.errors import InputError, absent
from steepest.exporters import began
from steepest.records import Outcome, Settings, Stage, StudyRecord, Trial
from steepest.reports.verdict_text import deciding
from steepest.spaces import Float, Value, from_dict

WIDE = 100.0  # a ratio from which positive values without a range are shown in log scale
PARTS = {"": (Stage.SEARCH, Stage.REPEAT), " (fresh seeds)": (Stage.CONFIRM, *Stage)}


def write_optuna(study: StudyRecord, url: str, name: str | None = None) -> list[str]:
    """Add the study to the storage at `url`, such as "sqlite:///optuna.db"; return the names.

    Each is "NAME: OPTIMIZER", where the name is by default the task's, and the same with "(fresh
    seeds)". Values are what decides, intermediate values its learning curve by epoch. Ranges are
    those searched, grown where a trial lies outside (the framework's defaults may); one in
    log(1 − value) becomes linear, as Optuna has no such scale. When a trial began is not known:
    all begin when the study did, and last as long as they did.

    Raises:
        InputError: Optuna is absent; the storage cannot be used, or has such a study already;
            nothing was written then.
    """
    try:
        import optuna
    except ImportError as error:
        raise absent("--optuna", error, "optuna") from None

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return _write(study, url, name or study.task.name)
    except InputError:
        raise
    except Exception as error:  # of Optuna, of SQLAlchemy, of a database's driver
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"Optuna cannot write to {url!r}: {reason}; give a URL such as sqlite:///optuna.db"
        ) from error
    finally:
        optuna.logging.set_verbosity(verbosity)


def _write(study: StudyRecord, url: str, name: str) -> list[str]:
    import optuna

    wanted: dict[str, tuple[str, list[Trial]]] = {}
    for optimizer in study.optimizers:
        left = [t for t in study.trials if t.optimizer == optimizer]
        for part, stages in PARTS.items():
            mine = [t for t in left if t.stage in stages]
            left = [t for t in left if t not in mine]
            if mine:
                wanted[f"{name}: {optimizer}{part}"] = (optimizer, mine)
    storage = optuna.storages.RDBStorage(url)
    there = set(optuna.get_all_study_names(storage)) & set(wanted)
    if there:
        raise InputError(
            f"{url} has a study {sorted(there)[0]!r} already; choose another storage, or --name"
        )
    ways = optuna.study.StudyDirection
    direction = ways.MAXIMIZE if study.settings.maximize else ways.MINIMIZE
    for title, (optimizer, trials) in wanted.items():
        made = optuna.create_study(storage=storage, study_name=title, direction=direction)
        made.set_user_attr("task", study.task.name)
        made.set_user_attr("optimizer", optimizer)
        made.set_user_attr("value", deciding(study.settings))
        made.set_user_attr("epochs", study.task.epochs)
        made.set_user_attr("steepest", study.versions.get("steepest", ""))
        # Of what differs; what does not is a fact of the study.
        searched = _searched(study, optimizer)
        made.set_user_attr("fixed", _fixed(study, optimizer, searched))
        distributions = {
            key: _distribution(study, optimizer, key, values) for key, values in searched.items()
        }
        made.add_trials([_trial(study, trial, distributions) for trial in trials])
    return list(wanted)


def _values(trial: Trial) -> dict[str, Value]:
    return {**trial.config.hyperparameters, "schedule": trial.config.schedule}


def _searched(study: StudyRecord, optimizer: str) -> dict[str, list[Value]]:
    """Return all values of each hyperparameter that has a range, or more than one value."""
    space = study.optimizers[optimizer].space
    values: dict[str, list[Value]] = {}
    for trial in study.trials:
        if trial.optimizer == optimizer:
            for key, value in _values(trial).items():
                values.setdefault(key, []).append(value)
    return {key: found for key, found in values.items() if key in space or len(set(found)) > 1}


def _fixed(study: StudyRecord, optimizer: str, searched: Mapping[str, Any]) -> dict[str, Value]:
    first = next(t for t in study.trials if t.optimizer == optimizer)
    return {key: value for key, value in _values(first).items() if key not in searched}


def _distribution(study: StudyRecord, optimizer: str, key: str, values: Sequence[Value]) -> Any:
    """Return Optuna's range for one hyperparameter, wide enough for all its values."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    data = study.optimizers[optimizer].ranges.get(key)
    space = None if data is None else from_dict(data)
    if not all(_is_number(value) for value in values):
        given = () if space is None or isinstance(space, Float) else space.values
        return CategoricalDistribution(list(dict.fromkeys([*given, *map(_choice, values)])))
    numbers = [float(value) for value in values]
    if isinstance(space, Float):
        log = space.log and not space.complement
        numbers += [space.low, space.high]
    else:
        log = max(numbers) > WIDE * min(numbers)
    low, high = min(numbers), max(numbers)
    return FloatDistribution(low, high, log=log and low > 0)


def _is_number(value: Value) -> bool:
    return not isinstance(value, bool | str) and math.isfinite(value)


def _choice(value: Value) -> Value:
    """Return a choice that Optuna can store: infinities are words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _trial(study: StudyRecord, trial: Trial, distributions: Mapping[str, Any]) -> Any:
    from optuna.distributions import CategoricalDistribution
    from optuna.trial import TrialState, create_trial

    settings, values = study.settings, _values(trial)
    value = settings.value(trial)
    state = {
        Outcome.FINISHED: TrialState.COMPLETE,
        Outcome.HALVED: TrialState.PRUNED,
        Outcome.SHORT: TrialState.PRUNED,
        Outcome.EXPLODED: TrialState.PRUNED,
        Outcome.CONSTANT: TrialState.PRUNED,
        Outcome.DIVERGED: TrialState.FAIL,
        Outcome.FAILED: TrialState.FAIL,
        Outcome.UNFINISHED: TrialState.RUNNING,
    }[trial.outcome]
    if state == TrialState.COMPLETE and math.isnan(value):
        state = TrialState.FAIL
    # What was stopped has its last value, as if Optuna had pruned it; it is never the best trial.
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    made = create_trial(
        state=state,
        value=value if state in ended and not math.isnan(value) else None,
        params={
            key: _choice(values[key]) if isinstance(kind, CategoricalDistribution) else values[key]
            for key, kind in distributions.items()
            if key in values
        },
        distributions={key: kind for key, kind in distributions.items() if key in values},
        intermediate_values=_curve(settings, trial),
        user_attrs={
            "number": trial.number,
            "stage": trial.stage.value,
            "outcome": trial.outcome.value,
            "seed": trial.config.seed,
            "seconds": trial.seconds,
            **({"reason": trial.reason} if trial.reason else {}),
            **{f"test {k}": v for k, v in (trial.test or {}).items() if math.isfinite(v)},
        },
    )
    # Optuna keeps local times without a zone.
    made.datetime_start = began(study).astimezone().replace(tzinfo=None)
    if state.is_finished():
        made.datetime_complete = made.datetime_start + timedelta(seconds=trial.seconds)
    return made


def _curve(settings: Settings, trial: Trial) -> dict[int, float]:
    """Return what decides at each epoch."""
    return dict(zip(trial.curves.epoch, trial.watched(settings.decides), strict=False))
