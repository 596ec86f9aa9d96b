"""Callbacks around any engine: between epochs they stop members and set their learning rates.

advance by as many epochs as nothing is decided in → show the callbacks what was measured
→ members stop, keep what they are at their best epoch, have another learning rate → advance

The schedule `plateau` is such a callback too, with numbers of each member's own.

The engine inside is called for the members that go on, with the learning rates that they have now,
which are numbers of its program and not part of it: nothing is compiled anew. What callbacks have
seen goes with a member's state, so that whoever trains it further decides as one who had not
stopped.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.data.stream import Data
from steepest.engines.population import Population
from steepest.engines.protocol import Engine, Key, Program, SoFar, Tell, silent, unheard
from steepest.engines.state import Advance, State
from steepest.engines.state_rows import chosen, joined, replaced, weighing
from steepest.records import Config, TaskFacts
from steepest.records.callbacks import (
    CallbackRecord,
    Follower,
    best_by,
    changes_rate,
    monitors,
)
from steepest.rules.plateau import plateau_of

RATE = "learning_rate"
PLATEAU_MONITORS = "loss"  # of validation
PIECE_SECONDS = 1.0  # of training between two looks at whether to stop, where nothing is decided


class CallbackEngine:
    """Trains populations on another engine, under callbacks.

    Args:
        inner: what trains.
        callbacks: what they are; maybe none, where there are some of the person's own.
        forgets: whether the engine inside calls such ones, whose memory no state has: a trial that
            another process began starts anew.
    """

    def __init__(
        self, inner: Engine, callbacks: Sequence[CallbackRecord], forgets: bool = False
    ) -> None:
        self.inner, self.callbacks, self.forgets = inner, tuple(callbacks), forgets
        self.facts: TaskFacts = inner.facts
        self.memory, self.device, self.packages = inner.memory, inner.device, inner.packages

    @property
    def lockstep(self) -> bool | None:
        """How members train, as the engine inside has it."""
        return self.inner.lockstep

    @lockstep.setter
    def lockstep(self, value: bool | None) -> None:
        self.inner.lockstep = value

    @property
    def workers(self) -> int:
        """How many calls of `advance` may run at the same time."""
        return self.inner.workers

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return self.inner.sets

    def prepare(
        self, configs: Mapping[Key, Config], epochs: int = 0, ready: Callable[[], None] = unheard
    ) -> Mapping[Key, Program]:
        """Return the programs of the engine inside, under the callbacks, where there are any."""
        found = self.inner.prepare(configs, epochs, ready)
        return {key: self._under(one, configs[key]) for key, one in found.items()}

    def _under(self, program: Program, config: Config) -> Program:
        plateau = bool(plateau_of(config, self.facts))
        if not (plateau or self.callbacks or self.forgets):
            return program
        return CallbackProgram(program, self.callbacks, self.facts, self.forgets, plateau)


def with_callbacks(engine: Engine) -> Engine:
    """Return an engine that trains configurations with the schedule `plateau` too."""
    return engine if isinstance(engine, CallbackEngine) else CallbackEngine(engine, ())


def without_callbacks(engine: Engine) -> Engine:
    """Return the engine that trains, itself or inside."""
    return engine.inner if isinstance(engine, CallbackEngine) else engine


@dataclass
class CallbackProgram:
    """A program whose members callbacks stop, and whose learning rates they set."""

    inner: Program
    callbacks: tuple[CallbackRecord, ...]
    facts: TaskFacts
    forgets: bool = False  # as of the engine
    plateau: bool = False  # whether its schedule is one
    seconds: float = 0.0  # of an epoch of a member, in the last call of the program inside
    together: None = None  # what they decide is each program's own

    @property
    def names(self) -> tuple[str, ...]:
        """The curves that are looked at, each once."""
        own = (PLATEAU_MONITORS,) if self.plateau else ()
        return tuple(dict.fromkeys((*own, *monitors(self.callbacks))))

    @property
    def changes_rate(self) -> bool:
        """Whether the learning rate is set between epochs."""
        return self.plateau or changes_rate(self.callbacks)

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` can take."""
        return self.inner.capacity

    @property
    def whole(self) -> bool:
        """Whether a call should take all members that it can."""
        return self.inner.whole

    @property
    def places(self) -> int:
        """How many members train in the time of one."""
        return self.inner.places

    @property
    def compile_seconds(self) -> float:
        """What it took to make it."""
        return self.inner.compile_seconds

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population, of which callbacks have seen nothing."""
        state, count = self.inner.begin(population), len(population)
        shape = (count, self.facts.epochs, len(self.names))
        seen: dict[str, Any] = {
            "curve": np.full(shape, np.nan, np.float32),
            "stopped": np.zeros(count, bool),
        }
        if best_by(self.callbacks) is not None:
            seen["best"] = weighing(state)
        return replace(state, seen=seen)

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`, or to where a callback stops it."""
        run = _Run(self, population, state, stop)
        while run.going():
            told, left = run.train(tell)
            if left:
                tell(told, run.so_far)
        return run.so_far()[1:]

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on a set, of the weights that training gives: those of the best
        epoch, where a callback keeps them."""
        if state.seen is not None and "best" in state.seen:
            weights, memory, variables = state.seen["best"]
            state = replace(state, weights=weights, memory=memory, variables=variables)
        return self.inner.measure(population, replace(state, seen=None), on)

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, a repetition each; nothing if unknown."""
        return self.inner.update_seconds(population, replace(state, seen=None))


