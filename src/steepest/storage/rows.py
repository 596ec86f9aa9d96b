"""A study as rows, and back: what is in the tables, checked as it comes out."""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from steepest.errors import quoted
from steepest.records import Config, Curves, Outcome, Stage, StudyRecord, Trial
from steepest.storage import checks
from steepest.storage.checks import parsed
from steepest.storage.facts import DIALECT, SECONDS, contestant_to_dict, schedule_of, study_of

COLUMNS = (
    "number, optimizer, stage, rule, dialect, schedule, hyperparameters, seed, outcome, seconds, "
    "test"
)


def put_study(db: sqlite3.Connection, study: StudyRecord) -> None:
    values = {
        "task": asdict(study.task),
        "settings": asdict(study.settings),
        "optimizers": {name: contestant_to_dict(one) for name, one in study.optimizers.items()},
        "versions": study.versions,
        "hardware": study.hardware,
        "started": study.started,
        "seconds": study.seconds,
        "compile_seconds": study.compile_seconds,
        "finished": study.finished,
        "complete": study.complete,
        "stopped": study.stopped,
        "update_seconds": study.update_seconds,
        "asked": study.asked,
        "planned": None if study.planned is None else asdict(study.planned),
        "resumed": study.resumed,
        "judged": study.judged,
        "trained_on": study.trained_on,
        "parts": study.parts,
        "part_examples": study.part_examples,
        "initial": {name: _finite_or_word(value) for name, value in study.initial.items()},
    }
    db.executemany(
        "INSERT OR REPLACE INTO study VALUES (?, ?)",
        [(key, json.dumps(value)) for key, value in values.items()],
    )


def put_trials(db: sqlite3.Connection, trials: Iterable[Trial]) -> None:
    for trial in trials:
        config = trial.config
        db.execute(
            "INSERT OR REPLACE INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                trial.number,
                trial.optimizer,
                trial.stage.name,
                config.rule,
                config.dialect,
                config.schedule,
                json.dumps(dict(config.hyperparameters)),
                config.seed,
                trial.outcome.name,
                trial.seconds,
                None if trial.test is None else _dump_numbers(trial.test),
                None if trial.training is None else _dump_numbers(trial.training),
                trial.reason,
            ),
        )
        curves = trial.curves
        rows = [
            (
                trial.number,
                curves.epoch[i],
                curves.step[i],
                curves.training_loss[i],
                curves.validation_loss[i],
                _dump_numbers({name: values[i] for name, values in curves.metrics.items()}),
            )
            for i in range(len(curves.epoch))
        ]
        db.executemany("INSERT OR REPLACE INTO evaluation VALUES (?, ?, ?, ?, ?, ?)", rows)


def get_study(db: sqlite3.Connection, version: int, size: int) -> StudyRecord:
    """Return the study of a database whose schema is that of `version`.

    All texts together are no longer than the file, whose `size` is in bytes: SQLite packs nothing,
    but a page of a hostile file could be there many times.

    Raises:
        ValueError: something is not as a study has it.
    """
    left = [size]
    values = {}
    for key, value in db.execute("SELECT key, value FROM study LIMIT 100"):
        _pay(left, value)
        key = checks.name("a key", key)
        # Options are asked with again, so they stay to the letter.
        values[key] = parsed(f"{key} of the study", value, tidy=key != "asked")
    study = study_of(values)
    curves = _all_curves(db, study, left)
    later = ", training, reason" if version > 4 else ", training" if version == 4 else ""
    rows = db.execute(f"SELECT {COLUMNS}{later} FROM trial ORDER BY number")
    trials: list[Trial] = []
    for row in rows:
        for value in row:
            _pay(left, value)
        number = checks.whole(0)("a trial's number", row[0])
        if (trials and number <= trials[-1].number) or len(trials) >= checks.MOST_TRIALS:
            raise ValueError("its trials are out of order, or too many")
        trials.append(_get_trial(study, row, curves.pop(number, Curves())))
    if curves:
        raise ValueError(f"there is a learning curve of trial {min(curves)}, which is not there")
    return replace(study, trials=tuple(trials))


def _pay(left: list[int], value: Any) -> None:
    left[0] -= len(value) if isinstance(value, str | bytes) else 1
    if left[0] < 0:
        raise ValueError("it holds more than its size")


