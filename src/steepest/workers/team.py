"""A team of workers that are started, found dead and replaced one by one: processes, Ray's actors.

A subclass says what a worker is. Here is who has which slice, and who takes the next one.
"""

import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from steepest.errors import SteepestError
from steepest.workers.crew import Answer

log = logging.getLogger(__name__)

STARTS = 3  # workers that may die in a row before any has said that it is there
# Seconds that a worker may be idle where fewer are needed. Another one takes seconds to start, and
# what it has to compile, so who is needed soon again stays.
IDLE = 120.0
AT_FIRST = 8  # workers that are started before anybody knows how many are needed
Handle = TypeVar("Handle")


@dataclass
class Worker(Generic[Handle]):
    """One worker, and the slice that it has."""

    number: int
    handle: Handle
    ready: bool = False  # whether it said that it is there
    ticket: int | None = None
    used: float = field(default_factory=lambda: time.monotonic())  # when it was last seen at work


class Team(Generic[Handle]):
    """So many workers, each of which trains one slice at a time."""

    name = "workers"

    def __init__(self, count: int) -> None:
        self.size = count
        self.workers: list[Worker[Handle]] = []
        self.waiting: deque[tuple[int, bytes]] = deque()
        self._numbers = itertools.count()
        self._failed = 0  # starts that failed in a row
        self.needed = math.inf  # slices that there are at a time
        # Workers that are not here, as they would have nothing to do.
        self.given_back = max(0, count - AT_FIRST)

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
        while len(self.workers) < self.size - self.given_back:
            number = next(self._numbers)
            self.workers.append(Worker(number, self.start(number)))

    @property
    def free(self) -> int:
        """How many slices would begin to train at once."""
        return len(self.idle)

    @property
    def idle(self) -> Sequence[int]:
        """The numbers of the workers that are free."""
        return [one.number for one in self.workers if one.ready and one.ticket is None]

    def need(self, count: int) -> None:
        """Hear how many slices there are at a time."""
        self.needed = count
        self.given_back = min(self.given_back, max(0, self.size - count))

    def submit(self, ticket: int, message: bytes, worker: int | None = None) -> None:
        """Have a slice trained, by this worker if it is idle, else by the next one that is."""
        for one in self.workers:
            if one.number == worker and one.ready and one.ticket is None:
                one.ticket = ticket
                self.send(one.handle, message)
                return
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
                found.append(Answer(worker.ticket, message, worker=worker.number))
                worker.ticket = None
        self._give_back()
        self.fill()
        self._give()
        return found

    def _give_back(self) -> None:
        """End workers that have been idle for long and are not needed, but for one."""
        now = time.monotonic()
        for one in self.workers:
            if not one.ready or one.ticket is not None:
                one.used = now
        left = len(self.workers) - max(1, self.needed)
        for one in sorted(self.workers, key=lambda one: one.used):
            if left <= 0 or now - one.used <= IDLE:
                return
            self.workers.remove(one)
            self.end(one.handle)
            self.given_back, left = self.given_back + 1, left - 1
            log.info("worker %d of %s is given back, as nothing needs it", one.number, self.name)

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
        if worker.ticket is None:
            return []
        return [Answer(worker.ticket, None, why, worker.number)]
