"""Figures of the atlas: what the page says, computed from the trainings alone.

A series counts as one task in all medians, shares and means. Losses are of validation; an
optimizer's are those of its best configuration with a constant rate, where nothing else is said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.atlas.design import PLANS, STEP
from benchmarks.atlas.table import SEEDS, Rule, Table
from steepest.statistics import estimate

TIED = 0.03  # by which two losses may differ and share a rank
GOOD = 0.1  # above an optimizer's best on its line of rates: what counts as a good rate
LEVELS = (0.01, 0.03, 0.1, 0.3)  # of the profile: shares of tasks within these of the best
REACHED = 1.1  # times the lowest loss of the task: to what convergence is timed
FEWEST = 5  # tasks below which nothing is said of an optimizer


def figures(table: Table) -> dict[str, Any]:
    """Return all figures, by name."""
    rules = {
        name: rule
        for name, rule in table.rules.items()
        if len(set(table.series[rule.measured])) >= FEWEST
    }
    return {
        "trainings": int(sum((~np.isnan(r.first)).sum() + _again(r) for r in table.rules.values())),
        "three_seeds": int(sum(seeds_of(table) >= SEEDS)),
        "optimizers": {name: of_rule(table, rule) for name, rule in rules.items()},
        "ranks": ranks(table, rules),
        "excess": {name: excess_of_best(table, rule) for name, rule in rules.items()},
        "defaults": {name: excess_of_default(table, rule) for name, rule in rules.items()},
    }


def _again(rule: Rule) -> int:
    return int(np.maximum(rule.seeds - 1, 0).sum())


def seeds_of(table: Table) -> Any:
    """Return how many seeds the better configurations have, `[tasks]`: of those that count."""
    every = [np.where(r.measured, r.seeds.max(axis=0), SEEDS) for r in table.rules.values()]
    return np.min(every, axis=0)


def quantile(values: Any, weights: Any, share: float) -> float | None:
    """Return the value below which so much of the weight lies; values that are NaN do not count."""
    known = ~np.isnan(values)
    if not known.any():
        return None
    order = np.argsort(values[known])
    sums = np.cumsum(weights[known][order])
    at = int(np.searchsorted(sums, share * sums[-1] - 1e-9))
    found = float(values[known][order][min(at, len(order) - 1)])
    return _short(found)


def _short(value: float) -> float | None:
    """Return a number as it is kept: in four digits, None where it is not finite."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def mean_over_series(table: Table, values: Any) -> dict[str, float | None]:
    """Return the mean over series with Student's interval; NaN does not count."""
    every = [
        float(np.nanmean(values[table.series == one]))
        for one in dict.fromkeys(table.series)
        if not np.isnan(values[table.series == one]).all()
    ]
    found = estimate(every)
    return {
        name: None if value is None else _short(value)
        for name, value in (("mean", found.mean), ("low", found.low), ("high", found.high))
    }


def excess_of_best(table: Table, rule: Rule) -> list[float | None]:
    """Return for each task by what share the optimizer's best lies above the best of all."""
    return [None if np.isnan(v) else _short(float(v)) for v in table.excess(rule.own_best)]


def excess_of_default(table: Table, rule: Rule) -> list[float | None]:
    """Return the same of Keras' default; None too where it diverged."""
    return [None if np.isnan(v) else _short(float(v)) for v in table.excess(rule.losses[0])]


def of_rule(table: Table, rule: Rule) -> dict[str, Any]:
    """Return what is said of one optimizer."""
    w, best = table.weights, table.excess(rule.own_best)
    usual, within = table.excess(rule.losses[0]), w[~np.isnan(best)].sum()
    found: dict[str, Any] = {
        "tasks": int(rule.measured.sum()),
        "median": quantile(best, w, 0.5),
        "ninety": quantile(best, w, 0.9),
        "within": {str(level): _short(float(w[best <= level].sum() / within)) for level in LEVELS},
        "default_median": quantile(usual, w, 0.5),
        "default_ninety": quantile(usual, w, 0.9),
        "width": quantile(good_width(rule), w, 0.5),
        "second": PLANS[rule.name].more,
        "second_gain": quantile(second_gain(rule), w, 0.5),
        "time": quantile(time_to_best(table, rule), w, 0.5),
    }
    if rule.cosine.any():
        falling = lowest_of(rule.first[rule.cosine])
        level = lowest_of(rule.first[list(rule.line)])
        found["cosine_gain"] = quantile(1 - falling / level, w, 0.5)
    return found


def lowest_of(losses: Any) -> Any:
    """Return the lowest loss of each task; NaN where none was trained."""
    found = np.where(np.isnan(losses), np.inf, losses).min(axis=0)
    return np.where(np.isfinite(found), found, np.nan)


def second_gain(rule: Rule) -> Any:
    """Return which share of the loss goes where more than the rate is tuned, `[tasks]`, seed 0."""
    every = lowest_of(np.where(rule.cosine[:, None], np.nan, rule.first))
    return 1 - every / lowest_of(rule.first[list(rule.line)])


def good_width(rule: Rule) -> Any:
    """Return over how many decades of rates an optimizer is near its best, `[tasks]`.

    All else is at its default (SGD has momentum 0.9).
    """
    losses = rule.first[list(rule.line)]
    best = lowest_of(losses)
    with np.errstate(invalid="ignore"):
        near = (losses <= best * (1 + GOOD)).sum(axis=0) * STEP
    return np.where(np.isnan(best), np.nan, near)


def time_to_best(table: Table, rule: Rule) -> Any:
    """Return in which share of the epochs an optimizer's best comes near the task's, `[tasks]`.

    Infinite where it never does.
    """
    usable = np.where(rule.cosine[:, None] | np.isnan(rule.first), np.inf, rule.first)
    chosen = usable.argmin(axis=0)
    found = np.full(len(table.tasks), np.nan)
    for t in np.flatnonzero(rule.measured):
        curve = rule.curves[int(chosen[t]), int(t)]
        there = np.flatnonzero(curve <= REACHED * table.best[t])
        found[t] = (there[0] + 1) / len(curve) if len(there) else np.inf
    return found


def ranks(table: Table, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return each optimizer's mean rank, over tasks on which all of them were trained.

    A rank is one more than the number of optimizers that are better by more than 3 %.
    """
    losses = np.array([rule.own_best for rule in rules.values()])
    known = ~np.isnan(losses).any(axis=0)
    better = losses[None, :, :] * (1 + TIED) < losses[:, None, :]
    places = np.where(known, 1.0 + better.sum(axis=1), np.nan)
    return {
        name: {**mean_over_series(table, places[i]), "first": int((places[i] == 1).sum())}
        for i, name in enumerate(rules)
    } | {"tasks": int(known.sum())}


def sides(table: Table, one: Any, other: Any, within: Any = None) -> dict[str, Any]:
    """Return on how many tasks one loss is lower than another by more than 3 %, and how often not.

    `median` is that of one loss over the other, less 1.
    """
    known = ~np.isnan(one) & ~np.isnan(other)
    known = known if within is None else known & within
    a, b, w = one[known], other[known], table.weights[known]
    return {
        "tasks": int(known.sum()),
        "lower": int((a * (1 + TIED) < b).sum()),
        "higher": int((b * (1 + TIED) < a).sum()),
        "median": quantile(a / b - 1, w, 0.5),
    }


def names_of(table: Table, names: Sequence[str]) -> list[str]:
    """Return those of some optimizers that enough was trained of."""
    return [name for name in names if name in table.rules]
