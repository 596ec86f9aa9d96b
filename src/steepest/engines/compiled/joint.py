"""Members of several rules that one call of an executable trains side by side."""

from collections.abc import Sequence

import numpy as np

from steepest.engines.compiled.by_place import ByPlace
from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.placement import Layout
from steepest.engines.compiled.resident import Resident
from steepest.engines.mixed import MixedState, Places
from steepest.engines.state import State


class Joint(Resident):
    """Members of a call by rule; places of a rule that has no members are idle.

    Members are in the order of rules.

    Args:
        shared: the task on its devices; several rules share one alone.
        rows: orders of examples that a call is given on each device.
        by_place: the executable's rules and places.
        parts: where members of each rule stand, by the rule's place in `by_place`.
    """

    def __init__(
        self, shared: DeviceTask, rows: int, by_place: ByPlace, parts: dict[int, Resident]
    ) -> None:
        self.shared, self.rows, self.by_place = shared, rows, by_place
        self.parts, self._orders = parts, (None, None)
        own = [parts[rule] for rule in sorted(parts)]
        count, idle = by_place.places, own[0].seeds[-1:]  # meets an order that is there anyway
        rules = range(len(by_place.plans))
        seeds = [parts[rule].seeds if rule in parts else np.repeat(idle, count) for rule in rules]
        self.seeds = np.concatenate(seeds)
        places = [rule * count + parts[rule].layout.places for rule in sorted(parts)]
        filled = np.asarray(own[0].layout.filled if len(rules) == 1 else [len(self.seeds)])
        self.layout = Layout(
            np.zeros(len(self.seeds), np.int64), np.concatenate(places), filled.astype(np.int32)
        )
        blank = by_place.blanks
        numbers = [parts[rule].numbers if rule in parts else blank[rule][0] for rule in rules]
        self.numbers = tuple(zip(*numbers, strict=True))
        self.standing = by_place.joined(
            [parts[rule].standing if rule in parts else blank[rule][1] for rule in rules]
        )
        for one in own:  # a call writes over what they stood in
            one.standing = None
        self.step, self.epoch, self.alive = (
            np.concatenate([getattr(one, name) for one in own])
            for name in ("step", "epoch", "alive")
        )

    def state(self) -> State:
        """Return where the members stand, on the host. They are between two epochs."""
        return self._of_rules([one.state() for one in self._apart()])

    def resting(self) -> State:
        """Return where the members stand, left on the device where states may wait there."""
        return self._of_rules([one.resting() for one in self._apart()])

    def _apart(self) -> list[Resident]:
        """Return the members of each rule, where they stand now."""
        cut, at = self.by_place.split(self.standing), 0
        own = [self.parts[rule] for rule in sorted(self.parts)]
        for rule, one in zip(sorted(self.parts), own, strict=True):
            mine = slice(at, at + len(one.step))
            one.standing = cut[rule]
            one.step, one.epoch, one.alive = self.step[mine], self.epoch[mine], self.alive[mine]
            at += len(one.step)
        return own

    def _of_rules(self, states: Sequence[State]) -> State:
        if len(states) == 1:
            return states[0]
        which = [rule for rule in sorted(self.parts) for _ in self.parts[rule].step]
        return MixedState(dict(zip(sorted(self.parts), states, strict=True)), Places.of(which))
