"""The search space of an optimizer: where its search starts, and what lies next to a configuration.

Learning rates have no bounds of ours: a search walks as far as they improve. Ranges that a person
gave hold. With momentum μ a step goes on as 1/(1 − μ) steps, so where momentum is another one than
a start's, its rate is kept as η/(1 − μ).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.stats import qmc

from steepest.parse.contestant import Contestant
from steepest.priors.start_lists import DECADES, start_list
from steepest.records import Config, Settings
from steepest.rules import find_rule
from steepest.spaces import Choice, Float, Value

Values = dict[str, Value]
SEEDS_APART = 1000  # a study with seed s has the seeds from 1000·s on
RATE = "learning_rate"
STEPS = (0.4, -0.4, 0.2, -0.2)  # decades of the learning rate to its neighbours, in order
ASIDE = (0.25, -0.25)  # of the length of another range, to neighbours
RISE = 0.4  # decades by which the best rate of a falling one is above a constant one's, about
STARTS = 16  # at most; more are asked for by large budgets alone
PLACES = (0.5, 0.25, 0.75, 0.05, 0.95)  # in a range of rates that a person gave
DIGITS = 3  # of a learning rate, which is to be read
NEAR = 0.05  # decades between learning rates that count as the same


@dataclass(frozen=True)
class SearchSpace:
    """The ranges of one optimizer, and the points that its search may ask for."""

    contestant: Contestant

    @property
    def ranges(self) -> Mapping[str, Float | Choice]:
        """What is searched; without any, the optimizer is not tuned."""
        return self.contestant.space

    def config(self, values: Mapping[str, Value], settings: Settings) -> Config:
        """Return the configuration with these values of all hyperparameters, for the search."""
        return self.contestant.config(values, settings.seed * SEEDS_APART)

    def starts(self, settings: Settings) -> list[Values]:
        """Return the configurations to start from, the most promising first.

        The rule's own list, with what the person fixed. A baseline of the same rule takes the place
        of the first, and the last of them goes. In ranges that the person gave, points are spread
        evenly (a scrambled Sobol sequence; Owen 1998), the first at the default; of values to
        choose from, each has its turn.
        """
        usual = self.contestant.defaults()
        entries = start_list(self.contestant.rule, settings.start_lists) or tuple(
            {RATE: float(usual[RATE]) * times} for times in DECADES if RATE in usual
        )
        given = [n for n in self.ranges if n in self.contestant.given and n != RATE]
        count = STARTS if given else max(len(entries), len(PLACES))
        points = _points(len(given), count, settings.seed)
        found: list[Values] = []
        for i in range(count):
            values = self._entry(usual, entries[i % len(entries)] if entries else {})
            values |= {n: self.ranges[n].at(u) for n, u in zip(given, points[i], strict=True)}
            values |= self._choices(given, i)
            if i == 0:
                values |= {name: usual[name] for name in given}
            values |= self._rate(i)
            if not any(self.same(values, other) for other in found):
                found.append(values)
        return self._led(found, {**usual, **self.contestant.start})

    def _led(self, found: list[Values], first: Values) -> list[Values]:
        """Return as many starts, the first of them what a baseline has."""
        if not self.contestant.start:
            return found
        return [first, *(one for one in found if not self.same(one, first))][: len(found)]

    def _entry(self, usual: Values, entry: Mapping[str, float]) -> Values:
        """Return a start of the list, with what the person fixed."""
        free = {n: v for n, v in entry.items() if n in self.ranges and n in usual}
        values = {**usual, **free}
        if RATE in free and "momentum" in entry:
            kept = (1 - float(values["momentum"])) / (1 - entry["momentum"])
            values[RATE] = _rounded(float(free[RATE]) * kept)
        return values

    def _choices(self, given: list[str], i: int) -> Values:
        """Return the values of a start that the person gave to choose from: a start for each
        combination, one after the other, so that few trials meet all of few values."""
        found, usual = Values(), self.contestant.defaults()
        for name in given:
            space = self.ranges[name]
            if isinstance(space, Choice):
                count = len(space.values)
                first = space.values.index(usual[name])
                found[name] = space.values[(first + i) % count]
                i //= count
        return found

    def _rate(self, i: int) -> Values:
        """Return the learning rate of a start in a range of rates that the person gave."""
        space = self.ranges.get(RATE)
        if RATE not in self.contestant.given or space is None:
            return {}
        if isinstance(space, Choice):
            return {RATE: space.values[i % len(space.values)]}
        return {RATE: space.at(PLACES[i % len(PLACES)])}

    def rates(self, values: Values, steps: tuple[float, ...] = STEPS) -> Iterator[Values]:
        """Yield `values` with the learning rate so many decades away, as far as it may go."""
        space = self.ranges.get(RATE)
        if isinstance(space, Choice):
            yield from self._others(RATE, values)
        if not isinstance(space, Float):
            return
        low, high = find_rule(self.contestant.rule).bounds.get(RATE, (0.0, math.inf))
        if RATE in self.contestant.given:
            low, high = space.low, space.high
        for step in steps:
            rate = min(max(_rounded(float(values[RATE]) * 10**step), low), high)
            if rate > 0:
                yield {**values, RATE: rate}

    def scheduled(self, values: Values) -> Iterator[Values]:
        """Yield `values` with each other schedule that is searched, at rates of its own.

        What falls ends lower, so its best rates are rather higher than those of a constant rate.
        """
        for other in self._others("schedule", values) if "schedule" in self.ranges else ():
            if other["schedule"] == values["schedule"]:
                continue
            falls = (other["schedule"] != "constant") - (values["schedule"] != "constant")
            yield from self.rates(other, (RISE * falls, 0.0) if falls else (0.0,))

    def aside(self, values: Values) -> Iterator[Values]:
        """Yield `values` with another value of what is not the learning rate, one at a time."""
        for name, space in self.ranges.items():
            if name == RATE:
                continue
            if isinstance(space, Choice):
                yield from self._others(name, values)
                continue
            at = min(max(space.position(float(values[name])), 0.0), 1.0)
            for step in ASIDE:
                moved = {**values, name: _neat(space, space.at(at + step))}
                if name == "momentum" and RATE in self.ranges and RATE not in self.contestant.given:
                    kept = (1 - float(moved[name])) / (1 - float(values[name]))
                    moved[RATE] = _rounded(float(values[RATE]) * kept)
                yield moved

    def _others(self, name: str, values: Values) -> Iterator[Values]:
        space = self.ranges[name]
        for value in space.values if isinstance(space, Choice) else ():
            yield {**values, name: value}

    def same(self, one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
        """Tell whether two configurations differ by less than a search can tell."""
        return self.family(one, other) and abs(_decades(one, other)) < NEAR

    def family(self, one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
        """Tell whether two configurations differ in the learning rate alone."""
        return {n: v for n, v in one.items() if n != RATE} == {
            n: v for n, v in other.items() if n != RATE
        }

    def above(self, one: Mapping[str, Value], other: Mapping[str, Value]) -> float:
        """Return by how many decades the learning rate of `one` is above that of `other`."""
        return _decades(one, other)


def _decades(one: Mapping[str, Value], other: Mapping[str, Value]) -> float:
    mine, theirs = float(one.get(RATE, 1.0)), float(other.get(RATE, 1.0))
    if mine <= 0 or theirs <= 0:
        return 0.0 if mine == theirs else math.inf
    return math.log10(mine / theirs)


def _rounded(rate: float) -> float:
    return float(f"{rate:.{DIGITS}g}")


def _neat(space: Float, value: float) -> float:
    """Return a value of a range in two digits, of its distance from 1 where that is its scale."""
    if space.complement:
        kept = float(f"{1 - float(f'{1 - value:.2g}'):.10g}")  # 1 − 0.32 is not quite 0.68
        return min(max(kept, space.low), space.high)
    return min(max(float(f"{value:.2g}"), space.low), space.high)


def _points(dimensions: int, count: int, seed: int) -> list[list[float]]:
    if not dimensions:
        return [[] for _ in range(count)]
    sobol = qmc.Sobol(dimensions, scramble=True, rng=seed)
    found: list[list[float]] = sobol.random_base2(math.ceil(math.log2(count))).tolist()
    return found[:count]
