"""Members of several rules that train together, though their populations and states are apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Integer

from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.records import Config


@dataclass(frozen=True)
class Places:
    """Which members are of which part, and where in it; parts are numbered."""

    which: Integer[np.ndarray, " members"]  # the part of each member
    index: Integer[np.ndarray, " members"]  # its place there, in the order of members

    @classmethod
    def of(cls, which: Sequence[int] | Integer[np.ndarray, " members"]) -> "Places":
        """Return the places of members whose parts are known."""
        which = np.asarray(which, np.int64)
        index = np.zeros_like(which)
        for part in np.unique(which):
            index[which == part] = np.arange(np.sum(which == part))
        return cls(which, index)

    def __len__(self) -> int:
        return len(self.which)

    @cached_property
    def order(self) -> Integer[np.ndarray, " members"]:
        """The members, those of the first part first."""
        return np.argsort(self.which, kind="stable")

    def members(self, part: int) -> Integer[np.ndarray, " some"]:
        """Return the members of a part."""
        return np.flatnonzero(self.which == part)

    def taken(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> dict[int, list[int]]:
        """Return of each part which of its own are among some members, in their order."""
        found: dict[int, list[int]] = {}
        for member in np.asarray(members, np.int64).tolist():
            found.setdefault(int(self.which[member]), []).append(int(self.index[member]))
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class MixedPopulation:
    """Configurations of several rules that train together, as a population of each."""

    parts: Mapping[int, Population]
    places: Places

    @classmethod
    def of(cls, configs: Sequence[Config], which: Sequence[int]) -> "MixedPopulation":
        """Stack configurations, of which those of a part agree in all but numbers and seed."""
        places = Places.of(which)
        parts = {
            part: Population.of([configs[member] for member in places.members(part)])
            for part in np.unique(places.which).tolist()
        }
        return cls(parts, places)

    def __len__(self) -> int:
        return len(self.places)

    def config(self, member: int) -> Config:
        """Return the configuration of one member."""
        return self.parts[int(self.places.which[member])].config(int(self.places.index[member]))

    def take(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> "MixedPopulation":
        """Return the population of those members alone."""
        parts = {p: self.parts[p].take(some) for p, some in self.places.taken(members).items()}
        return MixedPopulation(parts, Places.of(self.places.which[np.asarray(members, np.int64)]))


class MixedState(State):
    """Where members of several rules stand, as a state of each part."""

    def __init__(self, parts: Mapping[int, State], places: Places) -> None:
        counts = {name: _each(parts, places, name) for name in ("step", "epoch", "alive")}
        self.__dict__.update(parts=parts, places=places, seen=None, **counts)  # a State is frozen

    parts: Mapping[int, State]
    places: Places

    @classmethod
    def of(cls, states: Sequence[State], places: Places) -> "MixedState":
        """Put together the states of single members."""
        parts = {
            part: State.join([states[member] for member in places.members(part)])
            for part in np.unique(places.which).tolist()
        }
        return cls(parts, places)

    def take(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> State:
        """Return the state of those members alone, which is a plain one where they are of a part.

        Of its whole part it is that part's own.
        """
        taken = self.places.taken(members)
        parts = {p: self._part(p, some) for p, some in taken.items()}
        if len(parts) == 1:
            return next(iter(parts.values()))
        return MixedState(parts, Places.of(self.places.which[np.asarray(members, np.int64)]))

    def _part(self, part: int, some: Sequence[int]) -> State:
        own = self.parts[part]
        return own if some == list(range(len(own))) else own.take(some)


def joined(population: Population | MixedPopulation, states: Sequence[State]) -> State:
    """Return the states of single members as that of their population."""
    if isinstance(population, MixedPopulation):
        return MixedState.of(states, population.places)
    return State.join(states)


def _each(parts: Mapping[int, State], places: Places, name: str) -> Any:
    """Return a number of each member, in their order."""
    joined = np.concatenate([getattr(parts[part], name) for part in sorted(parts)])
    found = np.empty_like(joined)
    found[places.order] = joined
    return found
