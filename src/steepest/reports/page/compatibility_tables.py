"""Several tasks as tables: for a terminal, as plain text, as Markdown."""

import math
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from steepest.measures.compatibility import Compatibility, OnTask
from steepest.reports.compatibility import meaning, notes, rows, sentence, what
from steepest.reports.markdown import escaped
from steepest.reports.numbers import MISSING, number, with_interval
from steepest.statistics import Estimate

Cells = list[str]


def render(found: Compatibility) -> RenderableType:
    """Return the whole for a rich console: tables, the sentence, notes."""
    listed = "\n".join(f"{task}: {what(found, task)}." for task in found.tasks)
    parts: list[RenderableType] = [
        rich_table(over_tasks(found)),
        Text(""),
        rich_table(_on_tasks(found), 2),
        Text(""),
        Text(sentence(found), style="bold"),
    ]
    parts += [Text(f"Note: {note}.", style="yellow") for note in notes(found)]
    parts += [Text(""), Text(f"{meaning(found)}\n{listed}", style="dim")]
    return Group(*parts)


def text(found: Compatibility, width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(found), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def markdown(found: Compatibility) -> str:
    """Return the same as Markdown, in which names are text and no markup."""
    parts = ["# Several tasks", f"**{escaped(sentence(found))}**"]
    parts.append("\n".join(f"- {escaped(note)}." for note in notes(found)))
    parts.append(pipes(over_tasks(found), 1))
    parts.append(escaped(meaning(found)))
    parts.append(pipes(_on_tasks(found), 2))
    parts.append("\n".join(f"- {escaped(f'{t}: {what(found, t)}')}." for t in found.tasks))
    return "\n\n".join(part for part in parts if part) + "\n"


def over_tasks(found: Compatibility) -> Iterator[Cells]:
    """Yield a title, and a line an optimizer."""
    scored = [] if found.profile is None else ["AlgoPerf score"]
    yield ["optimizer", "best or as good", "mean rank", "normalized", *scored]
    for row in rows(found):
        score = [] if row.score is None else [f"{row.score:.2f}"]
        yield [
            row.name,
            f"{row.best} of {row.of}",
            with_interval(row.rank),
            with_interval(row.normalized),
            *score,
        ]


def on_task(found: Compatibility, task: str) -> Iterator[Cells]:
    """Yield a title, and a line for each optimizer on one task."""
    timed = found.profile is not None
    yield ["optimizer", "value", "rank", "normalized", *(["steps to target"] * timed)]
    for row in rows(found):
        one = row.tasks[task]
        cells = [row.name, _value(one.value), _rank(one), with_interval(one.normalized)]
        yield [*cells, *([_steps(one)] * timed)]


def _on_tasks(found: Compatibility) -> Iterator[Cells]:
    """Yield a title, and a line for each optimizer on each task."""
    for i, task in enumerate(found.tasks):
        lines = on_task(found, task)
        title = next(lines)
        if i == 0:
            yield ["task", *title]
        for j, cells in enumerate(lines):
            yield [task if j == 0 else "", *cells]


def rich_table(lines: Iterator[Cells], words: int = 1) -> Table:
    """Return a table of which the first columns are words and all others numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, title in enumerate(next(lines)):
        if i < words:
            table.add_column(Text(title), overflow="fold")
        else:
            table.add_column(Text(title), justify="right", no_wrap=True)
    for cells in lines:
        table.add_row(*map(Text, cells))  # as text and not as markup
    return table


def pipes(lines: Iterator[Cells], words: int) -> str:
    title = next(lines)
    rule = ["---" if i < words else "---:" for i in range(len(title))]
    body = [[escaped(cell) for cell in cells] for cells in lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [title, rule, *body])


def _value(value: Estimate) -> str:
    if value.mean is None:
        return "diverged or failed" if value.values else MISSING
    return with_interval(value)


def _rank(one: OnTask) -> str:
    return MISSING if one.rank is None else number(one.rank)


def _steps(one: OnTask) -> str:
    if one.steps is None:
        return MISSING
    return number(one.steps) if math.isfinite(one.steps) else "never"
