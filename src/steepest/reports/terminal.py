"""The study on one screen: a table, the verdict, warnings, the code to paste, the cost."""

import math

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from steepest.export import code, has_code
from steepest.measures.statistics import Estimate
from steepest.measures.verdict import Standing, Verdict
from steepest.records import Study
from steepest.reports.sentence import sentence, warnings
from steepest.spaces import Value


def render(study: Study, verdict: Verdict) -> RenderableType:
    """Return the whole story for a rich console."""
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
    best = verdict.standings[verdict.leader].config if verdict.leader else None
    if best is not None and has_code(best):
        parts += [Text(""), Text(code(best, study.task, best.dialect).rstrip(), style="cyan")]
    parts += [Text(""), Text(_cost(study, verdict), style="dim")]
    return Group(*parts)


def text(study: Study, verdict: Verdict, width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(study, verdict), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _table(study: Study, verdict: Verdict) -> Table:
    metric = study.task.metrics[0] if study.task.metrics else None
    tested = any(s.test_loss is not None for s in verdict.standings.values())
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("optimizer", overflow="fold")  # numbers are never cut for a long name
    table.add_column("validation loss", justify="right", no_wrap=True)
    if metric:
        table.add_column(metric, justify="right", no_wrap=True)
    if tested:
        table.add_column(f"test {metric or 'loss'}", justify="right", no_wrap=True)
    for standing in verdict.standings.values():
        cells = [standing.name, _loss(standing)]
        if metric:
            cells.append(_show(standing.metric))
        if tested:
            cells.append(_show(standing.test_metric if metric else standing.test_loss))
        # As text and not as markup: a name is shown as it is.
        table.add_row(*map(Text, cells), style="bold" if standing.name == verdict.winner else "")
    return table


def _loss(standing: Standing) -> str:
    if not standing.seeds:
        return "none finished"
    if standing.diverged:
        return f"diverged {standing.diverged}/{len(standing.seeds)}"
    return _show(standing.loss)


def _show(value: Estimate | None) -> str:
    if value is None or value.mean is None:
        return "-"
    reach = value.half_width
    if reach is None:
        return f"{value.mean:.4g}"
    if max(abs(value.mean), reach) < 1e-3:
        return f"{value.mean:.3g} ± {reach:.2g}"
    return f"{value.mean:.4f} ± {reach:.4f}"


def _found(study: Study, verdict: Verdict) -> Table:
    """Show what the search chose for each optimizer; what was fixed is in its name or a default."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("optimizer")
    table.add_column("best hyperparameters found", overflow="fold")
    for standing in verdict.standings.values():
        searched = list(study.optimizers[standing.name]["space"])
        config = standing.config
        if config is None:
            text = "every trial diverged" if study.finished else "not confirmed yet"
        elif not searched:
            baseline = study.optimizers[standing.name].get("baseline")
            text = "as it stands" if baseline else "all fixed"
        else:
            values = {**config.hyperparameters, "schedule": config.schedule}
            text = ", ".join(f"{name} {_value(values[name])}" for name in searched)
        table.add_row(Text(standing.name), Text(text))
    return table


def _value(value: Value) -> str:
    return str(value) if isinstance(value, bool | str) else number(value)


def number(value: float) -> str:
    """Return three digits of `value`, or of its distance from 1 where that is what matters."""
    if 0.99 < value < 1:
        return f"{value:.{2 - math.floor(math.log10(1 - value))}f}".rstrip("0")
    return f"{value:.3g}"


def _cost(study: Study, verdict: Verdict) -> str:
    seeds = study.settings.seeds
    cost = (
        f"Cost: {len(study.trials)} trials, {study.full_trainings:.1f} full trainings, "
        f"{study.seconds:.1f} s"
    )
    # Through Keras' fit, compiling is a part of each trial.
    cost += f", of which {study.compile_seconds:.1f} s compiling." if study.compile_seconds else "."
    if verdict.leader is None or seeds < 2:
        return cost
    return (
        f"± in the table is a 95 % interval over {seeds} fresh seeds, the same for each optimizer; "
        "± of a difference is paired by seed, and wide enough for all pairs of optimizers at "
        f"once. {cost}"
    )
