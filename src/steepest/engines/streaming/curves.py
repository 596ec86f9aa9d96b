"""What a call on a stream gives, while it trains: groups of members on the device, and curves."""

import time
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steepest.engines.state import Advance, State
from steepest.engines.streaming.steps import Numbers, Standing


@dataclass
class Group:
    """The members that one call of a program trains; places are filled up with the last one."""

    members: list[int]  # places in the population
    standing: Standing
    numbers: Numbers
    alive: bool = True  # whether any is


class Curves:
    """What a call of `advance` gives, filled in as epochs end: values, and the state at the end."""

    def __init__(
        self, state: State, start: int, stop: int, metrics: tuple[str, ...], began: float
    ) -> None:
        self.start, self.stop, self.began, self.before = start, stop, began, state
        self.state = state.take(range(len(state)))  # a copy
        shape = (len(state), stop - start)
        names = ("training_loss", "loss", *metrics)
        self.values = {name: np.full(shape, np.nan, np.float32) for name in names}

    def note(self, group: Group, epoch: int, values: dict[str, np.ndarray[Any, Any]]) -> int:
        """Note an epoch of the members of `group` who are alive; return how many those are.

        Where a member diverges or the last epoch ends, its state comes back from the device.
        """
        fine = np.isfinite(values["training_loss"]) & np.isfinite(values["loss"])
        before = [m for m in group.members if self.state.alive[m]]
        leaving = []
        for place, member in enumerate(group.members):
            if member not in before:
                continue
            for name, curve in self.values.items():
                curve[member, epoch - self.start] = values[name][place]
            self.state.epoch[member] = epoch + 1
            self.state.alive[member] = fine[place]
            if not fine[place] or epoch + 1 == self.stop:
                leaving.append((place, member))
        if leaving:
            self._bring(group, leaving)
        group.alive = bool(self.state.alive[group.members].any())
        return len(before)

    def _bring(self, group: Group, which: list[tuple[int, int]]) -> None:
        """Bring the state of members back from the device: places in the group, members."""
        weights, memory, variables, t, _ = group.standing
        theirs = jax.tree.map(np.asarray, (weights, memory, variables, t))
        own = (self.state.weights, self.state.memory, self.state.variables, self.state.step)
        for kept, found in zip(jax.tree.leaves(own), jax.tree.leaves(theirs), strict=True):
            for place, member in which:
                kept[member] = found[place]

    def so_far(self, groups: list[Group], stop: int) -> tuple[list[int], State, Advance]:
        """Return the members of `groups`, their state, and what was measured up to an epoch."""
        for group in groups:
            alive = [(i, m) for i, m in enumerate(group.members) if self.state.alive[m]]
            if alive:
                self._bring(group, alive)
        members = [member for group in groups for member in group.members]
        state = self.state.take(members)
        values = {name: a[members, : stop - self.start] for name, a in self.values.items()}
        seconds = time.perf_counter() - self.began
        trained = state.epoch - self.before.epoch[members]
        return members, state, Advance(values, trained, seconds)
