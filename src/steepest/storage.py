"""The study file: one SQLite database, every rung one transaction.

Tables: `study` (key, value as JSON), `trial` (a row each) and `evaluation` (a row for each trial
and epoch). `PRAGMA user_version` holds `FORMAT_VERSION`. No pickles: opening a stranger's file runs
nothing.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from steepest.errors import StudyFileError
from steepest.records import (
    FORMAT_VERSION,
    Config,
    Curves,
    Outcome,
    Parameter,
    Settings,
    Stage,
    Study,
    TaskFacts,
    Trial,
    facts_to_dict,
)

APPLICATION_ID = 0x53544550  # "STEP", which `file` and we recognize

SCHEMA = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trial (
  number INTEGER PRIMARY KEY,
  optimizer TEXT NOT NULL,
  stage TEXT NOT NULL,
  rule TEXT NOT NULL,
  dialect TEXT NOT NULL,
  schedule TEXT NOT NULL,
  hyperparameters TEXT NOT NULL,
  seed INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  seconds REAL NOT NULL,
  test TEXT,
  training TEXT
);
CREATE TABLE evaluation (
  trial INTEGER NOT NULL REFERENCES trial (number),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  training_loss REAL,
  validation_loss REAL,
  metrics TEXT NOT NULL,
  PRIMARY KEY (trial, epoch)
) WITHOUT ROWID;
"""


def check_new(path: Path) -> None:
    """Raise `StudyFileError` if there is a file at `path` already."""
    if path.exists():
        raise StudyFileError(
            f"{path} holds a study already; choose another directory, or move that file away"
        )


