"""The study on one screen: the advice, one table, the code to paste, the cost, where the page is.

With `more`, which is -v on the command line, follow the four measures, what the search found and
the lesser notes.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from steepest.codegen import has_code, own_framework
from steepest.codegen.callbacks import study_code
from steepest.measures.measure import Measures
from steepest.measures.verdict import Verdict
from steepest.records import Stage, StudyRecord
from steepest.reports.advice import loud, warnings
from steepest.reports.advice_text import advice
from steepest.reports.board import STATE, board, ordered
from steepest.reports.callbacks_text import stopped
from steepest.reports.config_text import shown_name
from steepest.reports.numbers import MISSING, number, with_interval
from steepest.reports.outcome_text import nothing_found, outcomes_line, resumed
from steepest.reports.summary import summary
from steepest.reports.trivial import alarm, is_nothing
from steepest.reports.verdict_text import deciding
from steepest.rules.custom_schedules import shown
from steepest.text import duration, many, setting

WIDTH = 100  # columns; what does not fit is left to the page and the JSON
LINES = 8  # of code; where it takes more, the command that prints it stands instead
PAGE = "report.html"

_SIZES = ("training_examples", "validation_examples", "test_examples")


def render(
    study: StudyRecord,
    verdict: Verdict,
    measures: Measures | None = None,
    where: Path | None = None,
    more: bool = False,
) -> RenderableType:
    """Return the study for a rich console, with all that the page has no need for left out.

    Args:
        study: the study.
        verdict: on it.
        measures: of it; shown with `more`.
        where: its directory, where it has one.
        more: whether measures, hyperparameters and lesser notes follow.
    """
    first = alarm(study, verdict)
    parts: list[RenderableType] = [Text(first, style="bold red")] if first else []
    parts += [
        Text(_unbroken(one), style="bold" if i == 0 else "")
        for i, one in enumerate(advice(study, verdict, where))
    ]
    notes = warnings(study, verdict) if more else loud(study, verdict)
    parts += [Text(f"Note: {note}.", style="yellow") for note in notes]
    parts += [Text(""), *_table(study, verdict)]
    if more:
        parts += [Text(""), _found(study, verdict)]
        parts += _measured(study, verdict, measures) if measures is not None else []
    if source := pasted(study, verdict, where):
        parts += [Text(""), _Source(source)]
    parts.append(Text(""))
    if more:
        parts += [Text(line, style="dim") for line in (task_line(study), outcomes_line(study))]
        parts += [Text(again, style="dim")] if (again := resumed(study)) else []
    parts += [Text(said, style="dim")] if (said := stopped(study)) else []
    parts.append(Text(cost_line(study, verdict), style="dim"))
    if where is not None and (where / PAGE).is_file():
        parts.append(Text(f"Report: {where / PAGE}", style="dim", overflow="fold"))
    return Group(*parts)


@dataclass(frozen=True)
class _Source:
    """Code that stays code however narrow the terminal is."""

    source: str

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        width = max(20, min(WIDTH, options.max_width))
        lines = [part for one in self.source.splitlines() for part in _folded(one, width)]
        yield Text("\n".join(lines), style="cyan", overflow="fold")


def text(
    study: StudyRecord,
    verdict: Verdict,
    measures: Measures | None = None,
    where: Path | None = None,
    more: bool = False,
    width: int = WIDTH,
) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(study, verdict, measures, where, more), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def pasted(study: StudyRecord, verdict: Verdict, where: Path | None = None) -> str:
    """Return the code of what is recommended, in few lines; empty where it is the person's own.

    Code that writes out a class is long: then it is said how to have it.
    """
    best = verdict.standings[verdict.recommended].config if verdict.recommended else None
    if best is None or study.optimizers[verdict.recommended or ""].baseline or not has_code(best):
        return ""
    if is_nothing(study, verdict):
        return ""
    framework = own_framework(best, study.task)
    source = in_few_lines(study_code(study, best, framework))
    if len(source.splitlines()) <= LINES:
        return source
    typed = where is not None and bool(study.asked.get("tasks"))
    how = f"steepest code {where}" if typed else f"print(study.best.code({framework!r}))"
    return f"# The code to paste: {how}"


def in_few_lines(source: str) -> str:
    """Return source with the arguments of a call in as few lines as hold them."""
    lines: list[str] = []
    for line in filter(str.strip, source.splitlines()):
        last = lines[-1] if lines else "#"
        inside = sum(last.count(c) for c in "([{") > sum(last.count(c) for c in ")]}")
        if last.lstrip().startswith("#") or not inside:
            lines.append(line)
        elif line.strip()[0] in ")]}":
            lines[-1] = last.removesuffix(",") + line.strip()
        else:
            lines[-1] = last + ("" if last[-1] in "([{" else " ") + line.strip()
    return "\n".join(part for line in lines for part in _folded(line))


def _folded(line: str, width: int = WIDTH) -> list[str]:
    """Return a line of source, gone on with in the next where it is too long."""
    comment = line.lstrip().startswith("#")
    further = " " * (len(line) - len(line.lstrip())) + ("# " if comment else "    ")
    return wrap(
        line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def _unbroken(advised: str) -> str:
    """Return a sentence with the command that ends it on a line of its own, if it is too long."""
    before, colon, typed = advised.rpartition(": steepest ")
    return f"{before}:\n    steepest {typed}" if colon and len(advised) > WIDTH else advised


def _table(study: StudyRecord, verdict: Verdict) -> list[RenderableType]:
    """Return the table, and which metrics it has no room for."""
    found = board(study, verdict, WIDTH)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    states = min(STATE - 4, max((len(row[-1]) for row in found.rows), default=0))
    table.add_column("optimizer", overflow="fold")  # numbers are never cut for a long name
    for title in found.titles[1:-1]:
        table.add_column(Text(title), justify="right", no_wrap=True)
    table.add_column(Text(found.titles[-1]), min_width=states, overflow="fold")
    for name, row in zip(found.names, found.rows, strict=True):
        # As text and not as markup: a name is shown as it is.
        table.add_row(*map(Text, row), style="bold" if name == verdict.winner else "")
    if not found.left_out:
        return [table]
    left = f"No room for {', '.join(found.left_out)}: see the page, or --json."
    return [table, Text(left, style="dim")]


def _measured(study: StudyRecord, verdict: Verdict, measures: Measures) -> list[RenderableType]:
    found = summary(study, verdict, measures)
    if len(found.titles) < 2 or not found.rows:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, title in enumerate(found.titles):
        table.add_column(Text(title), justify="right" if i else "left", overflow="fold")
    for row in found.rows:
        table.add_row(*map(Text, row))
    return [Text(""), table, Text("; ".join(found.notes) + ".", style="dim")]


def _found(study: StudyRecord, verdict: Verdict) -> Table:
    """Show what the search chose for each optimizer, the other of end and best, and the chance."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("optimizer", overflow="fold")
    table.add_column("best hyperparameters found", overflow="fold")
    ends = study.settings.at == "best"
    table.add_column("loss at the end" if ends else "loss at best epoch", justify="right")
    table.add_column("chance", justify="right")
    for name, values in searched_values(study, verdict):
        one, name = verdict.standings[name], shown_name(study, name)
        other = with_interval(one.loss if ends else one.best_loss)
        chance = f"{one.probability:.0%}" if one.seeds else MISSING
        table.add_row(*map(Text, (name, values, other, chance)))
    return table


