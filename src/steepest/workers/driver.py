"""The driver's side: cuts jobs into slices for a crew, takes what comes back, and minds the dead.

A slice is a few members and a few epochs, about two seconds of training: what a fault costs, and
how often progress is told. Where packing and sending take long it is longer. How the cut falls
depends on the clock, what comes out does not: a member goes on from its state, wherever that is.

Who dies with a slice has it sent to another one. Two deaths of a slice halve it, as it may be too
much for the memory there. A single member has one more try, as machines may also be taken away by
chance; then its trial has failed.
"""

import math
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steepest.engines.state import Fresh
from steepest.errors import TrialError
from steepest.workers.crew import Answer
from steepest.workers.local import Job, Pace, Progress
from steepest.workers.remote import TICKETS, RemoteEngine, RemoteProgram, raise_told
from steepest.workers.slices import Slice, Trained
from steepest.workers.wire import unpack

SLICE_SECONDS = 2.0
SHARE = 0.05  # of a slice's time that sending it may take; else it is made longer
LOOK = 0.2  # seconds between looks at the clock and at who asks to stop
DEATHS = 2  # of one slice, before it is halved
LAST_DEATHS = 3  # of a single member, before its trial has failed
# A worker hangs that takes so many times as long as was measured, and so many seconds more. It is
# meant for one that stands still: a busy machine is slower, and costs less than a slice twice.
SLOWER, PATIENCE = 10.0, 60.0
# Before anything was measured it has these seconds, or more where the driver's own measuring, or
# another program, says that an epoch may take long; and twice that when it is tried again.
FIRST = 900.0


@dataclass(eq=False)
class _Slice:
    """Members of a job that go together, and how often a worker died with them."""

    job: Job
    members: Sequence[int]
    deaths: int = 0


@dataclass
class _Out:
    """A slice that a worker has."""

    slice: _Slice
    epochs: Sequence[int]  # where its members stood
    stop: int
    sent: float
    due: float  # when it hangs


def train_out(
    jobs: Sequence[Job],
    engine: RemoteEngine,
    progress: Progress,
    pace: Pace | None = None,
    patience: float = PATIENCE,
) -> None:
    """Train all `jobs` by the engine's crew, as `local.train` does in threads.

    An exception is raised at once; who trains goes on for nothing, and nobody is told of it. Where
    it is `enough`, what is in training is waited for; where time is `over`, it is given up. Of jobs
    `ahead` nothing is waited for, and no progress is told.
    """
    driver = _Driver(jobs, engine, progress, pace or Pace(), patience)
    while not driver.pace.over():
        if not driver.waits() and (driver.pace.enough() or driver.done()):
            return
        if not driver.pace.enough():
            driver.send()
        for answer in engine.crew.collect(LOOK):
            driver.take(answer)
        driver.give_up()


