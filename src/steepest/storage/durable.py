"""Atomic writes: a file is there whole or not at all, whatever happens meanwhile."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from steepest.errors import StudyFileError

PART = ".part"  # what a file is called until it is whole


def write(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file in place of what is there: to a new one, which then takes its name.

    Once this returns the file outlives a crash of the machine.

    Raises:
        OSError: there is no room, or no permission; what was there is still there.
    """
    part = path.with_name(path.name + PART)
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        publish(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def publish(part: Path, path: Path) -> None:
    """Let a file that is on the disk whole take the name `path`."""
    os.replace(part, path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Put on the disk which files a directory has."""
    if os.name == "nt":  # where directories cannot be opened, and need not be
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory and those above it.

    Raises:
        StudyFileError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyFileError(
            f"cannot make the directory {path} ({error.strerror}); choose another with out"
        ) from error