def searched_values(study: StudyRecord, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield each optimizer and what was found; what was fixed is in its name or a default."""
    for standing in ordered(study, verdict):
        searched = list(study.optimizers[standing.name].space)
        config = standing.config
        if config is None:
            text = nothing_found(study, standing.name)
        elif not searched:
            baseline = study.optimizers[standing.name].baseline
            text = "as it stands" if baseline else "all fixed"
        else:
            values = {**config.hyperparameters, "schedule": shown(config.schedule)}
            there = [name for name in searched if name in values]
            text = ", ".join(f"{name} {setting(values[name])}" for name in there)
        yield standing.name, text


def task_line(study: StudyRecord) -> str:
    """Return the sizes of the task."""
    task = study.task
    return (
        f"{task.name}: {many(task.parameters, 'parameter')}, "
        f"{many(task.training_examples, 'training example')} and "
        f"{many(task.validation_examples, 'validation example')}, "
        f"{many(task.epochs, 'epoch')} of batch size {task.batch_size}."
    )


def cost_line(study: StudyRecord, verdict: Verdict) -> str:
    """Return what was spent, and what the numbers above it mean."""
    swept = sum(t.epochs for t in study.trials if t.stage in (Stage.SWEEP, Stage.DEFAULT))
    beside = f" ({number(swept / study.task.epochs, 3)} for sweep and defaults)" if swept else ""
    cost = (
        f"Cost: {many(len(study.trials), 'trial')}, {number(study.full_trainings, 3)} full "
        f"trainings{beside}, {duration(study.seconds)}"
    )
    # Through Keras' fit, compiling is a part of each trial.
    cost += f" ({duration(study.compile_seconds)} compiling)." if study.compile_seconds else "."
    if max((len(s.seeds) for s in verdict.standings.values()), default=0) < 2:
        return cost
    if len(study.optimizers) == 1:
        return f"{cost} ± is a 95 % interval over fresh seeds."
    return (
        f"{cost} {deciding(study.settings).capitalize()} decides; ± is a 95 % interval over seeds."
    )


def tasks_table(facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the built-in tasks, a line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("task", no_wrap=True)
    table.add_column("what")
    for title in ("parameters", "examples", "epochs", "about"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, f in facts.items():
        examples = [f"{f[key]:,}" for key in _SIZES]
        table.add_row(
            name,
            f["what"],
            f"{f['parameters']:,}",
            " + ".join(examples),
            str(f["epochs"]),
            f"{f['seconds']:.0f} s",
        )
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(table)
    console.print(
        "Examples are training + validation + test; the time is of `steepest compare TASK` on two "
        "cores.",
        style="dim",
    )
