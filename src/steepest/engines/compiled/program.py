"""A compiled program of one rule, called for as many members and epochs as there are."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from steepest.engines.compiled.by_place import ByPlace
from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.executable import Run, compile_training
from steepest.engines.compiled.joint import Joint
from steepest.engines.compiled.pieces import Pieces, tell_of
from steepest.engines.compiled.resident import Resident, make_begin, numbers_of
from steepest.engines.compiled.resting import to_host
from steepest.engines.compiled.training import without_order
from steepest.engines.compiled.update_time import UpdateTimer
from steepest.engines.compiled.updates import shows_others
from steepest.engines.compiled.width import Width, is_out_of_memory, narrower
from steepest.engines.population import Population
from steepest.engines.protocol import Tell, TrainsSeveral, silent
from steepest.engines.state import Advance, Fresh, State, begin
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import step as steps

log = logging.getLogger(__name__)


@dataclass
class CompiledProgram:
    """The compiled training of one rule. Where memory runs out, it is compiled again, narrower."""

    shared: DeviceTask
    config: Config  # any that it trains
    plan: steps.Plan
    executable: Run
    width: Width
    rows: int  # orders of examples that a call of the executable is given on a device
    compile_seconds: float
    by_place: ByPlace | None = None  # the executable's rules and places, side by side
    rule: int = 0  # its place among them
    together: TrainsSeveral | None = None  # trains its members and those of other rules in one call
    pieces: Pieces = field(default_factory=Pieces)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` takes at a time."""
        return self.width.capacity * len(self.shared.devices)

    @property
    def whole(self) -> bool:
        """Whether a call takes all that it can: side by side, few take as long as many."""
        return self.width.lockstep

    @property
    def places(self) -> int:
        """How many members a call of the executable trains: side by side, in the time of one."""
        return self.width.at_once * len(self.shared.devices)

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        state = begin(self.shared.task, population, self.shared.draw)
        return state if self.shared.on_cpu else Fresh(*state.tree())

    @cached_property
    def _begin_there(self) -> Any:
        return None if self.shared.on_cpu else make_begin(self.shared, self.plan)

    def warm(self) -> None:
        """Take steps for nothing: a GPU's first load libraries, for which no trial should pay."""
        population = Population.of([self.config])
        try:
            self.put(population, self.begin(population), range(1)).train(self.executable, 0, 1, 1)
        except Exception as error:  # too little memory, say: who trains meets it, and is narrowed
            log.debug("a program is not warm: %s", error)

    def advance(
        self,
        population: Population,
        state: State,
        stop: int,
        tell: Tell = silent,
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Raises:
            TaskError: there is no memory for a single member.
        """
        width = self.width
        if len(population) > self.capacity:  # it became narrower
            return self._advance_parts(population, state, stop, tell)
        try:
            return self._advance(population, state, stop, tell)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            shelf = self.shared.shelf
            made_room = shelf is not None and shelf.clear()
            with self.lock:
                if self.width == width and not made_room:  # and no other thread was faster
                    self._narrow(error)
        return self.advance(population, state, stop, tell)

    def _narrow(self, error: BaseException) -> None:
        less = narrower(self.width)
        if less is None:
            raise TaskError(
                "there is no memory left to train even one member at a time; give a smaller batch "
                "size, fewer examples or a smaller model"
            ) from error
        (made,) = compile_training(self.shared, [self.config], less)
        self.executable, self.width, self.rows = made.run, made.width, made.rows
        self.by_place, self.rule, self.together = made.by_place, made.rule, None
        self.compile_seconds += made.seconds

    def _advance_parts(
        self, population: Population, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        size, done = self.capacity, []
        for first in range(0, len(population), size):
            part = range(first, min(first + size, len(population)))
            told = partial(tell_of, tell, np.asarray(part))
            done.append(self.advance(population.take(part), state.take(part), stop, told))
        values = {
            name: np.concatenate([advance.values[name] for _, advance in done])
            for name in done[0][1].values
        }
        trained = np.concatenate([advance.trained for _, advance in done])
        seconds = sum(advance.seconds for _, advance in done)
        return State.join([state for state, _ in done]), Advance(values, trained, seconds)

    def _advance(
        self, population: Population, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        started, count = time.perf_counter(), len(population)
        parts = [
            range(place, min(place + self.places, count)) for place in range(0, count, self.places)
        ]
        going = bool((state.alive & (state.epoch < stop)).any())
        here = [self.put(population, state, part) for part in parts] if going else []
        run, rows = self.executable, self.rows
        return self.pieces.train(run, here, rows, state, stop, tell, started)

    def put(self, population: Population, state: State, part: range) -> Resident:
        """Put some members where the executable trains them, until a call of `advance` ends."""
        here = self.place(population, state, part)
        if self.by_place is None:
            return here
        return Joint(self.shared, self.rows, self.by_place, {self.rule: here})

    def place(self, population: Population, state: State, part: range) -> Resident:
        """Put some members on the devices, in places of their rule."""
        if len(part) < len(population):
            population, state = population.take(part), state.take(part)
        at_once, begin_there = self.width.at_once, self._begin_there
        return Resident(self.shared, at_once, self.rows, population, state, begin_there)

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        if self.width.lockstep:
            return self._measure_together(population, state, on)
        numbers, complements = numbers_of(self.shared, population)
        found = []
        for member in range(len(state)):
            one = (state.weights, state.memory, state.variables, numbers, complements)
            weights, memory, variables, n, c = jax.tree.map(lambda a, i=member: a[i], one)
            shown = steps.shown(self.plan, weights, memory, n, c)
            found.append(self.shared.measure(shown, variables, on))
        return found

    def _measure_together(
        self, population: Population, state: State, on: str
    ) -> list[dict[str, float]]:
        """Measure as many members at a time as a call trains."""
        found: list[dict[str, float]] = []
        for place in range(0, len(state), self.places):
            part = range(place, min(place + self.places, len(state)))
            here = self.place(population.take(part), state.take(part), range(len(part)))
            weights, memory, variables = here.standing[:3]
            if shows_others(self.plan):
                weights = self._shown(weights, memory, *here.numbers)
            values = to_host(self.shared.measured(weights, variables, self.shared.chunks[on]))
            for place in here.layout.places:
                found.append({name: float(value[place]) for name, value in values.items()})
        return found

    @cached_property
    def _shown(self) -> Any:
        mapped = jax.vmap(partial(steps.shown, self.plan))
        return jax.jit(mapped, compiler_options=without_order(self.shared.options))

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, of the first member, of one more repetition."""
        numbers, complements = numbers_of(self.shared, population)
        one = jax.tree.map(
            lambda a: np.asarray(a)[0], (state.weights, state.memory, numbers, complements)
        )
        return (self.update_timer.seconds(*one),)

    @cached_property
    def update_timer(self) -> UpdateTimer:
        """What times the update; it is compiled when it is first asked."""
        return UpdateTimer(self.plan, without_order(self.shared.options))


def compile_programs(
    shared: DeviceTask, configs: Sequence[Config], width: Width
) -> list[CompiledProgram]:
    """Compile the training of each config's rule, choices and schedule, for any numbers.

    `width` is what to try first: it is halved until as many members fit into memory.
    """
    made = compile_training(shared, configs, width)
    return [
        CompiledProgram(
            shared,
            config,
            one.plan,
            one.run,
            one.width,
            one.rows,
            one.seconds,
            one.by_place,
            one.rule,
        )
        for config, one in zip(configs, made, strict=True)
    ]
