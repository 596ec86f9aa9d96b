"""Where an optimizer is searched: a box whose sides are its ranges, and may grow.

With momentum μ a step goes on as 1/(1 − μ) steps, so the range of the learning rate is that of
η/(1 − μ) where it is ours: what is too high or too low depends little on the momentum then.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scipy.stats import qmc

from steepest.records import Config, Settings
from steepest.rules import find_rule
from steepest.rules.contestant import Contestant
from steepest.spaces import Float, Space, Value

Values = dict[str, Value]
SEEDS_APART = 1000  # a study with seed s has the seeds from 1000·s on
EDGE = 0.1  # the share of a range, at either end, that counts as its edge
GROWTH = 0.4  # how much of its length a range grows by beyond an edge


@dataclass
class Ground:
    """The ranges of one optimizer; a point of the box is one position in [0, 1] for each."""

    contestant: Contestant
    space: dict[str, Space] = field(init=False)

    def __post_init__(self) -> None:
        self.space = dict(self.contestant.space)

    @property
    def effective(self) -> bool:
        """Whether the range of the learning rate is that of η/(1 − μ)."""
        named = {**self.contestant.fixed, **self.space}
        ours = "learning_rate" in self.space and "learning_rate" not in self.contestant.given
        return ours and "momentum" in named

    def config(self, values: Values, settings: Settings) -> Config:
        """Return the configuration with these values of all hyperparameters, for the search."""
        return self.contestant.config(values, settings.seed * SEEDS_APART)

    def values(self, point: Sequence[float]) -> Values:
        """Return all hyperparameters at a point."""
        found = {n: s.at(u) for (n, s), u in zip(self.space.items(), point, strict=True)}
        values = {**self.contestant.fixed, **found}
        if self.effective:
            rate, momentum = float(values["learning_rate"]), float(values["momentum"])
            values["learning_rate"] = rate * (1 - momentum)
        return values

    def point(self, values: Mapping[str, Value]) -> list[float] | None:
        """Return where `values` lie, outside of [0, 1] if beyond a range; None if they differ from
        the box in what is not searched."""
        rest = {n: v for n, v in values.items() if n not in self.space}
        fixed = {n: v for n, v in self.contestant.fixed.items() if n not in self.space}
        if "decay_steps" not in fixed:  # a rung's own
            rest.pop("decay_steps", None)
        if rest != fixed:
            return None
        return [self.position(name, values) for name in self.space]

    def position(self, name: str, values: Mapping[str, Value]) -> float:
        """Return where `values` lie in one range."""
        space, value = self.space[name], values[name]
        if not isinstance(space, Float):
            return (space.values.index(value) + 0.5) / len(space.values)
        if name == "learning_rate" and self.effective:
            return space.position(float(value) / (1 - float(values["momentum"])))
        return space.position(float(value))

    def ratio(self, name: str) -> float:
        """Return a range's high end over its low one; e where it is not logarithmic."""
        space = self.space[name]
        if not isinstance(space, Float) or not space.log:
            return math.e
        return space.high / space.low

    def spread(self, settings: Settings) -> list[Values]:
        """Return the framework's defaults, then points spread evenly: a scrambled Sobol sequence.

        Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points".
        """
        values, count = [self.contestant.defaults()], settings.trials
        if self.space and count > 1:
            sobol = qmc.Sobol(len(self.space), scramble=True, rng=settings.seed)
            points = sobol.random_base2(math.ceil(math.log2(count - 1)))
            for point in points[: count - 1].tolist():
                if (found := self.values(point)) not in values:  # choices alone soon run out
                    values.append(found)
        return values

    def edges(self, point: Sequence[float]) -> dict[str, bool]:
        """Return the ranges of ours at whose edge a point lies: True for the upper one.

        Ends at which there is nothing beyond, as for a momentum of 0, are none. Ranges that the
        person gave are theirs.
        """
        found = {}
        for (name, space), u in zip(self.space.items(), point, strict=True):
            ours = isinstance(space, Float) and name not in self.contestant.given
            if ours and not EDGE < u < 1 - EDGE and self._grown(name, u > 0.5) != space:
                found[name] = u > 0.5
        return found

    def expand(self, name: str, upper: bool) -> None:
        """Let a range grow beyond one of its ends."""
        self.space[name] = self._grown(name, upper)

    def _grown(self, name: str, upper: bool) -> Space:
        """Return a range with more beyond one end, as far as the rule's bounds allow."""
        space = self.space[name]
        if not isinstance(space, Float) or not space.log:
            return space
        low, high = find_rule(self.contestant.rule).bounds.get(name, (0.0, 1e38))
        if space.complement:  # there is nothing below a momentum of 0
            low, high = max(low, 0.0), min(high, 1 - 1e-5)
        end = space.beyond(1 + GROWTH if upper else -GROWTH)
        if upper:
            return Float(space.low, max(space.high, min(end, high)), True, space.complement)
        return Float(min(space.low, max(end, low)), space.high, True, space.complement)
