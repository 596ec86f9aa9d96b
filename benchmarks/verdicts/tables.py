"""The tables, in Markdown, for the terminal and for benchmarks/README.md."""

import json
import math
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.verdicts.others import GRID
from benchmarks.verdicts.results import Found, median, pooled, quartiles, reach
from benchmarks.verdicts.spaces import OPTIMIZERS
from benchmarks.verdicts.steepest_study import ABLATIONS, BUDGETS


def show(found: dict[str, Found], console: Console) -> None:
    """Print all that there is."""
    _oracle(found, console)
    every = {**found, "all": pooled(found)} if len(found) > 1 else found
    if any(one["steepest"] for one in found.values()):
        _studies("Steepest", BUDGETS, every, console)
        if any(set(ABLATIONS) & set(one["steepest"]) for one in found.values()):
            _studies("What each part does", ("standard", *ABLATIONS), every, console)
    if any(one["others"] for one in found.values()):
        _others(every, console)
        _equal(every, console)


def _print(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], to: Console) -> None:
    table = Table(*heads, box=box.MARKDOWN)
    for row in rows:
        table.add_row(*row)
    to.print(f"\n{title}\n")
    to.print(table)


def _oracle(found: dict[str, Found], console: Console) -> None:
    heads = ["task", "optimizer", "loss", "behind", "SD over seeds", "SD of pairs", "configuration"]
    rows = []
    for task, one in found.items():
        best = one["oracle"]
        for name in sorted(OPTIMIZERS, key=lambda name: best["loss"][name]):
            values = json.loads(best["keys"][name])[2]
            shown = ", ".join(f"{k} {v:.3g}" for k, v in values.items() if isinstance(v, float))
            behind = best["loss"][name] / best["loss"][best["winner"]] - 1
            pairs = best["paired noise"].get(name)
            status = "best" if name == best["winner"] else _share(behind)
            rows.append(
                [
                    task,
                    name,
                    f"{best['loss'][name]:.4g}",
                    status + (", tied" if name in best["tied"] else ""),
                    _share(best["noise"][name]),
                    "" if pairs is None else _share(pairs),
                    shown,
                ]
            )
    _print("The oracle, on 40 seeds", heads, rows, console)


def _studies(title: str, names: Sequence[str], found: dict[str, Found], console: Console) -> None:
    heads = ["task", "search", "studies", "full trainings", "at most", "excess", "quartiles"]
    heads += ["winner right", "tie", "wrong", "seconds"]
    rows = []
    for task, one in found.items():
        for name in names:
            some = one["steepest"].get(name, [])
            if some:
                low, middle, high = quartiles([study["excess"] for study in some])
                told = [study["told"] for study in some]
                rows.append(
                    [
                        task,
                        name,
                        str(len(some)),
                        f"{median([study['cost'] for study in some]):.1f}",
                        f"{max(study['cost'] for study in some):.1f}",
                        _share(middle),
                        f"{_share(low)} to {_share(high)}",
                        *(_share(told.count(what) / len(told), 0) for what in TOLD),
                        f"{median([study['seconds'] for study in some]):.1f}",
                    ]
                )
    _print(title, heads, rows, console)


TOLD = ("right", "tie", "wrong")


def _others(found: dict[str, Found], console: Console) -> None:
    heads = ["task", "tool", *(f"{cost} full trainings" for cost in GRID)]
    rows = []
    for task, one in found.items():
        for tool, curve in one["others"].items():
            rows.append([task, tool, *(_share(median(curve[str(cost)])) for cost in GRID)])
    _print("Median excess of the others, by what they have spent", heads, rows, console)


def _equal(found: dict[str, Found], console: Console) -> None:
    """Print what the others spend until they are as good as `standard`, and how good they are
    after about what it spends."""
    heads = ["task", "standard: excess", "full trainings", "tool", "excess after", "as good after"]
    heads.append("times the cost")
    rows = []
    for task, one in found.items():
        some: list[Any] = one["steepest"].get("standard", [])
        if not some:
            continue
        target = median([study["excess"] for study in some])
        cost = median([study["cost"] for study in some])
        near = min(GRID, key=lambda spent: (max(spent, cost) / min(spent, cost), spent))
        reached = {tool: reach(curve, target) for tool, curve in one["others"].items()}
        first = min(reached, key=lambda tool: (reached[tool], tool))
        for tool, curve in one["others"].items():
            times = (GRID[-1] if math.isinf(reached[tool]) else reached[tool]) / cost
            rows.append(
                [
                    task,
                    _share(target),
                    f"{cost:.1f}",
                    tool + (" (first)" if tool == first and times * cost < GRID[-1] else ""),
                    f"{near}: {_share(median(curve[str(near)]))}",
                    _cost(reached[tool]),
                    ("> " if math.isinf(reached[tool]) else "") + f"{times:.1f}",
                ]
            )
    if rows:
        _print("At equal cost, and at equal excess", heads, rows, console)


def _cost(value: float) -> str:
    if math.isinf(value):
        return f"> {GRID[-1]}"
    return f"≤ {GRID[0]}" if value <= GRID[0] else f"{value:.0f}"


def _share(value: float, digits: int = 1) -> str:
    return "–" if math.isinf(value) else f"{100 * value:.{digits}f} %"
