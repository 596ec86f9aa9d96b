"""A study as flat rows, for CSV and data frames: one a trial, or one an evaluation.

Columns of trials, in this order; what was not measured is None:

    number, optimizer, rule, dialect, schedule, stage, outcome, seed, epochs, steps, seconds
    reason                     of a trial that failed, the error
    value                      what decides, in its own unit; None if it diverged or failed
    training_loss              mean over the last epoch's batches, while the weights moved
    validation_loss            at the end of training
    validation_METRIC          at the end of training
    training_set_loss, …       of the weights at the end, on the training set, and each metric
    test_loss, …               the same on the test set
    hyperparameters.NAME       each that any trial has; None where an optimizer has none

Columns of curves: number, optimizer, stage, seed, epoch, step, training_loss, validation_loss,
validation_METRIC. Losses that were not finite stay NaN or infinite. Seconds are of training and
evaluation, compiling not counted.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.records import StudyRecord, Trial

Row = dict[str, Any]  # a number, a text, a flag or None in each column; all rows have the same

FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what makes a spreadsheet compute a text


def trial_rows(study: StudyRecord) -> list[Row]:
    """Return a row for each trial, in order of their numbers."""
    names = list(dict.fromkeys(n for t in study.trials for n in t.config.hyperparameters))
    return [_trial(study, trial, names) for trial in study.trials]


def curve_rows(study: StudyRecord) -> list[Row]:
    """Return a row for each trial and evaluation, in order of trial and epoch."""
    rows, metrics = [], _metrics(study)
    for trial in study.trials:
        curves = trial.curves
        for i, epoch in enumerate(curves.epoch):
            rows.append(
                {
                    "number": trial.number,
                    "optimizer": trial.optimizer,
                    "stage": trial.stage.value,
                    "seed": trial.config.seed,
                    "epoch": epoch,
                    "step": curves.step[i],
                    "training_loss": curves.training_loss[i],
                    "validation_loss": curves.validation_loss[i],
                }
                | {
                    f"validation_{name}": one[i] if (one := curves.metrics.get(name)) else None
                    for name in metrics
                }
            )
    return rows


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV (RFC 4180) under one line of names; what is None is empty.

    Numbers are written so that they read back the same. A text that a spreadsheet would compute,
    as it begins with = + - @ (full-width ones too), is given an apostrophe in front, as OWASP
    advises: names come from whoever made the study.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow([_safe(name) for name in rows[0]])
    writer.writerows([[_safe(value) for value in row.values()] for row in rows])
    return out.getvalue()


def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return rows by column, each of one type: where texts meet numbers, all become texts."""
    return {name: _one_type([row[name] for row in rows]) for name in (rows[0] if rows else ())}


def _trial(study: StudyRecord, trial: Trial, names: Sequence[str]) -> Row:
    config, curves, metrics = trial.config, trial.curves, _metrics(study)
    value = study.settings.value(trial)
    return (
        {
            "number": trial.number,
            "optimizer": trial.optimizer,
            "rule": config.rule,
            "dialect": config.dialect,
            "schedule": config.schedule,
            "stage": trial.stage.value,
            "outcome": trial.outcome.name.lower(),
            "seed": config.seed,
            "epochs": trial.epochs,
            "steps": curves.step[-1] if curves.step else 0,
            "seconds": trial.seconds,
            "reason": trial.reason or None,
            "value": None if math.isnan(value) else value,
            "training_loss": _last(curves.training_loss),
            "validation_loss": _last(curves.validation_loss),
        }
        | {f"validation_{name}": _last(curves.metrics.get(name, ())) for name in metrics}
        | {f"training_set_{n}": _of(trial.training, n) for n in ("loss", *metrics)}
        | {f"test_{n}": _of(trial.test, n) for n in ("loss", *metrics)}
        | {f"hyperparameters.{name}": config.hyperparameters.get(name) for name in names}
    )


def _metrics(study: StudyRecord) -> tuple[str, ...]:
    return tuple(name for name in study.task.metrics if name != "loss")


def _last(values: Sequence[float]) -> float | None:
    return values[-1] if values else None


def _of(values: Mapping[str, float] | None, name: str) -> float | None:
    return None if values is None else values.get(name)


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _one_type(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
