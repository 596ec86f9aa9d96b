"""A team of workers that are started, found dead and replaced one by one: processes, Ray's actors.

A subclass says what a worker is. Here is who has which slice, and who takes the next one.
"""

import itertools
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from steepest.errors import SteepestError
from steepest.workers.crew import Answer

log = logging.getLogger(__name__)

STARTS = 3  # workers that may die in a row before any has said that it is there
Handle = TypeVar("Handle")


@dataclass
class Worker(Generic[Handle]):
    """One worker, and the slice that it has."""

    number: int
    handle: Handle
    ready: bool = False  # whether it said that it is there
    ticket: int | None = None


class Team(Generic[Handle]):
    """So many workers, each of which trains one slice at a time."""

    name = "workers"

    def __init__(self, count: int) -> None:
        self.size = count
        self.workers: list[Worker[Handle]] = []
        self.waiting: deque[tuple[int, bytes]] = deque()
        self._numbers = itertools.count()
        self._failed = 0  # starts that failed in a row

    def start(self, number: int) -> Handle:
        """Start a worker; it says first that it is there."""
        raise NotImplementedError

    def send(self, handle: Handle, message: bytes) -> None:
        """Give a worker a slice; where it is dead, `hear` tells."""
        raise NotImplementedError

    def hear(self, timeout: float) -> Sequence[tuple[Worker[Handle], bytes | None, str]]:
        """Return who said what within so many seconds, or None and why it died."""
        raise NotImplementedError

    def end(self, handle: Handle) -> None:
        """End a worker at once."""
        raise NotImplementedError

    def fill(self) -> None:
        """Start workers until they are as many as wanted."""
        while len(self.workers) < self.size:
            number = next(self._numbers)
            self.workers.append(Worker(number, self.start(number)))

    @property
    def free(self) -> int:
        """How many slices would begin to train at once."""
        idle = sum(one.ready and one.ticket is None for one in self.workers)
        return max(0, idle - len(self.waiting))

    def submit(self, ticket: int, message: bytes) -> None:
        """Have a slice trained."""
        self.waiting.append((ticket, message))
        self._give()

    def collect(self, timeout: float) -> list[Answer]:
        """Return what is there, or comes within so many seconds."""
        found = []
        for worker, message, why in self.hear(timeout):
            if message is None:
                found += self._buried(worker, why)
            elif not worker.ready:
                worker.ready, self._failed = True, 0
                log.info("worker %d of %s is there", worker.number, self.name)
            elif worker.ticket is not None:
                found.append(Answer(worker.ticket, message))
                worker.ticket = None
        self.fill()
        self._give()
        return found

    def drop(self, ticket: int) -> None:
        """Give a slice up, and end its worker."""
        self.waiting = deque(pair for pair in self.waiting if pair[0] != ticket)
        for worker in [one for one in self.workers if one.ticket == ticket]:
            self.workers.remove(worker)
            self.end(worker.handle)
        self.fill()

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers:
            self.end(worker.handle)
        self.workers.clear()
        self.waiting.clear()

    def _give(self) -> None:
        for worker in self.workers:
            if self.waiting and worker.ready and worker.ticket is None:
                worker.ticket, message = self.waiting.popleft()
                self.send(worker.handle, message)

    def _buried(self, worker: Worker[Any], why: str) -> list[Answer]:
        """Return the slice that a dead worker had; another one is started by `fill`."""
        if worker in self.workers:
            self.workers.remove(worker)
        self.end(worker.handle)
        log.warning(
            "worker %d of %s is gone (%s); another one is started", worker.number, self.name, why
        )
        if not worker.ready:
            self._failed += 1
            if self._failed >= STARTS:
                raise SteepestError(
                    f"{self.name} cannot be started: {why}; what was trained is kept, and steepest "
                    "resume goes on without --workers too"
                )
        return [] if worker.ticket is None else [Answer(worker.ticket, None, why)]
