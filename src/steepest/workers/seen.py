"""What a driver has seen of its workers: what each has compiled, and how fast it trains.

Machines of one kind differ too, as others use them, or as they get hot.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Timed(Protocol):
    """A program, of which it is measured how long it takes."""

    name: str
    seconds: float  # of an epoch of a member, by a worker of slowness 1; 0 while that is unknown


@dataclass
class Seen:
    """Workers by their numbers; where they have none, all are alike."""

    slowness: dict[int, float] = field(default_factory=dict)  # 2 trains half as fast as 1
    compiled: dict[int, set[str]] = field(default_factory=dict)  # names of programs

    def choose(self, idle: Sequence[int], program: str) -> int | None:
        """Return who trains a slice best: who has its program, and of these the fastest."""

        def cost(worker: int) -> tuple[bool, float, int]:
            new = program not in self.compiled.get(worker, ())
            return new, self.slow(worker), worker

        return min(idle, key=cost, default=None)

    def slow(self, worker: int | None) -> float:
        """Return how many times as long as others a worker takes."""
        return 1.0 if worker is None else self.slowness.get(worker, 1.0)

    def share(self, worker: int | None, size: int) -> float:
        """Return which part of the work is a worker's, so that all `size` end at the same time.

        At most all of it: where the slow ones are gone, who is left is faster than the mean.
        """
        speeds = [1 / slow for slow in self.slowness.values()] or [1.0]
        return min(1.0, 1 / self.slow(worker) / (size * sum(speeds) / len(speeds)))

    def note(self, worker: int | None, program: Timed, seconds: float) -> None:
        """Take how long an epoch of a member took, which is half the program's, half the worker's
        doing: what other workers and other programs take tells them apart in time."""
        if worker is None:
            program.seconds = seconds
            return
        self.compiled.setdefault(worker, set()).add(program.name)
        before = self.slow(worker)
        if not program.seconds:
            program.seconds = seconds / before
            return
        self.slowness[worker] = math.sqrt(before * seconds / program.seconds)
        program.seconds = math.sqrt(program.seconds * seconds / self.slowness[worker])
