"""Is one rate for all tasks better scaled by batch size, length or weights? Family left out.

Of each optimizer the line of rates alone: one rate, which is the best on average over tasks of the
other families, beside one that moves with the task: a line fitted to those tasks' best rates over
the logarithm of one size. Losses between the rates of a line are interpolated, log over log.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.atlas.figures import quantile
from benchmarks.atlas.table import CAP, Rule, Table

FINE = 0.05  # decades between rates that are looked at
SIZES: dict[str, Callable[[Any], float]] = {
    "batch size": lambda facts: facts["batch_size"],
    "steps": lambda facts: facts["steps"],
    "weights": lambda facts: facts["parameters"],
}


def scaling(table: Table) -> dict[str, Any]:
    """Return median and 90 % point of the excess over the line's best, plain and scaled."""
    found: dict[str, Any] = {}
    for name, rule in table.rules.items():
        grid, costs = _costs(rule)
        ways = {"one rate": _left_out(table, rule, grid, costs, None)}
        ways |= {size: _left_out(table, rule, grid, costs, of) for size, of in SIZES.items()}
        found[name] = {
            way: {
                "median": quantile(excess, table.weights, 0.5),
                "ninety": quantile(excess, table.weights, 0.9),
                "mean": _mean(excess, table.weights),
            }
            for way, excess in ways.items()
        }
    return found


def _mean(excess: Any, weights: Any) -> float | None:
    known = ~np.isnan(excess)
    if not known.any():
        return None
    return float(f"{np.average(excess[known], weights=weights[known]):.4g}")


def _costs(rule: Rule) -> tuple[Any, Any]:
    """Return logarithms of rates, and the capped excess at each of them on each task."""
    x = np.log10(rule.rates)
    grid = np.arange(x[0], x[-1] + FINE / 2, FINE)
    losses = rule.first[list(rule.line)]
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(np.isnan(losses), np.inf, losses).min(axis=0)
        excess = np.clip(losses / best - 1, 0.0, CAP)
    excess = np.where(np.isfinite(losses), excess, CAP)
    logs = np.log1p(excess)
    costs = np.stack([np.interp(grid, x, logs[:, t]) for t in range(losses.shape[1])], axis=1)
    return grid, np.expm1(costs)


def _left_out(
    table: Table, rule: Rule, grid: Any, costs: Any, of: Callable[[Any], float] | None
) -> Any:
    """Return the excess on each task, by what the other families say."""
    found = np.full(len(table.tasks), np.nan)
    size = np.array([0.0 if of is None else np.log10(of(facts)) for facts in table.facts])
    best = grid[costs.argmin(axis=0)]
    for family in dict.fromkeys(table.families):
        out = rule.measured & (table.families == family)
        others = rule.measured & (table.families != family)
        if not out.any() or others.sum() < 3:
            continue
        w = table.weights[others]
        slope, middle = 0.0, float(np.average(size[others], weights=w))
        if np.ptp(size[others]) > 0:
            slope = float(np.polyfit(size[others], best[others], 1, w=np.sqrt(w))[0])
        shifts = slope * (size - middle)
        moved = [_at(grid, costs[:, t], grid + shifts[t]) for t in np.flatnonzero(others)]
        means = np.average(moved, axis=0, weights=w)
        rate = grid[int(np.argmin(means))]
        for t in np.flatnonzero(out):
            found[t] = _at(grid, costs[:, t], rate + shifts[t])
    return found


def _at(grid: Any, costs: Any, rates: Any) -> Any:
    """Return the costs at rates; the cap outside of what was tried."""
    return np.interp(rates, grid, costs, left=CAP, right=CAP)
