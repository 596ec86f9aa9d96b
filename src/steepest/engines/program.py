"""A compiled program of one rule, called for as many members and epochs as there are."""

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np

from steepest.engines.engine import SoFar, Tell, silent
from steepest.engines.layout import lay_out, orders_of
from steepest.engines.state import Advance, State, begin, so_far
from steepest.engines.update_time import update_seconds
from steepest.engines.width import Width, is_out_of_memory, narrower
from steepest.errors import TaskError
from steepest.records import Config, Population
from steepest.rules import step as steps
from steepest.tasks.task import Task

PIECE_SECONDS = 2.0  # after which a call tells how far it is


@dataclass
class CompiledProgram:
    """The compiled training of one rule. Where memory runs out, it is compiled again, narrower."""

    engine: Any  # the compiled one, which made it
    config: Config  # any that it trains
    plan: steps.Plan
    executable: Any
    width: Width
    epochs: int  # a call of the executable trains so many at most
    compile_seconds: float
    whole: bool = False  # a call takes what is trained in half a second
    epoch_seconds: float = 0.0  # of a member, in the last call; 0 before there was one
    lock: Any = field(default_factory=threading.Lock)

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` takes at a time."""
        return self.width.capacity * len(self.engine.devices)

    @property
    def places(self) -> int:
        """How many members a call of the executable trains."""
        return self.width.at_once * len(self.engine.devices)

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        return begin(self.engine.task, population)

    def arguments(
        self, population: Population, state: State, count: int, first: int, stop: int
    ) -> tuple[Any, ...]:
        """Return what the executable takes to train `count` members from epoch `first` on."""
        engine, devices = self.engine, len(self.engine.devices)
        layout = lay_out(count, devices, self.width.at_once)
        size = engine.facts.training_examples
        there = population.take(layout.members)
        orders, slots = orders_of(there.seeds, devices, range(first, stop), self.epochs, size)
        return (
            engine.training,
            engine.validation,
            np.int32(first),
            np.int32(stop),
            orders,
            layout.filled,
            slots,
            *_numbers(engine.task, there),
            state.take(layout.members).tree(),
        )

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
            with self.lock:
                if self.width == width:  # and no other thread was faster
                    self._narrow(error)
        return self.advance(population, state, stop, tell)

    def _narrow(self, error: BaseException) -> None:
        less = narrower(self.width)
        if less is None:
            raise TaskError(
                "there is no memory left to train even one member at a time; give a smaller batch "
                "size, fewer examples or a smaller model"
            ) from error
        made = self.engine.compile(self.config, less)
        self.executable, self.width, self.epochs = made.executable, made.width, made.epochs
        self.compile_seconds += made.compile_seconds

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
        pieces, first = [], start
        while first < stop:
            # A long training is cut, so that it can be told of, and stopped when time is over.
            timely = int(PIECE_SECONDS / (self.epoch_seconds * count)) if self.epoch_seconds else 1
            until = min(stop, first + max(1, min(self.epochs, timely)))
            began, trained = time.perf_counter(), int(state.epoch.sum())
            state, values = self._train(population, state, first, until)
            pieces.append({n: a[:, first:until] for n, a in values.items()})
            self.epoch_seconds = (time.perf_counter() - began) / (count * (until - first))
            if until < stop:
                ready = partial(so_far, before, state, pieces, started)
                tell(int(state.epoch.sum()) - trained, ready)
            first = until
        return so_far(before, state, pieces, started)[1:]

    def _train(
        self, population: Population, state: State, first: int, until: int
    ) -> tuple[State, dict[str, Any]]:
        """Call the executable for as many members at a time as it takes."""
        done = []
        for place in range(0, len(population), self.places):
            part = range(place, min(place + self.places, len(population)))
            mine = population.take(part)
            arguments = self.arguments(mine, state.take(part), len(part), first, until)
            places = lay_out(len(part), len(self.engine.devices), self.width.at_once).places
            found = self.executable(*arguments)
            done.append(jax.tree.map(lambda a, places=places: np.array(a)[places], found))
        tree, values = jax.tree.map(lambda *parts: np.concatenate(parts), *done)
        return State(*tree), values

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        numbers, complements = _numbers(self.engine.task, population)
        found, chunks = [], self.engine.chunks[on]
        for member in range(len(state)):
            one = (state.weights, state.memory, state.variables, numbers, complements)
            weights, memory, variables, n, c = jax.tree.map(lambda a, i=member: a[i], one)
            shown = steps.shown(self.plan, weights, memory, n, c)
            values = self.engine.run_measure(shown, variables, chunks)
            found.append({name: float(value) for name, value in values.items()})
        return found

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, of the first member, a repetition each."""
        numbers, complements = _numbers(self.engine.task, population)
        one = jax.tree.map(
            lambda a: np.asarray(a)[0], (state.weights, state.memory, numbers, complements)
        )
        return update_seconds(self.plan, *one)


def _numbers(task: Task, population: Population) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members' numbers and their complements, each float32 `[members]`."""
    return steps.prepare(population.schedule, population.numbers, task.facts.steps)


def _tell_of(tell: Tell, first: int, epochs: int, so_far: SoFar | None = None) -> None:
    """Tell of a part of the members, which begins with member `first`."""

    if so_far is None:
        tell(epochs)
        return

    def shifted() -> tuple[list[int], State, Advance]:
        places, state, measured = so_far()
        return [first + place for place in places], state, measured

    tell(epochs, shifted)