def create(path: Path, study: Study) -> None:
    """Make a new study file at `path` that holds `study`.

    Raises:
        StudyFileError: there is a file already, or the place cannot be written to.
    """
    check_new(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyFileError(
            f"cannot make the directory {path.parent} ({error.strerror}); choose another with out"
        ) from error
    with _transaction(path, create=True) as db:
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        _put_study(db, study)
        _put_trials(db, study.trials)


def record(path: Path, study: Study, trials: Iterable[Trial]) -> None:
    """Write `trials` and the totals of `study` in one transaction: all of it, or nothing."""
    with _transaction(path) as db:
        _put_study(db, study)
        _put_trials(db, trials)


def read(path: Path) -> Study:
    """Return the study in the file at `path`, or in the directory `path` as `study.db`.

    Raises:
        StudyFileError: no such file, not a study, damaged, or written by a newer Steepest.
    """
    file = path / "study.db" if path.is_dir() else path
    if not file.is_file():
        raise StudyFileError(f"there is no study file {file}; give a study.db or its directory")
    try:
        with _transaction(file) as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION_ID:
                raise StudyFileError(f"{file} is a database, but not a study of Steepest")
            if version > FORMAT_VERSION:
                raise StudyFileError(
                    f"{file} has format {version}, but this Steepest reads up to {FORMAT_VERSION}; "
                    "install a newer one"
                )
            return _get_study(db)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise StudyFileError(f"{file} is damaged: {error}") from error


@contextmanager
def _transaction(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    mode = "rwc" if create else "rw"
    try:
        try:
            db = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
        except sqlite3.OperationalError:
            db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            with db:
                db.execute("BEGIN")
                yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise StudyFileError(f"cannot use the study file {path}: {error}") from error


def _put_study(db: sqlite3.Connection, study: Study) -> None:
    values = {
        "task": facts_to_dict(study.task),
        "settings": facts_to_dict(study.settings),
        "optimizers": study.optimizers,
        "versions": study.versions,
        "hardware": study.hardware,
        "started": study.started,
        "seconds": study.seconds,
        "compile_seconds": study.compile_seconds,
        "finished": study.finished,
        "stopped": study.stopped,
        "update_seconds": study.update_seconds,
        "initial": {name: _plain(value) for name, value in study.initial.items()},
    }
    db.executemany(
        "INSERT OR REPLACE INTO study VALUES (?, ?)",
        [(key, json.dumps(value)) for key, value in values.items()],
    )


def _put_trials(db: sqlite3.Connection, trials: Iterable[Trial]) -> None:
    for trial in trials:
        config = trial.config
        db.execute(
            "INSERT OR REPLACE INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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


def _get_study(db: sqlite3.Connection) -> Study:
    values = {key: json.loads(value) for key, value in db.execute("SELECT * FROM study")}
    task, settings = values.pop("task"), values.pop("settings")
    for key in ("metrics", "notes"):
        task[key] = tuple(task[key])
    task["weights"] = tuple(
        Parameter(str(w["path"]), tuple(w["shape"]), str(w["role"]))
        for w in task.get("weights", ())
    )
    settings["rungs"] = tuple(settings["rungs"])
    for key in ("survivors", "refined"):
        settings[key] = tuple(settings.get(key, ()))
    for key in ("training_examples", "epochs", "batch_size"):
        if type(task[key]) is not int or not 1 <= task[key] < 2**53:
            raise ValueError(f"{key} is {str(task[key])[:40]}")
    for key in ("parameters", "validation_examples", "test_examples"):
        if type(task[key]) is not int or task[key] < 0:
            raise ValueError(f"{key} is {str(task[key])[:40]}")
    if type(task["name"]) is not str:
        raise ValueError("the task has no name")
    if "update_seconds" in values:
        timed = values["update_seconds"].items()
        values["update_seconds"] = {str(n): tuple(map(float, v)) for n, v in timed}
    told = [*task["metrics"], *task["notes"], values.get("stopped", "")]
    told += [note for one in values["optimizers"].values() for note in one.get("notes", ())]
    if not all(type(text) is str for text in told):
        raise ValueError("a metric or a note is no text")
    if "initial" in values:
        values["initial"] = {str(n): _number(v) for n, v in values["initial"].items()}
    study = Study(task=TaskFacts(**task), settings=Settings(**settings), **values)
    rows = db.execute("SELECT * FROM trial ORDER BY number")
    curves: dict[int, list[Any]] = {}
    for row in db.execute("SELECT * FROM evaluation ORDER BY trial, epoch"):
        curves.setdefault(row[0], []).append(row[1:])
    trials = tuple(
        Trial(
            number,
            optimizer,
            Stage[stage],
            Config(rule, dialect, json.loads(hyperparameters), schedule, seed),
            _get_curves(curves.get(number, [])),
            Outcome[outcome],
            _seconds(seconds),
            None if test is None else _load_numbers(test),
            None if training is None else _load_numbers(training),
        )
        for (
            number,
            optimizer,
            stage,
            rule,
            dialect,
            schedule,
            hyperparameters,
            seed,
            outcome,
            seconds,
            test,
            training,
            # Before format 4 nobody measured the training set.
        ) in ((*row, None)[:12] for row in rows)
    )
    return replace(study, trials=trials)


def _get_curves(rows: list[Any]) -> Curves:
    metrics = [_load_numbers(row[4]) for row in rows]
    names = list(metrics[0]) if metrics else []
    return Curves(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        tuple(_number(row[2]) for row in rows),
        tuple(_number(row[3]) for row in rows),
        {name: tuple(m[name] for m in metrics) for name in names},
    )


# SQLite stores NaN as NULL, and JSON has neither NaN nor infinity: NaN travels as null, infinity as
# a string. A diverged trial needs both.


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _seconds(value: float) -> float:
    if not (isinstance(value, float | int) and math.isfinite(value)):
        raise ValueError(f"a trial took {str(value)[:40]} seconds")
    return value


def _dump_numbers(values: Mapping[str, float]) -> str:
    return json.dumps({name: _plain(value) for name, value in values.items()})


def _plain(value: float) -> float | str | None:
    return value if math.isfinite(value) else None if math.isnan(value) else str(value)


def _load_numbers(text: str) -> dict[str, float]:
    return {name: _number(value) for name, value in json.loads(text).items()}