class _Driver:
    """What is out, and what waits."""

    def __init__(
        self,
        jobs: Sequence[Job],
        engine: RemoteEngine,
        progress: Progress,
        pace: Pace,
        patience: float,
    ) -> None:
        self.jobs, self.engine, self.crew = jobs, engine, engine.crew
        self.progress, self.pace, self.patience = progress, pace, patience
        self.out: dict[int, _Out] = {}
        self.again: deque[_Slice] = deque()

    def done(self) -> bool:
        """Return whether all that was asked for is handed out."""
        return all(one.job.ahead for one in self.again) and all(
            job.ahead or job.taken == len(job.population) for job in self.jobs
        )

    def waits(self) -> bool:
        """Return whether a worker has something that was asked for."""
        return not all(one.slice.job.ahead for one in self.out.values())

    def send(self) -> None:
        """Send slices to whoever is free."""
        self.crew.need(self._needed())
        while self.crew.free > 0 and (found := self._next()) is not None:
            self._send(*found)

    def _next(self) -> tuple[_Slice, int | None] | None:
        """Return what is sent next, and to whom; what nobody asked for is last."""
        for ahead in (False, True):
            for one in self.again:
                if one.job.ahead is ahead:
                    self.again.remove(one)
                    return one, self._who(one.job)
            for job in self.jobs:
                if job.ahead is ahead and job.taken < len(job.population):
                    worker = self._who(job)
                    first = job.taken
                    job.taken += self._count(job, worker)
                    return _Slice(job, range(first, job.taken)), worker
        return None

    def _needed(self) -> int:
        """Return how many slices there can be at a time, with those that are out."""
        count = len(self.out) + len(self.again)
        for job in self.jobs:
            program, left = _program(job), len(job.population) - job.taken
            count += -(-left // program.capacity) if program.whole else left
        return count

    def _who(self, job: Job) -> int | None:
        """Return the worker that is to train a slice, where workers are known by a number."""
        return self.engine.seen.choose(self.crew.idle, _program(job).name)

    def _count(self, job: Job, worker: int | None) -> int:
        """Return how many members the next slice of a job has."""
        program, left = _program(job), len(job.population) - job.taken
        if program.whole:  # as many at a time take as long as one
            return min(-(-left // self.crew.size), program.capacity)
        epoch = self._epoch(program, worker)
        if not epoch:
            return 1
        fair = math.ceil(left * self.engine.seen.share(worker, self.crew.size) - 1e-9)
        timely = int(_timely(program) / (epoch * job.stop))
        return max(1, min(fair, timely))  # the worker cuts it as its memory asks

    def _epoch(self, program: RemoteProgram, worker: int | None) -> float:
        """Return the seconds that a worker takes for an epoch of a member; 0 if unknown."""
        return program.seconds * self.engine.seen.slow(worker)

    def _send(self, one: _Slice, worker: int | None) -> None:
        job, program = one.job, _program(one.job)
        began = time.perf_counter()
        state = job.begin(one.members)
        epochs = [int(epoch) for epoch in state.epoch]
        length, epoch = 1, self._epoch(program, worker)
        if epoch:
            length = max(1, int(_timely(program) / (epoch * len(one.members))))
        stop = min(job.stop, min(epochs) + length)
        configs = tuple(job.population.config(member) for member in one.members)
        given = None if isinstance(state, Fresh) and not state.weights else state
        engine = self.engine
        value = Slice(program.name, configs, given, stop, engine.lockstep, engine.members)
        ticket = next(TICKETS)
        trained = len(epochs) * (stop - min(epochs))
        if epoch:
            expected = epoch * trained + program.compile_seconds + program.overhead
            patience = self.patience + SLOWER * expected
        else:
            patience = max(FIRST, self.patience + SLOWER * engine.guess() * trained)
            patience *= 2**one.deaths
        self.crew.submit(ticket, value.to_bytes(), worker)
        self.out[ticket] = _Out(one, epochs, stop, began, began + patience)

    def take(self, answer: Answer) -> None:
        """Take what came of a slice. Of one that was given up, or came before, nothing is taken."""
        out = self.out.pop(answer.ticket, None)
        if out is None:
            return
        if answer.message is None:
            self._died(out.slice, answer.why)
            return
        reply = unpack(answer.message)
        if "died" in reply:
            self._died(out.slice, reply["died"])
            return
        raise_told(reply)
        self.engine.check(reply["about"])
        self._trained(out, reply, answer.worker)

    def _trained(self, out: _Out, reply: Mapping[str, Any], worker: int | None) -> None:
        came, job, program = Trained.from_value(reply), out.slice.job, _program(out.slice.job)
        members, going = out.slice.members, []
        kind = reply["about"]["kind"] if self.engine.mixed else ""
        seconds = sum(measured.seconds for _, _, measured in came.parts)
        trained = sum(int(measured.trained.sum()) for _, _, measured in came.parts)
        compiled = came.compile_seconds if not program.seconds else 0.0
        if trained:
            self.engine.seen.note(worker, program, seconds / trained)
        program.capacity, program.whole = came.capacity, came.whole
        program.compile_seconds = max(program.compile_seconds, came.compile_seconds)
        program.overhead = max(0.0, time.perf_counter() - out.sent - seconds - compiled)
        for place, reason in came.failed.items():
            self._failed(job, members[place], reason)
        for places, state, measured in came.parts:
            job.end([members[place] for place in places], state, replace(measured, kind=kind))
            planned = 0
            for i, place in enumerate(places):
                more = state.goes_on(i) and out.stop < job.stop
                planned += (out.stop if more else job.stop) - out.epochs[place]
                going += [members[place]] if more else []
            if not job.ahead:
                self.progress(planned, int(measured.trained.sum()))
        if going:
            self.again.append(_Slice(job, going))

    def give_up(self) -> None:
        """Give up slices of workers that hang."""
        now = time.perf_counter()
        for ticket in [ticket for ticket, out in self.out.items() if now > out.due]:
            out = self.out.pop(ticket)
            self.crew.drop(ticket)
            self._died(out.slice, f"no answer after {now - out.sent:.0f} s")

    def _died(self, one: _Slice, why: str) -> None:
        """Send a slice to another worker, halve it, or tell that its trial has failed."""
        one.deaths += 1
        if one.deaths < (DEATHS if len(one.members) > 1 else LAST_DEATHS):
            self.again.appendleft(one)
        elif len(one.members) > 1:
            self.again.extendleft(_halves(one))
        else:
            said = f"{LAST_DEATHS} workers ended while they trained it, the last one: {why}"
            self._failed(one.job, one.members[0], said)

    def _failed(self, job: Job, member: int, reason: str) -> None:
        if job.fail is None:
            raise TrialError(f"a member cannot be trained: {reason}")
        job.fail(member, reason)


def _program(job: Job) -> RemoteProgram:
    assert isinstance(job.program, RemoteProgram)
    return job.program


def _timely(program: RemoteProgram) -> float:
    """Return how many seconds of training a slice should be."""
    return max(SLICE_SECONDS, program.overhead / SHARE)


def _halves(one: _Slice) -> Iterator[_Slice]:
    middle = len(one.members) // 2
    for members in (one.members[:middle], one.members[middle:]):
        yield _Slice(one.job, members)
