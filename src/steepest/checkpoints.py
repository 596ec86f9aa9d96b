"""Checkpoints: states of trials that wait to go on, and what is left of them after a kill.

They wait in memory as far as there is room, then on disk: five hundred trials of a model with a
million weights, under Adam, are six gigabytes. `keep` puts all of them on disk for good, a file
each: a line of JSON (which trial, which epoch, shapes and types), the arrays' bytes, and a checksum
over both. No pickles: reading one runs nothing.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from steepest.engines.state import State
from steepest.errors import InputError, SteepestError
from steepest.records import Config
from steepest.storage import durable

log = logging.getLogger(__name__)

ENDING = ".state"
WAITING = ".waiting"  # on disk for want of memory, and not yet for good
LINE = 2**20  # bytes that the first line may have
CHECKSUM = 32  # bytes
INTERVAL = 15.0  # seconds of work that a kill may cost, unless STEEPEST_CHECKPOINT says otherwise


@dataclass(frozen=True)
class _OnDisk:
    """A state in a file of this process."""

    path: Path
    like: Any  # the tree of shapes and types

    def read(self) -> State:
        """Return the state."""
        return _read(self.path, self.like)[1]


class Checkpoints:
    """The states of trials by their numbers. What is put there takes the place of what was.

    Args:
        room: bytes of memory; what is beyond them goes to the directory.
        directory: where files go; it is made when there is one.
    """

    def __init__(self, room: int, directory: Path) -> None:
        self.room = room
        self.directory = directory
        self.held = 0  # bytes in memory
        self._states: dict[int, State | _OnDisk] = {}
        self._configs: dict[int, Config] = {}
        self._new: set[int] = set()  # not kept yet

    def __contains__(self, number: int) -> bool:
        return number in self._states

    def put(self, number: int, config: Config, state: State) -> None:
        """Have the state of a trial.

        Raises:
            SteepestError: there is no room for it in memory, nor on the disk.
        """
        self._forget(number)
        self._configs[number] = config
        self._new.add(number)
        if self.held + state.nbytes <= self.room:
            self.held += state.nbytes
            self._states[number] = state
            return
        path = self._path(number, WAITING)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for piece in _pieces(number, config, state):
                    file.write(piece)
        except OSError as error:
            raise SteepestError(
                f"the weights of trials take more than {self.room:,} bytes of memory, and cannot "
                f"be kept in {path.parent} ({error.strerror}); give more memory, fewer trials, or "
                "another directory with out"
            ) from error
        self._states[number] = _OnDisk(path, _shapes(state))

    def get(self, number: int) -> State:
        """Return the state of a trial.

        Raises:
            SteepestError: it waited on the disk, and cannot be read there.
        """
        found = self._states[number]
        if isinstance(found, State):
            return found
        try:
            return found.read()
        except (OSError, ValueError) as error:
            raise SteepestError(
                f"the weights of trial {number} cannot be read from {found.path} ({error}); look "
                "at that disk, then resume the study"
            ) from error

    def keep(self) -> None:
        """Put on the disk for good what is new.

        Raises:
            OSError: it cannot be written; what was kept before is still there.
        """
        if self._new:
            self.directory.mkdir(parents=True, exist_ok=True)
        for number in sorted(self._new):
            found, path = self._states[number], self._path(number, ENDING)
            if isinstance(found, State):
                durable.write(path, _pieces(number, self._configs[number], found))
            elif found.path != path:
                with found.path.open("rb+") as file:
                    os.fsync(file.fileno())
                durable.publish(found.path, path)
                self._states[number] = _OnDisk(path, found.like)
            self._new.discard(number)

    def find(self, number: int, config: Config, like: State) -> State | None:
        """Return what was kept of a trial by a process before this one, or None.

        What is damaged, or not of this trial, is as if it were not there: that is trained again.
        `like` is an untrained state, whose shapes and types it has to have.
        """
        path = self._path(number, ENDING)
        try:
            head, state = _read(path, _shapes(like))
            if head["trial"] != number or head["config"] != _digest(config):
                return None  # it is of another trial, of a course that the study took before
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            log.warning("%s cannot be used (%s); its trial is trained again", path, error)
            return None
        return state

    def drop(self, number: int) -> None:
        """Forget the state of a trial, if it has one, on disk too."""
        self._forget(number)
        _remove(self._path(number, ENDING))

    def clear(self) -> None:
        """Forget everything, of processes before this one too."""
        self._states.clear()
        self._new.clear()
        self.held = 0
        if self.directory.is_dir():
            for path in self.directory.iterdir():
                if path.name.endswith((ENDING, WAITING, durable.PART)):
                    _remove(path)
            with contextlib.suppress(OSError):
                self.directory.rmdir()

    def _forget(self, number: int) -> None:
        found = self._states.pop(number, None)
        self._new.discard(number)
        if isinstance(found, State):
            self.held -= found.nbytes
        elif found is not None and found.path.name.endswith(WAITING):
            _remove(found.path)

    def _path(self, number: int, ending: str) -> Path:
        return self.directory / f"{number}{ending}"


def _pieces(number: int, config: Config, state: State) -> Iterator[bytes | memoryview]:
    leaves = [np.ascontiguousarray(leaf) for leaf in jax.tree.leaves(state.tree())]
    head = {
        "steepest": 1,
        "trial": number,
        "config": _digest(config),
        "epoch": int(state.epoch[0]),
        "arrays": [[list(leaf.shape), leaf.dtype.name] for leaf in leaves],
    }
    line = json.dumps(head).encode() + b"\n"
    checksum = hashlib.blake2b(line, digest_size=CHECKSUM)
    yield line
    for leaf in leaves:
        piece = leaf.reshape(-1).view(np.uint8).data
        checksum.update(piece)
        yield piece
    yield checksum.digest()


def _read(path: Path, like: Any) -> tuple[dict[str, Any], State]:
    """Return the first line and the state of a file.

    Raises:
        ValueError: it is damaged, or its arrays are not like those of `like`.
    """
    leaves, tree = jax.tree.flatten(like)
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        line = file.readline(LINE)
        content = file.read(size + CHECKSUM + 1)
    checksum = hashlib.blake2b(line, digest_size=CHECKSUM)
    checksum.update(memoryview(content)[:size])
    if len(content) != size + CHECKSUM or checksum.digest() != content[size:]:
        raise ValueError("it is damaged")
    head = json.loads(line)
    if head["arrays"] != [[list(leaf.shape), leaf.dtype.name] for leaf in leaves]:
        raise ValueError("its arrays are others")
    start, arrays = 0, []
    for leaf in leaves:
        found = np.frombuffer(content, leaf.dtype, leaf.size, start).reshape(leaf.shape)
        arrays.append(found.copy())
        start += leaf.size * leaf.dtype.itemsize
    return head, State(*jax.tree.unflatten(tree, arrays))


def _remove(path: Path) -> None:
    """Remove a file. One that stays is no harm, as it would not be of its trial any more."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.info("%s cannot be removed: %s", path, error.strerror)


def _shapes(state: State) -> Any:
    return jax.tree.map(lambda a: np.broadcast_to(np.zeros((), a.dtype), a.shape), state.tree())


def _digest(config: Config) -> str:
    text = json.dumps(asdict(config), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def checkpoint_seconds() -> float:
    """Return how much work a kill may cost at most, in seconds.

    Raises:
        InputError: the environment variable STEEPEST_CHECKPOINT is no number of seconds.
    """
    given = os.environ.get("STEEPEST_CHECKPOINT", "")
    try:
        seconds = float(given or INTERVAL)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InputError(
            f"STEEPEST_CHECKPOINT is {given!r}, but must be seconds, such as 15; 0 keeps states "
            "whenever it can"
        )
    return seconds
