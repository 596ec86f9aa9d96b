"""The table of seconds a trial, and its chart."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speed.chart import OTHERS, OURS, pyplot, save
from speed.clock import Run
from speed.contenders import TOOLS, Group
from speed.table import markdown, number, spread
from speed.works import WORKS

Rounds = Sequence[Mapping[str, Run]]  # of one work: what each tool needed, round by round
Value = Callable[[Run], float | None]


def further(run: Run) -> float | None:
    return run.further_seconds


def included(count: int) -> Value:
    """Return what tells a run's seconds a trial for `count` trials, once-costs included."""
    return lambda run: run.per_trial(count)


def ratios(rounds: Rounds, base: str, name: str, value: Value) -> list[float | None]:
    """Return how many times Steepest's value the tool's is, in the rounds that both were in."""
    pairs = [(value(runs[name]), value(runs[base])) for runs in rounds if name in runs]
    return [mine / ours if mine and ours else None for mine, ours in pairs]


def ratios_to_best(rounds: Rounds, group: Group, value: Value) -> list[float | None]:
    """Return, round by round, how many times Steepest's value the best other tool's is."""
    found: list[float | None] = []
    for runs in rounds:
        ours = (group.base, group.warm)
        others = [value(run) for name, run in runs.items() if name not in ours]
        base, known = value(runs[group.base]), [other for other in others if other]
        found.append(min(known) / base if known and base else None)
    return found


def tools_of(rounds: Rounds) -> list[str]:
    return [name for name in TOOLS if any(name in runs for runs in rounds)]


def render(works: Mapping[str, Rounds], group: Group, count: int) -> str:
    """Return all as Markdown: what has to be reached, then a table a work."""
    parts = [_summary(works, group, count)]
    for work, rounds in works.items():
        known = WORKS[work]
        parts.append(
            f"### {known.title}\n\n{known.epochs} epochs, batches of {known.batch_size}; "
            f"{len(rounds)} rounds.\n\n{_table(rounds, group, count)}"
        )
    return "\n\n".join(parts)


def _summary(works: Mapping[str, Rounds], group: Group, count: int) -> str:
    rows = []
    for work, rounds in works.items():
        cells = [WORKS[work].title]
        for value in (included(count), further):
            for name in group.compared:
                cells.append(spread(ratios(rounds, group.base, name, value)))
            cells.append(spread(ratios_to_best(rounds, group, value)))
        rows.append(cells)
    headings = ["× Steepest's time", *(
        f"{tool}, {what}"
        for what in (f"{count} trials", "a further trial")
        for tool in (*group.compared.values(), "the best of all others")
    )]  # fmt: skip
    return markdown(headings, rows)


def _table(rounds: Rounds, group: Group, count: int) -> str:
    names = tools_of(rounds)
    shared = min(run.trials for runs in rounds for run in runs.values())
    headings = [
        "tool",
        "trials run",
        f"seconds a trial, {count} trials, all included",
        "× Steepest",
        "a further trial",
        "× Steepest",
        f"accuracy, mean of the first {shared}",
    ]
    rows = []
    for name in names:
        runs = [found[name] for found in rounds if name in found]
        accuracy = statistics.fmean(run.accuracy[i] for run in runs for i in range(shared))
        title = TOOLS[name].title
        threads = sorted({run.threads for run in runs if run.threads})
        if threads:
            title += f", threads: {' or '.join(map(str, threads))}"
        mark = "" if runs[0].trials == count else "*"
        cells = [title, f"{runs[0].trials}{mark}"]
        for value in (included(count), further):
            cells.append(spread([value(run) for run in runs]))
            ours = name == group.base
            cells.append("1" if ours else spread(ratios(rounds, group.base, name, value)))
        rows.append([*cells, f"{accuracy:.3f}"])
    return markdown(headings, rows)


def draw(works: Mapping[str, Rounds], group: Group, count: int, file: Path) -> None:
    """Draw a panel a work: a bar a tool, seconds a trial, with minimum and maximum."""
    plt = pyplot()
    columns = min(2, len(works))
    lines = -(-len(works) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(5.2 * columns, 2.6 * lines), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(works) :]:
        ax.set_visible(False)
    for ax, (work, rounds) in zip(axes.flat, works.items(), strict=False):
        _panel(ax, rounds, group, included(count))
        ax.set_title(WORKS[work].title)
    figure.suptitle(
        f"Seconds a trial, all that is done once included, {count} trials (logarithmic)", size=10
    )
    save(figure, file)
    plt.close(figure)


def _panel(ax: Any, rounds: Rounds, group: Group, value: Value) -> None:
    names = tools_of(rounds)[::-1]
    for i, name in enumerate(names):
        values = [value(runs[name]) for runs in rounds if name in runs]
        known = [one for one in values if one is not None]
        if not known:
            continue
        middle = statistics.median(known)
        color = OURS if name in (group.base, group.warm) else OTHERS
        ax.barh(i, middle, color=color, height=0.7)
        ax.plot([min(known), max(known)], [i, i], color="black", linewidth=1)
        times = [ratio for ratio in ratios(rounds, group.base, name, value) if ratio]
        other = times and name != group.base
        factor = f" ({number(statistics.median(times))} ×)" if other else ""
        ax.annotate(
            f"{number(middle)} s{factor}",
            (max(known), i),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            size=7.5,
        )
    ax.set_yticks(range(len(names)), [TOOLS[name].title for name in names])
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter("")  # they would lie on each other
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.5, high * 6)  # room for the figures
