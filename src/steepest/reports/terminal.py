"""The study on one screen: a table, the verdict, warnings, the code to paste, the cost."""

import math
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from steepest.export import code, has_code
from steepest.measures.measured import Measures
from steepest.measures.verdict import Standing, Verdict
from steepest.records import Stage, Study
from steepest.reports.advice import warnings
from steepest.reports.endings import cell, line, nothing_found, resumed
from steepest.reports.sentence import deciding, sentence
from steepest.reports.summary import summary
from steepest.spaces import Value
from steepest.statistics import Estimate

WIDTH = 100  # columns; what does not fit is left to the JSON

Column = tuple[str, Callable[[Standing], str]]  # a title, and what to show of an optimizer


def render(study: Study, verdict: Verdict, measures: Measures | None = None) -> RenderableType:
    """Return the whole story for a rich console, with the measures in short where given."""
    task = study.task
    parts: list[RenderableType] = [
        Text.assemble(
            (task.name, "bold"),
            f"  {task.parameters:,} parameters, {task.training_examples:,} training and "
            f"{task.validation_examples:,} validation examples, {task.epochs} epochs of batch "
            f"size {task.batch_size}",
        ),
        Text(""),
        _table(study, verdict),
        Text(""),
        _found(study, verdict),
        Text(""),
        Text(sentence(study, verdict), style="bold"),
    ]
    parts += [Text(f"Note: {warning}.", style="yellow") for warning in warnings(study, verdict)]
    parts += _measured(study, verdict, measures) if measures is not None else []
    best = verdict.standings[verdict.recommended].config if verdict.recommended else None
    if best is not None and has_code(best):
        parts += [Text(""), Text(code(best, study.task, best.dialect).rstrip(), style="cyan")]
    parts += [Text(""), Text(line(study), style="dim")]
    parts += [Text(again, style="dim")] if (again := resumed(study)) else []
    parts += [Text(cost_line(study, verdict), style="dim")]
    return Group(*parts)


