"""The worker's side: builds the task once, keeps its programs, and trains slices.

All that comes and goes is bytes (`wire.py`). What goes wrong goes back as a record, never as an
exception, which other processes could not read.
"""

import contextlib
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from steepest import memo
from steepest.engines import make_engine
from steepest.engines.callbacks import with_callbacks, without_callbacks
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.width import budget
from steepest.engines.population import Population
from steepest.engines.protocol import Program
from steepest.engines.state import Advance, State
from steepest.errors import InputError, SteepestError
from steepest.parse.compiled import compiled_with
from steepest.parse.own_schedules import read_schedules
from steepest.records import Config
from steepest.rules import OWN, RULES
from steepest.rules.custom_schedules import OWN_SCHEDULES, is_own
from steepest.rules.plateau import PLATEAU
from steepest.workers.local import Job, train
from steepest.workers.slices import Slice, Trained
from steepest.workers.wire import pack
from steepest.workers.work import Work

ANY = 1e-9  # seconds a member: a slice was cut to last, so it is trained in as few calls as can be


class Trainer:
    """Trains slices of one task.

    Args:
        work: the task as bytes.
        share: how many workers share the memory of this machine.
        memory: bytes that trials may take in all workers together; None for most of what is free.
    """

    def __init__(self, work: Any, share: int = 1, memory: int | None = None) -> None:
        with contextlib.redirect_stdout(sys.stderr):  # a task file may print
            task = Work.from_bytes(work).build()
            self.engine = make_engine(task, (budget(None) if memory is None else memory) // share)
            # A schedule of the person's own, that the model was compiled with, is known by this,
            # and so is one of the task file.
            compiled_with(task.optimizer, None)
            read_schedules(task.wanted.get("schedule", "constant"))
        self.programs: dict[Any, Program] = {}
        self.forms: dict[Any, Any] = {}
        self.lock = threading.Lock()
        self.turns = threading.BoundedSemaphore(self.engine.workers)  # where threads share this

    def about(self) -> dict[str, Any]:
        """Return what a driver has to know of a worker: its hardware, and what it trains."""
        engine = without_callbacks(self.engine)
        chosen = engine.lockstep
        if chosen is None and isinstance(engine, CompiledEngine):
            chosen = not engine.shared.on_cpu
        return {
            "kind": f"{engine.device}, {platform.machine()} {memo.processor()}",
            "device": engine.device,
            "lockstep": chosen,
            "task": dict(engine.facts.fingerprint),
            "epochs": engine.facts.epochs,
        }

    def train(self, one: Slice) -> Trained:
        """Train a slice; members that cannot be trained are told of."""
        program = self._program(one)
        population = Population.of(one.configs)
        parts: list[tuple[Sequence[int], State, Advance]] = []
        failed: dict[int, str] = {}

        def begin(members: Sequence[int]) -> State:
            if one.state is None:
                return program.begin(population.take(members))
            return one.state.take(members).nested(self._form(one, program))

        def end(members: Sequence[int], state: State, measured: Advance) -> None:
            parts.append((list(members), state, measured))

        job = Job(program, population, begin, end, one.stop, failed.__setitem__)
        job.seconds_per_member = ANY
        with self.turns:
            train([job], 1, lambda *_: None)
        return Trained(parts, failed, program.capacity, program.whole, program.compile_seconds)

    def _form(self, one: Slice, program: Program) -> Any:
        """Return how the memory of a program's states is nested, which is not sent."""
        key = _key(one)
        if key not in self.forms:
            self.forms[key] = program.begin(Population.of(one.configs[:1])).form
        return self.forms[key]

    def _program(self, one: Slice) -> Program:
        key = _key(one)
        with self.lock:
            if key not in self.programs:
                _check_known(one.configs[0])
                if one.configs[0].schedule == PLATEAU:
                    self.engine = with_callbacks(self.engine)
                if one.lockstep is not None:
                    self.engine.lockstep = one.lockstep
                epochs = one.members * self.engine.facts.epochs
                self.programs.update(self.engine.prepare({key: one.configs[0]}, epochs))
            return self.programs[key]


def _key(one: Slice) -> Any:
    """Return what the compiled program of a slice is known by."""
    return one.program, one.lockstep, one.members


def _check_known(config: Config) -> None:
    """Raise `InputError` for an optimizer or a schedule that only the driver's process knows."""
    own = None if config.rule in {**RULES, **OWN} else config.rule
    if is_own(config.schedule) and config.schedule not in OWN_SCHEDULES:
        own = config.schedule
    if own is not None:
        raise InputError(
            f"{own} is of your own, and a worker does not know it; make it in the task file, which "
            "every worker runs, or run without --workers"
        )


def answer(build: Callable[[], Trainer], message: bytes) -> bytes:
    """Return what a worker says to a slice, or to an empty message, which asks who it is."""
    try:
        trainer = build()
        said: dict[str, Any] = {"about": trainer.about()}
        if message:
            said |= trainer.train(Slice.from_bytes(message)).to_value()
    except MemoryError:
        said = {"died": "it ran out of memory"}
    except SteepestError as error:
        said = {"error": [type(error).__name__, str(error)]}
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        said = {"error": ["", f"{type(error).__name__}: {first}"]}
    return pack(said)
