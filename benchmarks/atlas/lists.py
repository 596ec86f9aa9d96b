"""Start lists: of each optimizer, the configurations that make the best of the first k best.

Greedy, as TaskSet's (Metz et al. 2020): each entry is the configuration that, beside those before
it, lowers the excess over the optimizer's own best most, capped and averaged over tasks, a series
counting as one task. Judged leave-one-family-out: on tasks of a family by lists made without it,
beside as many random points of the same space, the framework's default with its neighbours, and
today's list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.atlas import design
from benchmarks.atlas.table import CAP, Rule, Table
from steepest.statistics import estimate

LENGTH = 8
JUDGED = (1, 3, 8)  # of the first so many, the best
EQUAL = (3, 5)  # entries that lists are held against today's by: what a search begins with, and all
MATTERS = 0.05  # of excess: a list whose gain is less is left
DRAWS = 200  # of random points
NEIGHBOURS = (0.1, 10.0, 0.4, 2.5, 0.16, 6.3, 16.0)  # times the default, beside it


@dataclass(frozen=True)
class Judged:
    """Excesses over an optimizer's own best, `[tasks]`, of the best of the first k, by k."""

    listed: dict[int, Any]
    random: dict[int, Any]  # medians over draws
    usual: dict[int, Any]  # the framework's default, then its neighbours
    today: dict[int, Any]  # of Steepest's list as it is, k at most its length


def excess(table: Table, rule: Rule) -> Any:
    """Return the capped excess over the optimizer's own best, `[configs, tasks]`."""
    found = table.excess(rule.losses, rule.own_best)
    return np.minimum(np.where(np.isnan(found), CAP, np.maximum(found, 0.0)), CAP)


def greedy(costs: Any, weights: Any, usable: Sequence[int], length: int = LENGTH) -> list[int]:
    """Return configurations in order, of those usable, by their costs `[configs, tasks]`."""
    chosen: list[int] = []
    so_far = np.full(costs.shape[1], CAP)
    while len(chosen) < min(length, len(usable)):
        means = {
            i: float(np.minimum(costs[i], so_far) @ weights) for i in usable if i not in chosen
        }
        best = min(means, key=lambda i: (means[i], i))
        chosen.append(best)
        so_far = np.minimum(so_far, costs[best])
    return chosen


def start_list(table: Table, rule: Rule, without: str | None = None) -> list[int]:
    """Return an optimizer's list, made of all tasks but those of a family."""
    into = rule.measured & (table.families != without)
    costs = excess(table, rule)[:, into]
    return greedy(costs, table.weights[into], list(np.flatnonzero(~rule.cosine)))


def judge(table: Table, rule: Rule) -> Judged:
    """Judge an optimizer's list leave-one-family-out, beside what else one could start from."""
    costs, random = excess(table, rule), np.random.default_rng(0)
    counts = sorted({*JUDGED, *EQUAL})
    found = Judged(*({k: np.full(len(table.tasks), np.nan) for k in counts} for _ in range(4)))
    points, usual = design.points(rule.name), _usual(rule)
    today = design.today(rule.name)
    for family in dict.fromkeys(table.families):
        some = np.flatnonzero(rule.measured & (table.families == family))
        if not len(some) or not (rule.measured & (table.families != family)).any():
            continue
        listed = start_list(table, rule, without=family)
        draws = [random.permutation(points) for _ in range(DRAWS)]
        for k in counts:
            found.listed[k][some] = costs[np.ix_(listed[:k], some)].min(axis=0)
            found.usual[k][some] = costs[np.ix_(usual[:k], some)].min(axis=0)
            best = [costs[np.ix_(draw[:k], some)].min(axis=0) for draw in draws]
            found.random[k][some] = np.median(best, axis=0)
            found.today[k][some] = costs[np.ix_(today[:k], some)].min(axis=0)
    return found


def gains(table: Table, rule: Rule, judged: Judged) -> dict[str, dict[str, float | None]]:
    """Return by how much lists lower the excess of today's, at as many entries of both.

    Means over families of tasks, each of which its list was made without, with Student's 95 %
    interval over families. Of five entries only where today's list has as many.
    """
    found = {}
    for k in EQUAL:
        if k > len(design.today(rule.name)):
            continue
        means = []
        for family in dict.fromkeys(table.families):
            some = (table.families == family) & ~np.isnan(judged.listed[k])
            if some.any():
                lower = (judged.today[k] - judged.listed[k])[some]
                means.append(float(np.average(lower, weights=table.weights[some])))
        whole = estimate(means)
        found[str(k)] = {
            name: None if value is None else float(f"{value:.4g}")
            for name, value in (("mean", whole.mean), ("low", whole.low), ("high", whole.high))
        }
    return found


def is_better(found: Mapping[str, Mapping[str, float | None]]) -> bool:
    """Return whether searches should start from a list: it is clearly better in the first three,
    which they begin with, by what matters, and in all no worse.

    What matters keeps out what is clear by luck: of twenty lists, one in forty looks better.
    """
    first = found[str(EQUAL[0])]
    clear = (first["low"] or -1.0) > 0 and (first["mean"] or 0.0) >= MATTERS
    return clear and all((one["mean"] or -1.0) >= 0 for one in found.values())


def _usual(rule: Rule) -> list[int]:
    """Return the default, and those of its rates that are nearest to so many times its own."""
    usual = rule.configs[0].hyperparameters
    rest = {k: v for k, v in usual.items() if k != "learning_rate"}
    same = [
        i
        for i, one in enumerate(rule.configs)
        if {k: v for k, v in one.hyperparameters.items() if k != "learning_rate"} == rest
    ]
    found = [0]
    for times in NEIGHBOURS:
        left = [i for i in same if i not in found]
        if left:
            wanted = np.log(float(usual["learning_rate"]) * times)
            rates = [np.log(float(rule.configs[i].hyperparameters["learning_rate"])) for i in left]
            found.append(left[int(np.argmin(np.abs(np.array(rates) - wanted)))])
    return found
