"""Where populations train: here, on all cores.

Populations are cut into slices of a few members, and a thread a core takes one slice after the
other; JAX lets go of Python while it computes. A slice is small enough to take about half a
second, which is how often progress is told. How the cut falls
depends on the clock, what comes out does not: members know nothing of each other. A program
that reads its data for all members at once gets as many as it can take, and tells of epochs itself.

What was trained is handed over now and then, and when somebody asks to stop: from there training
can go on. A member in which the model raises an error is left out, and the others go on; an error
of ours, in what is told on the way, is no failure of the model and ends it all.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from steepest.engines.cores import one_thread_a_call, pool
from steepest.engines.mixed import MixedPopulation
from steepest.engines.population import Population
from steepest.engines.protocol import Interrupted, SoFar, Trains
from steepest.engines.state import Advance, State
from steepest.errors import SteepestError, TrialError

SLICE_SECONDS = 0.5

Progress = Callable[[int, int], None]  # epochs planned and epochs trained, since the last call


class _Ours(BaseException):
    """Carries an error of ours through a program that trains, past whatever takes the model's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextlib.contextmanager
def _ours() -> Iterator[None]:
    """Tell what goes wrong in here from what goes wrong in a model."""
    try:
        yield
    except Exception as error:
        raise _Ours(error) from error


@dataclass
class Job:
    """A population to train up to an epoch, and how far that has got.

    `begin(members)` returns the state of some members, when they are about to train, and
    `end(members, state, measured)` takes what came of it, from one thread at a time: so only what
    is in training has to be in memory. It may be called on the way too, with all that was measured
    since `begin`. `fail(member, reason)` takes a member that cannot be trained; without it, what
    such a member raises ends it all.
    """

    program: Trains
    population: Population | MixedPopulation
    begin: Callable[[Sequence[int]], State]
    end: Callable[[Sequence[int], State, Advance], None]
    stop: int
    fail: Callable[[int, str], None] | None = None
    ahead: bool = False  # nobody waits for it: workers take it that have nothing else to do
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


@dataclass
class Pace:
    """When what was trained is to be handed over, and when training is to stop.

    `enough` stops where nothing is lost, at the end of an epoch; `over` stops at once, and the
    epochs since members were handed over the last time are lost. So where it may come, members are
    handed over every `often` seconds.
    """

    due: Callable[[], bool] = lambda: False
    enough: Callable[[], bool] = lambda: False
    over: Callable[[], bool] = lambda: False
    often: float = math.inf

    def stop(self) -> bool:
        """Return whether nothing new is to be begun."""
        return self.over() or self.enough()


def train(jobs: Sequence[Job], workers: int, progress: Progress, pace: Pace | None = None) -> None:
    """Train all `jobs` in so many threads.

    `progress` is called from the workers' threads, one at a time. An exception, Ctrl-C among
    them, is raised at once; slices in training end by themselves, and nobody is told of them. Where
    it is `enough`, or time is `over`, what was trained is handed over, and this returns.
    """
    crew = _Crew(progress, pace or Pace())

    def work(_: int) -> None:
        while not crew.stopped.is_set() and not crew.pace.stop():
            with crew.lock:
                found = _next(jobs, workers)
            if found is None:
                return
            try:
                crew.train(*found)
            except Interrupted:  # for a reason that another thread tells of, or that was asked for
                return
            except _Ours as ours:
                crew.stopped.set()
                raise ours.error from None
            except BaseException:
                crew.stopped.set()
                raise

    with one_thread_a_call(), pool(workers) as threads:
        futures = [threads.submit(work, i) for i in range(workers)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            crew.stopped.set()
            raise


class _Crew:
    """What the threads of a call share."""

    def __init__(self, progress: Progress, pace: Pace) -> None:
        self.progress, self.pace = progress, pace
        self.lock = threading.Lock()
        self.stopped = threading.Event()

    def train(self, job: Job, members: Sequence[int]) -> None:
        """Train some members of a job; those that cannot be trained are told of, one by one."""
        try:
            self._train(job, members)
        except MemoryError:
            raise
        except Exception as error:
            if job.fail is None:
                raise
            if isinstance(error, SteepestError) and not isinstance(error, TrialError):
                raise  # it is about the whole study
            if len(members) > 1:
                for member in members:
                    self.train(job, [member])
                return
            if isinstance(error, TrialError):
                said = str(error)
            else:
                first = (str(error).strip().splitlines() or [""])[0][:300]
                said = f"{type(error).__name__}: {first}" if first else type(error).__name__
            with self.lock, _ours():
                if not self.stopped.is_set():
                    job.fail(members[0], said)

    def _train(self, job: Job, members: Sequence[int]) -> None:
        told, handed = 0, time.perf_counter()

        def tell(epochs: int, so_far: SoFar | None = None) -> None:
            nonlocal told, handed
            if self.stopped.is_set():
                raise Interrupted
            with self.lock, _ours():
                if epochs:
                    told += epochs
                    self.progress(epochs, epochs)
                over = self.pace.over()
                enough = so_far is not None and self.pace.enough()
                if so_far is not None:
                    late = time.perf_counter() - handed > self.pace.often
                    if over or enough or late or self.pace.due():
                        places, state, measured = so_far()
                        job.end([members[place] for place in places], state, measured)
                        handed = time.perf_counter()
            if over or enough:
                raise Interrupted

        with self.lock:
            state = job.begin(members)
        planned = int((job.stop - state.epoch).sum())
        population = job.population.take(members)
        after, measured = job.program.advance(population, state, job.stop, tell)
        with self.lock, _ours():
            if self.stopped.is_set():
                return
            job.end(members, after, measured)
            job.seconds_per_member = measured.seconds / len(members)
            self.progress(planned - told, int(measured.trained.sum()) - told)


def _next(jobs: Sequence[Job], workers: int) -> tuple[Job, range] | None:
    for job in jobs:
        members = job.next_slice(workers)
        if members is not None:
            return job, members
    return None
