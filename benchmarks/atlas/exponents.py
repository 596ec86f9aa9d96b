"""How the best learning rate moves with batch size, width, depth and length of training.

In a series one number changes and all else stays. The best rate is the lowest point of a parabola
through the lowest loss on the line of rates and its neighbours, over the logarithm of the rate; the
exponent is the slope of its logarithm over that of the number.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.atlas.figures import _short
from benchmarks.atlas.table import Rule, Table
from steepest.statistics import estimate

BASES = {"batch size": 32.0, "width": 64.0, "depth": 2.0, "epochs": 15.0}  # of what varies


def exponents(table: Table) -> dict[str, Any]:
    """Return the exponents of each number: of each optimizer and series, and their mean."""
    found: dict[str, Any] = {}
    for varies in BASES:
        every = {name: dict(_slopes(table, rule, varies)) for name, rule in table.rules.items()}
        every = {name: slopes for name, slopes in every.items() if slopes}
        means = [float(np.mean(list(slopes.values()))) for slopes in every.values()]
        if means:
            whole = estimate(means)
            found[varies] = {
                "optimizers": {
                    name: {series: _short(slope) for series, slope in slopes.items()}
                    for name, slopes in every.items()
                },
                "mean": _short(float(whole.mean or 0.0)),
                "low": None if whole.low is None else _short(whole.low),
                "high": None if whole.high is None else _short(whole.high),
            }
    return found


def _slopes(table: Table, rule: Rule, varies: str) -> Iterator[tuple[str, float]]:
    for series in dict.fromkeys(table.series):
        points = []
        for t, facts in enumerate(table.facts):
            if facts["series"] != series or not rule.measured[t]:
                continue
            base = table.tasks[t] == series
            if facts["varies"] == varies or base:
                value = BASES[varies] if base else float(facts["value"])
                rate = best_rate(rule, t)
                if rate is not None:
                    points.append((np.log10(value), rate))
        if len(points) >= 3:
            x, y = np.array(points).T
            yield str(series), float(np.polyfit(x, y, 1)[0])


def best_rate(rule: Rule, task: int) -> float | None:
    """Return the logarithm of an optimizer's best rate on a task; None where it is at an end."""
    line = list(rule.line)
    losses = rule.losses[line, task]
    losses = np.where(np.isfinite(losses), losses, np.inf)
    at = int(np.argmin(losses))
    if not 0 < at < len(line) - 1:
        return None
    x = np.log10(rule.rates[at - 1 : at + 2])
    y = np.log(losses[at - 1 : at + 2])
    if not np.isfinite(y).all():
        return float(x[1])
    a, b, _ = np.polyfit(x - x[1], y, 2)
    return float(x[1] - b / (2 * a)) if a > 0 else float(x[1])
