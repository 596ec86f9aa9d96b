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

from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.executable import Run, compile_training
from steepest.engines.compiled.resident import Resident, make_begin, numbers_of
from steepest.engines.compiled.resting import to_host
from steepest.engines.compiled.training import without_order
from steepest.engines.compiled.update_time import UpdateTimer
from steepest.engines.compiled.updates import shows_others
from steepest.engines.compiled.width import Width, is_out_of_memory, narrower
from steepest.engines.population import Population
from steepest.engines.protocol import SoFar, Tell, silent
from steepest.engines.state import Advance, Fresh, State, begin, so_far
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import step as steps

log = logging.getLogger(__name__)
PIECE_SECONDS = 2.0  # after which a call tells how far it is
TRIED = 16  # steps of the first piece, which say how long a step takes
MOST = 2**30  # steps of a call


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
    epoch_seconds: float = 0.0  # of a member, in the last call; 0 before there was one
    step_seconds: float = 0.0  # of a call of the executable, evaluation included; alike
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
            here = self._put(population, self.begin(population), range(1))
            here.train(self.executable, 0, 1, 1)
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
        self.compile_seconds += made.seconds

    def _advance_parts(
        self, population: Population, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        size, done = self.capacity, []
        for first in range(0, len(population), size):
            part = range(first, min(first + size, len(population)))
            told = partial(_tell_of, tell, first)
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
        started = time.perf_counter()
        before, count = state, len(population)
        start = int(state.epoch[state.alive].min()) if state.alive.any() else stop
        if start >= stop:
            return so_far(before, state, [], started)[1:]
        parts = [
            range(place, min(place + self.places, count)) for place in range(0, count, self.places)
        ]
        here = [self._put(population, state, part) for part in parts]
        pieces, first = [], start
        while first < stop:
            # A long training is cut, so that it can be told of, and stopped when time is over.
            timely = int(PIECE_SECONDS / (self.epoch_seconds * count)) if self.epoch_seconds else 1
            room = self.rows // max(some.orders_an_epoch for some in here)
            until = min(stop, first + max(1, min(room, timely)), _next_epoch(here, first, stop))
            began, trained = time.perf_counter(), sum(int(some.epoch.sum()) for some in here)
            values = [self._call(some, first, until, tell) for some in here]
            joined = jax.tree.map(lambda *some: np.concatenate(some), *values)
            pieces.append({n: a[:, first:until] for n, a in joined.items()})
            self.epoch_seconds = (time.perf_counter() - began) / (count * (until - first))
            if until < stop:
                ready = partial(_so_far, before, here, pieces, started)
                tell(sum(int(some.epoch.sum()) for some in here) - trained, ready)
            first = until
        return so_far(before, State.join([some.resting() for some in here]), pieces, started)[1:]

    def _put(self, population: Population, state: State, part: range) -> Resident:
        """Put some members on the devices, where they stay until this call of `advance` ends."""
        if len(part) < len(population):
            population, state = population.take(part), state.take(part)
        at_once, begin_there = self.width.at_once, self._begin_there
        return Resident(self.shared, at_once, self.rows, population, state, begin_there)

    def _call(self, here: Resident, first: int, until: int, tell: Tell) -> dict[str, Any]:
        """Train the members of one call of the executable up to an epoch; return their curves.

        Where an epoch takes long, by several calls, each of some of its steps: `tell` may end it
        between them.
        """
        curves = None
        while True:
            epoch, step, began = here.epoch, here.step, time.perf_counter()
            values = here.train(self.executable, first, until, self._steps())
            curves = values if curves is None else _joined(curves, values, epoch, here.epoch)
            self.step_seconds = (time.perf_counter() - began) / max(
                1, int((here.step - step).max())
            )
            if not (here.alive & (here.epoch < until)).any():
                return curves
            tell(0)

    def _steps(self) -> int:
        """Return how many steps a call takes at most: twice what a piece of work should last, as
        it is meant to end with an epoch."""
        if not self.step_seconds:
            return TRIED
        return int(min(MOST, max(1, 2 * PIECE_SECONDS / self.step_seconds)))

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
            here = self._put(population.take(part), state.take(part), range(len(part)))
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
    return [
        CompiledProgram(shared, config, made.plan, made.run, made.width, made.rows, made.seconds)
        for config, made in zip(configs, compile_training(shared, configs, width), strict=True)
    ]


def _next_epoch(here: list[Resident], first: int, stop: int) -> int:
    """Return the epoch that members who are further than the others wait in, or `stop`."""
    epochs = np.concatenate([some.epoch[some.alive] for some in here])
    return int(epochs[epochs > first].min(initial=stop))


def _so_far(
    before: State, here: list[Resident], pieces: list[dict[str, Any]], started: float
) -> tuple[range, State, Advance]:
    """Return all members, their state, which comes to the host for it, and what was measured."""
    parts = [some.state() for some in here]
    state = parts[0] if len(parts) == 1 else State.join(parts)
    return so_far(before, state, pieces, started)


def _joined(
    curves: dict[str, Any], values: dict[str, Any], before: Any, after: Any
) -> dict[str, Any]:
    """Return curves `[members, epochs]` with the epochs that ended in the last call.

    `before` and `after` are the epochs that members were in, `[members]`.
    """
    epochs = np.arange(next(iter(curves.values())).shape[1])
    new = (epochs >= before[:, None]) & (epochs < after[:, None])
    return {name: np.where(new, values[name], curve) for name, curve in curves.items()}


def _tell_of(tell: Tell, first: int, epochs: int, so_far: SoFar | None = None) -> None:
    """Tell of a part of the members, which begins with member `first`."""

    if so_far is None:
        tell(epochs)
        return

    def shifted() -> tuple[list[int], State, Advance]:
        places, state, measured = so_far()
        return [first + place for place in places], state, measured

    tell(epochs, shifted)
