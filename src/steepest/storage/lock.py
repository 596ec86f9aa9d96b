"""One process at a time writes a study: a lock beside it, which the system lets go of when the
process ends, however it ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from steepest.errors import StudyFileError

try:
    import fcntl
except ImportError:  # no Unix
    fcntl = None  # type: ignore[assignment]

NAME = "study.lock"


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the lock of the study in `directory`.

    The file says whose it is, for people. It is the lock of the system on it that counts, so one
    that a dead process left is no wall.

    Raises:
        StudyFileError: another process holds it, or the directory cannot be written to.
    """
    path = directory / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    except OSError as error:
        raise StudyFileError(
            f"cannot write {path} ({error.strerror}); choose another directory with out"
        ) from error
    try:
        _take(descriptor, directory)
        with contextlib.suppress(OSError):  # a full disk: what it says is for people alone
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)  # before it is let go of, so that it is our own
    finally:
        os.close(descriptor)


def _take(descriptor: int, directory: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = os.read(descriptor, 20).decode("ascii", "replace").strip()
        who = f" (process {said})" if said.isdigit() else ""
        raise StudyFileError(
            f"the study in {directory} is being written by another process{who}; wait for it, stop "
            "it, or choose another directory with out"
        ) from None
    except OSError:  # a file system without locks
        return
    # Between opening and locking, its last holder may have removed it: then it is nobody's.
    with contextlib.suppress(OSError):
        if os.fstat(descriptor).st_nlink == 0:
            raise StudyFileError(
                f"the study in {directory} was being written by another process until just now; "
                "try again"
            )
