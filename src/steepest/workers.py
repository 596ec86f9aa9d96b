"""Where populations train: here, on all cores.

Populations are cut into slices of a few members, and a thread a core takes one slice after the
other; JAX lets go of Python while it computes. A slice is small enough to take about half a
second, which is how often progress is told. How the cut falls
depends on the clock, what comes out does not: members know nothing of each other. A program
that reads its data for all members at once gets as many as it can take, and tells of epochs itself.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steepest.engines.cores import pool
from steepest.engines.engine import Program
from steepest.engines.state import Advance, State
from steepest.records import Population

SLICE_SECONDS = 0.5

Progress = Callable[[int, int], None]  # epochs planned and epochs trained, since the last call


class _Stopped(Exception):  # noqa: N818 (it is no error)
    """Raised inside a program that trains, when the others have stopped."""


@dataclass
class Job:
    """A population to train up to an epoch, and how far that has got.

    `begin(members)` returns the state of some members, when they are about to train, and
    `end(members, state, measured)` takes what came of it, from one thread at a time: so only what
    is in training has to be in memory.
    """

    program: Program
    population: Population
    begin: Callable[[range], State]
    end: Callable[[range, State, Advance], None]
    stop: int
    taken: int = 0  # members handed out
    seconds_per_member: float = float("inf")  # unknown, so the first slice is one member

    def next_slice(self, workers: int) -> range | None:
        """Hand out the next members, or None when all are."""
        left = len(self.population) - self.taken
        if left == 0:
            return None
        if self.program.whole:
            parts = -(-left // self.program.capacity)
            first, self.taken = self.taken, self.taken + -(-left // parts)
            return range(first, self.taken)
        fair = -(-left // workers)  # so that no worker is left with nothing to do at the end
        timely = int(SLICE_SECONDS / self.seconds_per_member)
        first = self.taken
        self.taken += max(1, min(fair, timely, self.program.capacity))
        return range(first, self.taken)


def train(jobs: Sequence[Job], workers: int, progress: Progress) -> None:
    """Train all `jobs` in so many threads.

    `progress` is called from the workers' threads, one at a time. An exception, Ctrl-C among
    them, is raised at once; slices in training end by themselves, and nobody is told of them.
    """
    lock = threading.Lock()
    stopped = threading.Event()

    def work(_: int) -> None:
        while not stopped.is_set():
            with lock:
                found = _next(jobs, workers)
            if found is None:
                return
            job, members = found
            told = 0

            def tell(epochs: int) -> None:
                nonlocal told
                if stopped.is_set():
                    raise _Stopped
                if epochs:
                    with lock:
                        told += epochs
                        progress(epochs, epochs)

            try:
                with lock:
                    state = job.begin(members)
                planned = int((job.stop - state.epoch).sum())
                population = job.population.take(members)
                after, measured = job.program.advance(population, state, job.stop, tell)
            except _Stopped:  # for a reason that another thread tells of
                return
            except BaseException:
                stopped.set()
                raise
            with lock:
                if stopped.is_set():
                    return
                job.end(members, after, measured)
                job.seconds_per_member = measured.seconds / len(members)
                progress(planned - told, int(measured.trained.sum()) - told)

    with pool(workers) as threads:
        futures = [threads.submit(work, i) for i in range(workers)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            stopped.set()
            raise


def _next(jobs: Sequence[Job], workers: int) -> tuple[Job, range] | None:
    for job in jobs:
        members = job.next_slice(workers)
        if members is not None:
            return job, members
    return None
