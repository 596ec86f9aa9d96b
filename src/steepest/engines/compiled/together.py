"""Programs of several rules that share an executable, as one: a call trains members of them all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Integer

from steepest.engines.compiled.joint import Joint
from steepest.engines.compiled.pieces import Pieces, tell_of
from steepest.engines.compiled.program import CompiledProgram
from steepest.engines.compiled.resident import Resident
from steepest.engines.compiled.width import is_out_of_memory
from steepest.engines.mixed import MixedPopulation, MixedState, Places
from steepest.engines.protocol import Tell, silent
from steepest.engines.state import Advance, State


class Together:
    """Trains members of several rules side by side, each rule's in places of its own.

    Args:
        programs: of the rules, by their places in the executable that they share.
    """

    whole = True

    def __init__(self, programs: Sequence[CompiledProgram]) -> None:
        self.programs = programs
        first = programs[0]
        assert first.by_place is not None
        self.run, self.rows, self.by_place = first.executable, first.rows, first.by_place
        self.pieces = Pieces()
        for program in programs:
            program.together = self

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` takes at a time."""
        return len(self.programs) * self.by_place.places

    def begin(self, population: MixedPopulation) -> State:
        """Return the state of an untrained population."""
        parts = {rule: self.programs[rule].begin(own) for rule, own in population.parts.items()}
        return MixedState(parts, population.places)

    def advance(
        self, population: MixedPopulation, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Raises:
            TaskError: there is no memory for a single member.
        """
        places, most = population.places, self.by_place.places
        if max(map(len, population.parts.values())) > most:  # more of a rule than it has places for
            turn = places.index // most
            return self._by_turns(population, state, stop, tell, turn, self.advance)
        try:
            return self._advance(population, state, stop, tell)
        except Exception as error:
            if not is_out_of_memory(error):
                raise

        def alone(some: MixedPopulation, *given: Any) -> tuple[State, Advance]:
            ((rule, own),) = some.parts.items()
            return self.programs[rule].advance(own, *given)

        # Each rule by itself, and narrower where there is no memory for that either.
        return self._by_turns(population, state, stop, tell, places.which, alone)

    def _advance(
        self, population: MixedPopulation, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        """Train as many members as a call can; the executable has them in the order of rules."""
        started, order = time.perf_counter(), population.places.order
        parts = _parts(state, population)
        before = MixedState(parts, Places.of(population.places.which[order]))
        here: list[Resident] = []
        if (state.alive & (state.epoch < stop)).any():
            own = {
                rule: self.programs[rule].place(some, parts[rule], range(len(some)))
                for rule, some in population.parts.items()
            }
            here = [Joint(self.programs[0].shared, self.rows, self.by_place, own)]

        told = partial(tell_of, tell, order)
        after, measured = self.pieces.train(self.run, here, self.rows, before, stop, told, started)
        joined = MixedState(_parts(after, population), population.places)
        return joined, _in_order(measured, np.argsort(order))

    def _by_turns(
        self,
        population: MixedPopulation,
        state: State,
        stop: int,
        tell: Tell,
        turn: Integer[np.ndarray, " members"],
        advance: Callable[..., tuple[State, Advance]],
    ) -> tuple[State, Advance]:
        """Train the members of one turn after those of another."""
        states: dict[int, State] = {}
        done: list[Advance] = []
        order: list[int] = []
        for one in np.unique(turn):
            some = np.flatnonzero(turn == one)
            told = partial(tell_of, tell, some)
            after, measured = advance(population.take(some), state.take(some), stop, told)
            states |= {int(member): after.take([i]) for i, member in enumerate(some)}
            done.append(measured)
            order.extend(some)
        values = {
            name: np.concatenate([one.values[name] for one in done]) for name in done[0].values
        }
        trained = np.concatenate([one.trained for one in done])
        whole = Advance(values, trained, sum(one.seconds for one in done))
        joined = MixedState.of([states[i] for i in range(len(population))], population.places)
        return joined, _in_order(whole, np.argsort(order))


def _parts(state: State, population: MixedPopulation) -> Mapping[int, State]:
    """Return the states by rule; of one alone, as in a turn that no other needs, it is plain."""
    if isinstance(state, MixedState):
        return state.parts
    (rule,) = population.parts
    return {rule: state}


def _in_order(measured: Advance, order: Integer[np.ndarray, " members"]) -> Advance:
    values = {name: array[order] for name, array in measured.values.items()}
    return replace(measured, values=values, trained=measured.trained[order])
