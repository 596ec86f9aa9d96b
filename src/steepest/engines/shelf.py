"""Where states wait between two rungs: in memory as far as there is room, then on disk.

Five hundred trials of a model with a million weights, under Adam, are six gigabytes.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from steepest.engines.state import State
from steepest.errors import SteepestError


@dataclass(frozen=True)
class _OnDisk:
    """A state in a file: its arrays' bytes, one after the other."""

    path: Path
    tree: Any
    arrays: list[tuple[tuple[int, ...], Any]]  # shape and type

    def read(self) -> State:
        """Return the state."""
        found, start = self.path.read_bytes(), 0
        leaves = []
        for shape, dtype in self.arrays:
            count = int(np.prod(shape))
            leaves.append(np.frombuffer(found, dtype, count, start).reshape(shape))
            start += count * dtype.itemsize
        return State(*jax.tree.unflatten(self.tree, leaves))


class Shelf:
    """The states of trials by their numbers. What is put there takes the place of what was.

    Args:
        room: bytes of memory; what is beyond them goes to a temporary directory.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.held = 0  # bytes in memory
        self._states: dict[int, State | _OnDisk] = {}
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __contains__(self, number: int) -> bool:
        return number in self._states

    def put(self, number: int, state: State) -> None:
        """Keep the state of a trial.

        Raises:
            SteepestError: there is no room for it on the disk.
        """
        self.drop(number)
        if self.held + state.nbytes <= self.room:
            self.held += state.nbytes
            self._states[number] = state
            return
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(
                prefix="steepest-", ignore_cleanup_errors=True
            )
        leaves, tree = jax.tree.flatten(state.tree())
        path = Path(self._directory.name) / str(number)
        try:
            path.write_bytes(b"".join(np.ascontiguousarray(leaf).tobytes() for leaf in leaves))
        except OSError as error:
            raise SteepestError(
                f"the weights of trials take more than {self.room:,} bytes of memory, and cannot "
                f"be kept in {path.parent} ({error.strerror}); give more memory, fewer trials, or "
                "another directory as the environment variable TMPDIR"
            ) from error
        shapes = [(leaf.shape, leaf.dtype) for leaf in leaves]
        self._states[number] = _OnDisk(path, tree, shapes)

    def get(self, number: int) -> State:
        """Return the state of a trial."""
        found = self._states[number]
        return found if isinstance(found, State) else found.read()

    def drop(self, number: int) -> None:
        """Forget the state of a trial, if it has one."""
        found = self._states.pop(number, None)
        if isinstance(found, State):
            self.held -= found.nbytes
        elif found is not None:
            found.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        self._states.clear()
        self.held = 0
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
