"""The search's own rules over learning rates alone, replayed on the atlas' curves.

Each optimizer's line of rates on each task is a landscape with two lengths, half the epochs and
all: between two rates losses are interpolated on logarithms, above the last one a training is lost.
The strategy walks it as in a study, on one seed. What counts is the lowest loss that it meets in
full, over the lowest of the line; how the choice is made among those is no part of it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.atlas.table import CAP, Table
from steepest.parse.contestant import contestants
from steepest.search import far_rates, strategy
from steepest.search.choice import Tried
from steepest.search.search_space import RATE, SearchSpace, Values
from steepest.search.strategy import Ask, Lengths

LOST = math.inf
FIRST: Any = SimpleNamespace(seed=0, start_lists=None)  # what of a study's settings starts ask for
SAME = 0.05  # decades between rates that are the same


@dataclass(frozen=True)
class Line:
    """An optimizer's rates on a task: decades, ascending, and losses `[rates, epochs]`."""

    task: str
    space: SearchSpace
    starts: Sequence[Values]
    decades: Any
    losses: Any
    trivial: float = math.nan  # the loss of one answer for every example, where it is known
    training: Any = None  # `[rates]`: the loss in training of the last epoch

    @property
    def best(self) -> float:
        return float(self.losses[:, -1].min())

    def loss(self, values: Values, epoch: int) -> float:
        """Return the loss after an epoch, infinite where a training would be lost."""
        at, losses = math.log10(float(values[RATE])), self.losses[:, epoch - 1]
        if at > self.decades[-1] + SAME:
            return LOST
        right = int(np.clip(np.searchsorted(self.decades, at), 1, len(losses) - 1))
        share = (at - self.decades[right - 1]) / (self.decades[right] - self.decades[right - 1])
        left, here = losses[right - 1], losses[right]
        if share <= SAME or not math.isfinite(left):  # below the line: as its lowest rate
            return float(left)
        return float(left ** (1 - share) * here**share) if math.isfinite(here) else LOST


def _fitted(line: Line, values: Values) -> dict[str, bool]:
    """Return how the rate next to this one ended in training, beside the trivial loss."""
    nearest = int(np.abs(line.decades - math.log10(float(values[RATE]))).argmin())
    fitted = float(line.training[nearest])
    memorized = far_rates.memorizes(fitted, line.trivial)
    return {"wild": fitted > line.trivial, "memorized": memorized}


def lines(table: Table) -> Iterator[Line]:
    """Yield the lines whose rates were all trained, and of which one came through."""
    for name, rule in table.rules.items():
        fixed = {
            key: value
            for key, value in rule.configs[rule.line[0]].hyperparameters.items()
            if key not in (RATE, "final")
        }
        (contestant,) = contestants({name: fixed}, 0)
        space = SearchSpace(contestant)
        starts = space.starts(FIRST)
        for t, task in enumerate(table.tasks):
            curves = [rule.curves.get((i, t)) for i in rule.line]
            if any(one is None for one in curves):
                continue
            losses = np.array(curves, float)
            losses[~np.isfinite(losses)] = LOST
            if 0 < losses[:, -1].min() < LOST:
                trivial = table.facts[t].get("trivial") or math.nan
                training = rule.training[list(rule.line), t]
                yield Line(task, space, starts, np.log10(rule.rates), losses, trivial, training)


def walk(line: Line, trainings: float, trivial: bool = True) -> list[Tried]:
    """Return what the search of so many full trainings tries, but for other seeds.

    `trivial` says whether it knows what the trivial predictor gets.
    """
    whole, least = line.losses.shape[1], line.trivial if trivial else math.nan
    lengths = strategy.with_budget(Lengths(-(-whole // 2), whole, 0.0, trivial=least), trainings)
    lengths = replace(lengths, again=0)
    tried: list[Tried] = []
    asks = strategy.first_asks(line.starts, lengths)
    while asks:
        for ask in asks:
            _train(line, lengths, tried, ask)
        asks = strategy.next_asks(line.space, line.starts, tried, lengths)
    return tried


def _train(line: Line, lengths: Lengths, tried: list[Tried], ask: Ask) -> None:
    full = line.loss(ask.values, lengths.whole) if ask.epochs == lengths.whole else None
    if ask.goes_on is not None:
        begun = tried[ask.goes_on]
        tried[ask.goes_on] = replace(begun, full=full, cost=lengths.whole, waits=False)
        return
    half = line.loss(ask.values, lengths.half)
    waits = full is None and half < LOST
    one = Tried(len(tried), ask.values, half, full, ask.epochs, waits, **_fitted(line, ask.values))
    tried.append(one)


def excesses(table: Table, trainings: float, far: bool = True, trivial: bool = True) -> Any:
    """Return by what share the lowest loss in full is above the lowest there is, a line each."""
    with mock.patch.object(far_rates, "FAR", far_rates.FAR if far else ()):
        found = [
            (min(t.full for t in walk(line, trainings, trivial) if t.full is not None), line.best)
            for line in lines(table)
        ]
    return np.array([met / best - 1 for met, best in found])


def told(table: Table, budgets: Sequence[float]) -> Iterator[str]:
    """Yield lines for each budget: as it is, as if nobody knew the trivial predictor, near only."""
    for trainings in budgets:
        usual = excesses(table, trainings)
        yield _told(f"{trainings:g} trainings", usual)
        unknown = excesses(table, trainings, trivial=False)
        other = unknown != usual
        if other.any():
            yield _told("  without the trivial predictor", unknown)
            yield _told("  of them, with other results", usual[other])
            yield _told("  the same, without it", unknown[other])
        near = excesses(table, trainings, far=False, trivial=False)
        if (near != unknown).any():
            yield _told("  nor far rates", near)


def _told(what: str, found: Any) -> str:
    return (
        f"{what}: mean excess {100 * np.minimum(found, CAP).mean():.2f} %, 90 % point "
        f"{100 * np.quantile(found, 0.9):.1f} %, over 10 %: "
        f"{100 * (found > 0.1).mean():.1f} % of {len(found)} lines"
    )