def text(study: Study, verdict: Verdict, measures: Measures | None = None, width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(study, verdict, measures), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _table(study: Study, verdict: Verdict) -> Table:
    """Show what decides first, the other of end and best epoch, metrics, seeds, and the chance."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("optimizer", overflow="fold")  # numbers are never cut for a long name
    standings = verdict.standings.values()
    columns = _columns(study, verdict)
    for title, _ in columns:
        table.add_column(Text(title), justify="right", no_wrap=len(title) <= 16)
    for standing in standings:
        cells = [standing.name]
        for i, (_, of) in enumerate(columns):
            cells.append(cell(standing) or of(standing) if i == 0 else of(standing))
        # As text and not as markup: a name is shown as it is.
        table.add_row(*map(Text, cells), style="bold" if standing.name == verdict.winner else "")
    return table


def _columns(study: Study, verdict: Verdict) -> list[Column]:
    settings, standings = study.settings, verdict.standings.values()
    decides = settings.decides
    columns: list[Column] = [
        (deciding(settings).replace(" at its best epoch", ", best"), lambda s: _show(s.value))
    ]
    if decides == "loss" and settings.at == "end":
        columns.append(("at best epoch", lambda s: _show(s.best_loss)))
    elif decides == "loss":
        columns.append(("at the end", lambda s: _show(s.loss)))
    else:
        columns.append(("validation loss", lambda s: _show(s.loss)))
    first = [m for m in study.task.metrics if m != decides]
    spare: list[Column] = [(m, lambda s, m=m: _show(s.metrics.get(m))) for m in first]  # type: ignore[misc]
    tested = test_name(study)
    tests: list[Column] = []
    if any(s.test for s in standings):
        tests = [(f"test {tested}", lambda s: _show(s.test.get(tested)))]
    last: list[Column] = [("seeds", lambda s: str(len(s.seeds)))]
    if len(standings) > 1:
        last.append(("chance", lambda s: f"{s.probability:.0%}" if s.seeds else "-"))
    names = max(len(s.name) for s in standings)

    def room(some: list[Column]) -> bool:
        cells = (max(len(title), *(len(of(s)) for s in standings)) for title, of in some)
        return names + 2 + sum(cell + 2 for cell in cells) - 2 <= WIDTH

    # In order of what can best be missed: further metrics, the loss that does not decide.
    while spare and not room(columns + spare + tests + last):
        spare.pop()
    if not room(columns + spare + tests + last):
        columns.pop()
    return columns + spare + tests + last


def test_name(study: Study) -> str:
    """Return what is shown of the test set: the first metric, or the loss."""
    return next(iter(study.task.metrics), "loss")


def _show(value: Estimate | None) -> str:
    if value is None or value.mean is None:
        return "-"
    reach = value.half_width
    if reach is None:
        return f"{value.mean:.4g}"
    if max(abs(value.mean), reach) < 1e-3:
        return f"{value.mean:.3g} ± {reach:.2g}"
    return f"{value.mean:.4f} ± {reach:.4f}"


def _measured(study: Study, verdict: Verdict, measures: Measures) -> list[RenderableType]:
    found = summary(study, verdict, measures)
    if len(found.titles) < 2 or not found.rows:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i, title in enumerate(found.titles):
        table.add_column(Text(title), justify="right" if i else "left", overflow="fold")
    for row in found.rows:
        table.add_row(*map(Text, row))
    return [Text(""), table, Text("; ".join(found.notes) + ".", style="dim")]


def _found(study: Study, verdict: Verdict) -> Table:
    """Show what the search chose for each optimizer."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("optimizer")
    table.add_column("best hyperparameters found", overflow="fold")
    for name, text in searched_values(study, verdict):
        table.add_row(Text(name), Text(text))
    return table


def searched_values(study: Study, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield each optimizer and what was found; what was fixed is in its name or a default."""
    for standing in verdict.standings.values():
        searched = list(study.optimizers[standing.name]["space"])
        config = standing.config
        if config is None:
            text = nothing_found(study, standing.name)
        elif not searched:
            baseline = study.optimizers[standing.name].get("baseline")
            text = "as it stands" if baseline else "all fixed"
        else:
            values = {**config.hyperparameters, "schedule": config.schedule}
            there = [name for name in searched if name in values]
            text = ", ".join(f"{name} {_value(values[name])}" for name in there)
        yield standing.name, text


def _value(value: Value) -> str:
    return str(value) if isinstance(value, bool | str) else number(value)


def number(value: float) -> str:
    """Return three digits of `value`, or of its distance from 1 where that is what matters."""
    if 0.99 < value < 1:
        return f"{value:.{2 - math.floor(math.log10(1 - value))}f}".rstrip("0")
    return f"{value:.3g}"


def cost_line(study: Study, verdict: Verdict) -> str:
    """Return what was spent, and what the numbers above it mean."""
    swept = sum(t.epochs for t in study.trials if t.stage in (Stage.SWEEP, Stage.DEFAULT))
    beside = f" ({swept / study.task.epochs:.1f} of them for the sweep)" if swept else ""
    cost = (
        f"Cost: {len(study.trials)} trials, {study.full_trainings:.1f} full trainings{beside}, "
        f"{study.seconds:.1f} s"
    )
    # Through Keras' fit, compiling is a part of each trial.
    cost += f", of which {study.compile_seconds:.1f} s compiling." if study.compile_seconds else "."
    if max((len(s.seeds) for s in verdict.standings.values()), default=0) < 2:
        return cost
    if len(study.optimizers) == 1:
        return f"± is a 95 % interval over fresh seeds. {cost}"
    looks = " and holds at every number of seeds that was looked at" if study.settings.race else ""
    return (
        f"{deciding(study.settings).capitalize()} decides. ± in the table is a 95 % interval over "
        f"fresh seeds; ± of a difference is paired by seed{looks}; chance is the probability of "
        f"being the best. {cost}"
    )
