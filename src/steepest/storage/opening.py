"""Opening a study file to read it, whoever wrote it.

Nothing in it is trusted: its schema has to be ours to the letter before a row is read, so that
there is no view, trigger, virtual table or computed column; SQLite's own work on it is bounded by
the file's size. Nothing is written beside it. The one exception is the journal of a writer that was
killed, which SQLite rolls back; in a directory that cannot be written to, that is done in a copy.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from steepest.errors import StudyFileError
from steepest.text import plain

MOST_BYTES = 2 << 30  # of a study file: ten million evaluations have about one
MOST_TEXT = 8 << 20  # bytes of one text in it
HEADER = b"SQLite format 3\x00"
WAL = 2  # what the header's bytes 18 and 19 are in write-ahead mode
SUPER_JOURNAL = bytes.fromhex("d9d505f920a163d7")  # a journal ends with it if it names another file
OPERATIONS = 10_000  # of SQLite's machine between two looks at how many there were
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MOST_TEXT,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 50,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}


@contextmanager
def opened(file: Path) -> Iterator[tuple[sqlite3.Connection, int]]:
    """Open the study file for reading, and yield the database with the file's size in bytes.

    Raises:
        StudyFileError: it is no file, too large, not readable, or cannot be opened safely.
    """
    shown = plain(str(file))
    try:
        real, size = _ordinary(file)
        with ExitStack() as stack:
            if _is_wal(real):
                db = stack.enter_context(_copied(real, "-wal"))
            elif not _has_journal(real):
                db = stack.enter_context(_connected(real, "ro"))
            elif os.access(real, os.W_OK) and os.access(real.parent, os.W_OK):
                db = stack.enter_context(_connected(real, "rw"))
            else:
                db = stack.enter_context(_copied(real, "-journal"))
            left = [200 + 20 * size // OPERATIONS]

            def spent() -> bool:
                left[0] -= 1
                return left[0] < 0

            db.set_progress_handler(spent, OPERATIONS)
            for limit, value in LIMITS.items():
                db.setlimit(limit, value)
            db.text_factory = _decoded
            db.execute("PRAGMA trusted_schema = OFF")
            db.execute("PRAGMA cell_size_check = ON")
            db.execute("PRAGMA mmap_size = 0")
            db.execute("BEGIN")
            _check_whole(db)
            yield db, size
    except sqlite3.Error as error:
        # SQLite quotes what it finds in the file.
        said = plain(str(error)[:80])
        if isinstance(error, sqlite3.OperationalError) and "locked" not in said:
            said = f"{said}, so it is damaged, or may not be read"
        raise StudyFileError(f"cannot use the study file {shown}: {said}") from error
    except OSError as error:
        raise StudyFileError(
            f"cannot read the study file {shown}: {error.strerror or type(error).__name__}"
        ) from error


def _ordinary(file: Path) -> tuple[Path, int]:
    """Return where an ordinary file really is, and its size."""
    shown = plain(str(file))
    try:
        real = Path(os.path.realpath(file, strict=True))
        facts = real.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise StudyFileError(
            f"there is no study file {shown}; give a study.db or its directory"
        ) from None
    if not stat.S_ISREG(facts.st_mode):
        raise StudyFileError(f"{shown} is no ordinary file; give a study.db or its directory")
    if facts.st_size > MOST_BYTES:
        raise StudyFileError(
            f"{shown} has {facts.st_size:,} bytes, but a study file has at most {MOST_BYTES:,}"
        )
    return real, facts.st_size


def _is_wal(file: Path) -> bool:
    """Return whether the file is in write-ahead mode; raise if it is no database."""
    with file.open("rb") as opened:
        head = opened.read(100)
    if not head.startswith(HEADER):
        what = "is empty" if not head else "file is not a database"
        raise StudyFileError(
            f"cannot use the study file {plain(str(file))}: {what}; steepest compare writes them"
        )
    return WAL in head[18:20]


def _has_journal(file: Path) -> bool:
    """Return whether there is a journal with something in it.

    Raises:
        StudyFileError: it is one that Steepest never writes. SQLite deletes the file that a
            journal names as the one above it, so a journal from a stranger could name any.
    """
    journal = file.with_name(f"{file.name}-journal")
    try:
        facts = journal.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(facts.st_mode):
        raise StudyFileError(f"{plain(str(journal))} is no ordinary file; move it away")
    if facts.st_size == 0:
        return False
    with journal.open("rb") as opened:
        opened.seek(max(0, facts.st_size - 16))
        end = opened.read()
    if end.endswith(SUPER_JOURNAL) and any(end[:4]):
        raise StudyFileError(
            f"{plain(str(journal))} names a further file, as no journal of Steepest does; move it "
            "away if you do not trust who made it"
        )
    return True


def _check_whole(db: sqlite3.Connection) -> None:
    """Raise `ValueError` if the file ends within a page: SQLite would read the rest as zeros."""
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    page = db.execute("PRAGMA page_size").fetchone()[0]
    wal = db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"  # in which it may be shorter
    if (
        not wal
        and Path(db.execute("PRAGMA database_list").fetchone()[2]).stat().st_size < pages * page
    ):
        raise ValueError("its end is cut off")


@contextmanager
def _connected(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{file.as_uri()}?mode={mode}", uri=True, isolation_level=None)
    ) as db:
        yield db


@contextmanager
def _copied(file: Path, beside: str) -> Iterator[sqlite3.Connection]:
    """Open a copy with what is beside the file, and do there what needs writing."""
    with tempfile.TemporaryDirectory(prefix="steepest-") as directory:
        copy = Path(directory) / "study.db"
        shutil.copyfile(file, copy)
        other = file.with_name(file.name + beside)
        if other.is_file() and not other.is_symlink() and other.stat().st_size <= MOST_BYTES:
            shutil.copyfile(other, copy.with_name(copy.name + beside))
        with _connected(copy, "rw") as db:
            yield db


def _decoded(data: bytes) -> str:
    return str(data, "utf-8")  # the library's own message quotes all of it
