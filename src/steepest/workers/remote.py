"""An engine whose populations are trained by a crew; it measures here, and trains nothing."""

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from steepest import errors
from steepest.data.stream import Data
from steepest.engines.callbacks import CallbackEngine, without_callbacks
from steepest.engines.compiled import autotune
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.protocol import Engine, Key, Program, Tell, silent, unheard
from steepest.engines.state import Advance, State
from steepest.errors import InputError, SteepestError
from steepest.records import Config
from steepest.workers.crew import Crew
from steepest.workers.seen import Seen
from steepest.workers.wire import unpack

log = logging.getLogger(__name__)

TICKETS = itertools.count(1)  # no slice has the number of another, in whichever study
ASK = 1.0  # seconds between looks whether the first worker is there
PASSES = 3.0  # as many times as long as measuring an example, training on it takes; a usual number
RAISED = ("InputError", "TaskError", "TrialError", "StudyFileError", "SteepestError")


class RemoteEngine:
    """Trains populations of one task elsewhere.

    Args:
        here: the engine of this process, which measures trained weights. Its programs are compiled
            when they are first needed for that.
        crew: who trains.
        mixed: whether workers may be of several kinds of processor or GPU.
        ahead: whether idle workers train what may be asked for next.

    Raises:
        InputError: the workers train another task than this process, or one that cannot be
            shared.
        SteepestError: no worker can be started.
    """

    packages: tuple[str, ...]
    lockstep: bool | None

    def __init__(self, here: Engine, crew: Crew, mixed: bool = False, ahead: bool = False) -> None:
        if isinstance(here, CallbackEngine) and here.forgets:
            raise InputError(
                "the task has callbacks of your own, which cannot go with a trial from worker to "
                "worker; run without --workers"
            )
        self.here, self.crew, self.mixed, self.ahead = here, crew, mixed, ahead
        self.facts, self.packages, self.memory = here.facts, here.packages, here.memory
        self.members = 0  # that may want to train at a time; 0 if that is unknown
        self.kind = ""  # of processor or GPU, of the first worker that is there
        self.seen = Seen()
        self.programs: dict[str, RemoteProgram] = {}
        self.epoch = 0.0  # seconds that one may take here, by what measuring takes
        first = self._first()
        self.device = str(first["device"])
        self.default = first["lockstep"]  # how members train where nobody measured
        self.lockstep = here.lockstep

    @property
    def workers(self) -> int:
        """How many slices train at the same time."""
        return self.crew.size

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return self.here.sets

    def prepare(
        self,
        configs: Mapping[Key, Config],
        epochs: int = 0,
        ready: Callable[[], None] = unheard,  # noqa: ARG002  # nothing is compiled here
    ) -> Mapping[Key, Program]:
        """Return programs that workers compile when they first train them."""
        every = list(configs.values())
        if every and epochs:
            self.members = -(-epochs // (len(every) * self.facts.epochs))
            compiled = isinstance(without_callbacks(self.here), CompiledEngine)
            if self.lockstep is None and compiled and self.default:  # on an accelerator
                self.lockstep, _ = autotune.Memo(self.facts, self.device, every, epochs).read()
        if self.lockstep is None:
            self.lockstep = self.default
        made = {key: RemoteProgram(self, repr(key), config) for key, config in configs.items()}
        self.programs.update({program.name: program for program in made.values()})
        return made

    def guess(self) -> float:
        """Return the seconds that an epoch of a member may take with a program that nobody has
        trained yet, compiling counted: as other programs, or as this process reckons."""
        known = [one for one in self.programs.values() if one.seconds]
        return max([self.epoch, *(p.seconds + p.compile_seconds + p.overhead for p in known)])

    def check(self, about: Mapping[str, Any]) -> None:
        """Raise `InputError` for a worker that would train something else, or with other bits."""
        mine = dict(self.facts.fingerprint)
        theirs = about["task"]
        other = sorted(name for name in mine if theirs.get(name) != mine[name])
        if about["epochs"] != self.facts.epochs:
            other.append("epochs")
        if other:
            raise InputError(
                f"a worker has another task than this process, its {other[0]} differ; give every "
                "worker the same files and versions, and let a task file draw nothing without a "
                "seed"
            )
        self.kind = self.kind or about["kind"]
        if about["kind"] != self.kind and not self.mixed:
            raise InputError(
                f"workers are of two kinds, {self.kind} and {about['kind']}, which round "
                "differently, so the same seed would not give the same study; give workers of one "
                "kind, or --kinds any"
            )

    def _first(self) -> Mapping[str, Any]:
        """Wait for the first worker, and return what it is."""
        ticket = next(TICKETS)
        self.crew.submit(ticket, b"")
        while True:
            for one in self.crew.collect(ASK):
                if one.ticket != ticket:
                    continue
                if one.message is None:  # another one comes
                    self.crew.submit(ticket := next(TICKETS), b"")
                    continue
                reply = unpack(one.message)
                raise_told(reply)
                self.check(reply["about"])
                log.info("%s: the first one is there", self.crew.name)
                return dict(reply["about"])


def raise_told(reply: Mapping[str, Any]) -> None:
    """Raise what a worker told of that is no fault of one trial."""
    if "error" not in reply:
        return
    kind, said = reply["error"]
    if kind in RAISED:
        _raise(getattr(errors, kind)(said))
    raise SteepestError(
        f"a worker failed: {said}; run the same without --workers, which says where in the code"
    )


def _raise(error: Exception) -> NoReturn:
    raise error


@dataclass
class RemoteProgram:
    """A program that workers compile. What is measured is measured here."""

    engine: RemoteEngine
    name: str
    config: Config
    capacity: int = 1  # as the first worker that trained it says
    whole: bool = False
    places: int = 1
    compile_seconds: float = 0.0
    seconds: float = 0.0  # of an epoch of a member in a slice; 0 while that is unknown
    overhead: float = 0.0  # of a slice, on the way and in packing
    together: None = None

    @cached_property
    def here(self) -> Program:
        """The program of this process."""
        engine = self.engine
        if engine.here.lockstep is None:
            engine.here.lockstep = engine.lockstep
        return engine.here.prepare({self.name: self.config})[self.name]

    @cached_property
    def form(self) -> Any:
        """How the memory of this program's states is nested where it trains, and measures."""
        return self.here.begin(Population.of([self.config])).form

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        return self.here.begin(population).flat()

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train here, which a study does not ask for."""
        after, measured = self.here.advance(population, state.nested(self.form), stop, tell)
        return after.flat(), measured

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        began = time.perf_counter()
        found = self.here.measure(population, state.nested(self.form), on)
        facts, engine = self.engine.facts, self.engine
        if on == "validation" and facts.validation_examples:
            took = (time.perf_counter() - began) / len(population) / facts.validation_examples
            engine.epoch = max(engine.epoch, PASSES * took * facts.training_examples)
        return found

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, a repetition each; nothing if unknown."""
        return self.here.update_seconds(population, state.nested(self.form))
