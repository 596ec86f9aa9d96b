"""The study file: one SQLite database, every turn of the search one transaction.

Tables: `study` (key, value as JSON), `trial` (a row each) and `evaluation` (a row for each trial
and epoch). `PRAGMA user_version` holds `FORMAT_VERSION`. No pickles: opening a stranger's file runs
nothing.
"""

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from steepest.errors import StudyFileError
from steepest.records import FORMAT_VERSION, StudyRecord, Trial
from steepest.storage import durable
from steepest.storage.durable import make_directory
from steepest.storage.opening import opened
from steepest.storage.rows import get_study, put_study, put_trials
from steepest.storage.schema import check_schema, tables
from steepest.text import plain

log = logging.getLogger(__name__)

APPLICATION_ID = 0x53544550  # "STEP", which `file` and we recognize


def check_new(path: Path) -> None:
    """Raise `StudyFileError` if there is a file at `path` already."""
    if path.exists():
        raise StudyFileError(
            f"{path} holds a study already; choose another directory, or move that file away"
        )


def create(path: Path, study: StudyRecord) -> None:
    """Make a new study file at `path` that holds `study`.

    Raises:
        StudyFileError: there is a file already, or the place cannot be written to.
    """
    check_new(path)
    make_directory(path.parent)
    # Under another name until it is whole, so that there is never a file that is no study yet.
    part = path.with_name(path.name + durable.PART)
    try:
        for old in (part, part.with_name(part.name + "-journal")):
            old.unlink(missing_ok=True)
        _write_new(part, study)
        durable.publish(part, path)
    except OSError as error:
        raise StudyFileError(
            f"cannot write {path} ({error.strerror}); choose another directory with out"
        ) from error
    log.info("the study is kept in %s", path)


def _write_new(path: Path, study: StudyRecord) -> None:
    with _transaction(path, create=True) as db:
        for statement in tables(FORMAT_VERSION).values():
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        put_study(db, study)
        put_trials(db, study.trials)


def record(path: Path, study: StudyRecord, trials: Iterable[Trial], anew: bool = False) -> None:
    """Write `trials` and the totals of `study` in one transaction: all of it, or nothing.

    They take the place of trials of the same numbers, and `anew` of all that are there. A file of
    an older format with the same tables has this format then, as it holds what is new.
    """
    with _transaction(path) as db:
        if anew:
            db.execute("DELETE FROM evaluation")
            db.execute("DELETE FROM trial")
        put_study(db, study)
        put_trials(db, trials)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version < FORMAT_VERSION and tables(version) == tables(FORMAT_VERSION):
            db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    log.debug("%s is written", path)


def read(path: Path) -> StudyRecord:
    """Return the study in the file at `path`, or in the directory `path` as `study.db`.

    Whoever made it, reading runs nothing, needs memory in proportion to the file, and ends. What a
    file says that no study would say is damage, and quoted with forty characters at most. Texts
    come without control characters; `asked` alone to the letter, so whoever shows it
    tidies it.

    Raises:
        StudyFileError: no such file, not a study, damaged, or written by a newer Steepest.
    """
    file = path / "study.db" if os.path.isdir(path) else path
    shown = plain(str(file))
    try:
        with opened(file) as (db, size):
            application = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION_ID:
                raise StudyFileError(f"{shown} is a database, but not a study of Steepest")
            if version > FORMAT_VERSION:
                raise StudyFileError(
                    f"{shown} has format {version}, but this Steepest reads up to "
                    f"{FORMAT_VERSION}; install a newer one"
                )
            if version < 1:
                raise ValueError(f"its format is {version}")
            check_schema(db, version)
            return get_study(db, version, size)
    except (ValueError, MemoryError, RecursionError) as error:
        what = "it does not fit into memory" if isinstance(error, MemoryError) else _said(error)
        raise StudyFileError(f"{shown} is damaged: {what}") from error


def _said(error: Exception) -> str:
    """Return what is wrong; a text that is no UTF-8 is not quoted."""
    if isinstance(error, UnicodeDecodeError):
        return "a text is not in UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return plain(str(error))


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
