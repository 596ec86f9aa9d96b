"""The tables, in Markdown, for the terminal and for benchmarks/README.md."""

import json
import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.verdicts import tasks
from benchmarks.verdicts.others import GRID
from benchmarks.verdicts.results import Found, at_seconds, pooled, spread
from benchmarks.verdicts.spaces import OPTIMIZERS
from benchmarks.verdicts.steepest_study import BUDGETS


def show(found: dict[str, Found], console: Console) -> None:
    """Print all that there is."""
    _oracle(found, console)
    _studies(found, console)
    _others(found, console)
    for budget in BUDGETS:
        _seconds(found, budget, console)


def groups(found: dict[str, Found]) -> dict[str, dict[str, Found]]:
    """Return all tasks, and those that chose nothing."""
    held = {name: one for name, one in found.items() if tasks.WORKS[name].chose == tasks.NOTHING}
    every = {"all": found}
    if held and len(held) < len(found):
        every["held out"] = held
    return every


def _print(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], to: Console) -> None:
    if not rows:
        return
    table = Table(*heads, box=box.MARKDOWN)
    for row in rows:
        table.add_row(*row)
    to.print(f"\n{title}\n")
    to.print(table)


def _oracle(found: dict[str, Found], console: Console) -> None:
    heads = ["task", "chose", "optimizer", "loss", "behind", "SD over seeds", "SD of pairs"]
    heads += ["configuration", "s a training, fit"]
    rows = []
    for task, one in found.items():
        best = one["oracle"]
        for name in sorted(OPTIMIZERS, key=lambda name: best["loss"][name]):
            values = json.loads(best["keys"][name])[2]
            shown = ", ".join(f"{k} {v:.3g}" for k, v in values.items() if isinstance(v, float))
            pairs = best["paired noise"].get(name)
            status = "best" if name == best["winner"] else _share(best["behind"][name])
            clock = one["clock"]
            rows.append(
                [
                    task,
                    tasks.WORKS[task].chose,
                    name,
                    f"{best['loss'][name]:.4g}",
                    status + (", tied" if name in best["tied"] else ""),
                    _share(best["noise"][name]),
                    "" if pairs is None else _share(pairs),
                    shown,
                    f"{clock['training']:.3f}, {clock['fit']:.1f}" if clock else "",
                ]
            )
    _print("The best that is known, on 40 seeds", heads, rows, console)


def _studies(found: dict[str, Found], console: Console) -> None:
    heads = ["task", "budget", "studies", "full trainings", "seconds", "excess, %", "off by > 3 %"]
    heads += ["winner", "as good", "not decided", "wrong"]
    every = {**found, **{name: pooled(some) for name, some in groups(found).items()}}
    rows = []
    for task, one in every.items():
        for budget, some in one["steepest"].items():
            told = [study["status"] for study in some]
            rows.append(
                [
                    task,
                    budget,
                    str(len(some)),
                    _amounts([study["cost"] for study in some]),
                    _amounts([study["seconds"] for study in some]),
                    _excess([study["excess"] for study in some]),
                    _mean([study["off"] for study in some]),
                    *(_mean([one == status for one in told]) for status in TOLD),
                    _mean([study["wrong"] for study in some]),
                ]
            )
    _print("Steepest: median / 90 % point / worst", heads, rows, console)


TOLD = ("WINNER", "EQUAL", "OPEN")


def _others(found: dict[str, Found], console: Console) -> None:
    heads = ["tasks", "tool", *(f"{cost} full trainings" for cost in GRID)]
    rows = []
    for name, some in groups(found).items():
        for tool, runs in pooled(some)["others"].items():
            cells = []
            for cost in map(str, GRID):
                off = _mean([run["off"][cost] for run in runs])
                cells.append(f"{_excess([run['excess'][cost] for run in runs])} ({off})")
            rows.append([name, tool, *cells])
    title = "The others, by what they have spent: excess, % (an optimizer that is off by > 3 %)"
    _print(title, heads, rows, console)


def _seconds(found: dict[str, Found], budget: str, console: Console) -> None:
    heads = ["tasks", "tool", "full trainings", "excess, %", "off by > 3 %"]
    rows = []
    for name, some in groups(found).items():
        studies = pooled(some)["steepest"].get(budget, [])
        if not studies:
            continue
        rows.append(
            [
                name,
                f"Steepest, {budget}",
                _amounts([study["cost"] for study in studies]),
                _excess([study["excess"] for study in studies]),
                _mean([study["off"] for study in studies]),
            ]
        )
        for tool, runs in at_seconds(some, budget).items():
            rows.append(
                [
                    name,
                    tool,
                    _amounts([run["trainings"] for run in runs]),
                    _excess([run["excess"] for run in runs]),
                    _mean([run["off"] for run in runs]),
                ]
            )
    title = f"After the seconds that {budget} takes, others around Keras' fit"
    _print(title, heads, rows, console)


def _amounts(values: Sequence[float]) -> str:
    middle, _, most = spread(values)
    return f"{middle:.3g} (≤ {most:.3g})"


def _excess(values: Sequence[float]) -> str:
    return " / ".join(
        "–" if math.isinf(value) else f"{100 * value:.{digits}f}"
        for value, digits in zip(spread(values), (1, 1, 0), strict=True)
    )


def _mean(values: Sequence[bool]) -> str:
    return f"{100 * sum(values) / len(values):.0f} %"


def _share(value: float, digits: int = 1) -> str:
    return "–" if math.isinf(value) else f"{100 * value:.{digits}f} %"
