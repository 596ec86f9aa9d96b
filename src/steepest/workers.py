"""Where populations train: here, on all cores.

Populations are cut into slices of a few members, and a thread a core takes one slice after the
other; JAX lets go of Python while it computes. A slice is small enough to take about half a
second, which is how often progress is told. How the cut falls
depends on the clock, what comes out does not: members know nothing of each other.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from steepest.engines.compiled import Program, advance
from steepest.engines.state import Advance, State
from steepest.records import Population

SLICE_SECONDS = 0.5

Progress = Callable[[int, int], None]  # epochs planned and epochs trained, since the last call
A = TypeVar("A")
B = TypeVar("B")


@dataclass
class Job:
    """A population to train up to an epoch, and how far that has got."""

    program: Program
    population: Population
    state: State
    stop: int
    taken: int = 0  # members handed out
    seconds_per_member: float = float("inf")  # unknown, so the first slice is one member
    done: dict[int, tuple[State, Advance]] = field(default_factory=dict)  # by first member

    def next_slice(self, workers: int) -> range | None:
        """Hand out the next members, or None when all are."""
        left = len(self.population) - self.taken
        if left == 0:
            return None
        fair = -(-left // workers)  # so that no worker is left with nothing to do at the end
        timely = int(SLICE_SECONDS / self.seconds_per_member)
        first = self.taken
        self.taken += max(1, min(fair, timely, self.program.capacity))
        return range(first, self.taken)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Return `function` of each item, computed on all cores, in the order of `items`."""
    with _pool(min(cores(), len(items))) as pool:
        return list(pool.map(function, items))


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool that Ctrl-C does not have to wait for."""
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def train(jobs: Sequence[Job], progress: Progress) -> list[list[tuple[State, Advance]]]:
    """Train all `jobs`; return for each the results of its slices, in order of members.

    `progress` is called from the workers' threads, one at a time. An exception, Ctrl-C among
    them, is raised at once; slices in training end by themselves, and nothing is returned.
    """
    lock = threading.Lock()
    stopped = threading.Event()
    count = cores()

    def work(_: int) -> None:
        while not stopped.is_set():
            with lock:
                found = _next(jobs, count)
            if found is None:
                return
            job, members = found
            population, state = job.population.take(members), job.state.take(members)
            planned = int((job.stop - state.epoch).sum())
            try:
                after, measured = advance(job.program, population, state, job.stop)
            except BaseException:
                stopped.set()
                raise
            with lock:
                job.done[members.start] = (after, measured)
                job.seconds_per_member = measured.seconds / len(members)
                progress(planned, int(measured.trained.sum()))

    with _pool(count) as pool:
        futures = [pool.submit(work, i) for i in range(count)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            stopped.set()
            raise
    return [[job.done[first] for first in sorted(job.done)] for job in jobs]


def _next(jobs: Sequence[Job], workers: int) -> tuple[Job, range] | None:
    for job in jobs:
        members = job.next_slice(workers)
        if members is not None:
            return job, members
    return None