class _Run:
    """One call of `advance`: where its members stand, and their callbacks."""

    def __init__(
        self, program: CallbackProgram, population: Population, state: State, stop: int
    ) -> None:
        assert state.seen is not None
        self.program, self.population, self.stop = program, population, stop
        self.began, self.begun = time.perf_counter(), state.epoch
        self.state, self.names = replace(state, seen=None), program.names
        self.curve, self.stopped = np.array(state.seen["curve"]), np.array(state.seen["stopped"])
        self.best = state.seen.get("best")
        self.rates = population.numbers.get(RATE, np.ones(len(state)))  # that trials began with
        self.followers = [self._follower(i, rate) for i, rate in enumerate(self.rates.tolist())]
        width = max(0, stop - int(state.epoch.min())) if len(state) else 0
        names = ("training_loss", "loss", *program.facts.metrics)
        shape = (len(state), width)
        self.values = {name: np.full(shape, np.nan, np.float32) for name in names}

    def _follower(self, member: int, rate: float) -> Follower:
        """Return a member's callbacks, which have seen what there is of its curve."""
        plateau = plateau_of(self.population.config(member), self.program.facts)
        follower = Follower((*plateau, *self.program.callbacks), rate)
        for row in self.curve[member, : int(self.state.epoch[member])]:
            follower.see(dict(zip(self.names, row.tolist(), strict=True)))
        return follower

    def _live(self) -> Any:
        return np.flatnonzero(self.state.alive & ~self.stopped & (self.state.epoch < self.stop))

    def going(self) -> bool:
        """Return whether any member is to be trained."""
        return bool(len(self._live()))

    def train(self, tell: Tell) -> tuple[int, bool]:
        """Train those who are the least far, until something is to be decided.

        Returns:
            Epochs that nobody was told of, and whether there is more to train.
        """
        live, program = self._live(), self.program
        epochs = self.state.epoch[live]
        first = int(epochs.min())
        some = live[epochs == first]
        further = epochs[epochs > first].min(initial=self.stop)
        quiet = min(self.followers[member].quiet() for member in some)
        timely = int(PIECE_SECONDS / (program.seconds * len(some))) if program.seconds else 1
        until = min(int(further), first + max(1, min(quiet, timely)))
        heard = 0

        def hear(epochs: int, so_far: SoFar | None = None) -> None:  # noqa: ARG001
            nonlocal heard
            heard += epochs
            tell(epochs)

        whole = len(some) == len(self.state)  # a fresh state may be made where it trains
        before = self.state if whole else self.state.take(some)
        population = self.population if whole else self.population.take(some)
        if program.forgets:  # whose callbacks are known by what a trial began with
            before = replace(before, seen={"rate": self.rates[some]})
        after, measured = program.inner.advance(
            self._at_rates(population, some), before, until, hear
        )
        trained = int(measured.trained.sum())
        if trained:
            program.seconds = measured.seconds / trained
        self._note(some, after, measured)
        self._put(some, after, whole)
        return trained - heard, self.going()

    def _at_rates(self, population: Population, members: Any) -> Population:
        """Return the population with the learning rates that callbacks have set."""
        if RATE not in population.numbers or not self.program.changes_rate:
            return population
        rates = np.array([self.followers[member].rate for member in members], np.float64)
        return replace(population, numbers={**population.numbers, RATE: rates})

    def _note(self, members: Any, after: State, measured: Advance) -> None:
        """Write down what was measured, and show it to the callbacks."""
        for i, member in enumerate(members):
            count, first = int(measured.trained[i]), int(self.state.epoch[member])
            place = first - int(self.begun[member])
            for name, values in measured.values.items():
                self.values[name][member, place : place + count] = values[i, :count]
            rows = [
                [float(measured.values[name][i, k]) for name in self.names] for k in range(count)
            ]
            if count:
                self.curve[member, first : first + count] = np.array(rows, np.float32)
            if not after.alive[i]:
                continue
            for row in rows:
                self.followers[member].see(dict(zip(self.names, row, strict=True)))
            self.stopped[member] = self.followers[member].stopped
        if after.seen is not None:  # callbacks of the person's own, which only `fit` can call
            self.stopped[members] |= after.seen["stopped"]

    def _put(self, members: Any, after: State, whole: bool) -> None:
        """Let members stand where they are now; keep what is their best so far."""
        trained = after.epoch > self.state.epoch[members]
        if self.best is not None:
            better = np.array(
                [
                    bool(t) and self.followers[member].best == int(after.epoch[i])
                    for i, (member, t) in enumerate(zip(members, trained, strict=True))
                ]
            )
            self.best = replaced(self.best, members[better], chosen(weighing(after), better))
        after = replace(after.on_host(), seen=None)
        self.state = after if whole else joined(self.state, members, after)

    def so_far(self) -> tuple[range, State, Advance]:
        """Return all members, their state, and what was measured of them in this call."""
        seen: dict[str, Any] = {"curve": self.curve.copy(), "stopped": self.stopped.copy()}
        if self.best is not None:
            seen["best"] = self.best
        values = {name: array.copy() for name, array in self.values.items()}
        trained = self.state.epoch - self.begun
        seconds = time.perf_counter() - self.began
        state = replace(self.state, seen=seen)
        return range(len(self.stopped)), state, Advance(values, trained, seconds)