def _get_trial(study: StudyRecord, row: tuple[Any, ...], curves: Curves) -> Trial:
    number, optimizer, stage, rule, dialect, schedule, hyperparameters, seed, outcome = row[:9]
    # Before format 4 nobody measured the training set, and before 5 no trial had a reason.
    seconds, test, training, reason = (*row[9:], None, None)[:4]
    what = f"trial {number}"
    optimizer = checks.name(f"the optimizer of {what}", optimizer)
    if optimizer not in study.optimizers:
        raise ValueError(f"{what} is of {quoted(optimizer)}, which is not compared")
    config = Config(
        checks.name(f"the rule of {what}", rule),
        DIALECT(f"the dialect of {what}", dialect),
        checks.named(checks.plain_value, 1000)(
            f"hyperparameters of {what}", parsed(f"hyperparameters of {what}", hyperparameters)
        ),
        schedule_of(f"the schedule of {what}", schedule),
        checks.whole(-(2**63), 2**63)(f"the seed of {what}", seed),
    )
    return Trial(
        number,
        optimizer,
        Stage[checks.one_of(*Stage.__members__)(f"the stage of {what}", stage)],
        config,
        curves,
        Outcome[checks.one_of(*Outcome.__members__)(f"the outcome of {what}", outcome)],
        SECONDS(f"the time of {what}", seconds),
        _get_numbers(f"test of {what}", test),
        _get_numbers(f"training of {what}", training),
        "" if reason is None else checks.text(f"the reason of {what}", reason),
    )


def _get_numbers(what: str, text: Any) -> dict[str, float] | None:
    if text is None:
        return None
    found: dict[str, float] = checks.named(checks.measured, 10_000)(what, parsed(what, text))
    if "loss" not in found:
        raise ValueError(f"{what} has no loss")
    return found


def _all_curves(db: sqlite3.Connection, study: StudyRecord, left: list[int]) -> dict[int, Curves]:
    """Return each trial's learning curve, by its number."""
    found: dict[int, Curves] = {}
    names = frozenset(study.task.metrics)
    last, rows = -1, list[Any]()
    every = db.execute(
        "SELECT trial, epoch, step, training_loss, validation_loss, metrics FROM evaluation "
        "ORDER BY trial, epoch"
    )
    for count, row in enumerate(every, 1):
        _pay(left, row[5])
        if count > checks.MOST_EVALUATIONS:
            raise ValueError(f"it has more than {checks.MOST_EVALUATIONS:,} evaluations")
        number = checks.whole(0)("a trial's number in an evaluation", row[0])
        if number < last:
            raise ValueError("its evaluations are out of order")
        if number > last and rows:
            found[last] = _get_curves(last, rows, study, names)
            rows = []
        last = number
        rows.append(row[1:])
    if rows:
        found[last] = _get_curves(last, rows, study, names)
    return found


def _get_curves(number: int, rows: list[Any], study: StudyRecord, names: frozenset[str]) -> Curves:
    what = f"the learning curve of trial {number}"
    epochs = [checks.whole(1, study.task.epochs)(f"an epoch of {what}", row[0]) for row in rows]
    steps = [checks.whole(1)(f"a step of {what}", row[1]) for row in rows]
    checks.growing(f"the epoch of {what}", tuple(epochs))
    checks.growing(f"the step of {what}", tuple(steps))
    metrics = [parsed(f"metrics of {what}", row[4]) for row in rows]
    for one in metrics:
        if not isinstance(one, dict) or one.keys() != names:
            raise ValueError(f"metrics of {what} are {quoted(one)}, and not the task's")
    return Curves(
        tuple(epochs),
        tuple(steps),
        tuple(checks.measured(f"a training loss of {what}", row[2]) for row in rows),
        tuple(checks.measured(f"a validation loss of {what}", row[3]) for row in rows),
        {
            name: tuple(checks.measured(f"a metric of {what}", one[name]) for one in metrics)
            for name in metrics[0]
        },
    )


# SQLite stores NaN as NULL, and JSON has neither NaN nor infinity: NaN travels as null, infinity as
# a string. A diverged trial needs both.


def _dump_numbers(values: Mapping[str, float]) -> str:
    return json.dumps({name: _finite_or_word(value) for name, value in values.items()})


def _finite_or_word(value: float) -> float | str | None:
    return value if math.isfinite(value) else None if math.isnan(value) else str(value)
