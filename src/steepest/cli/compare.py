"""`steepest compare`: tune optimizers on a task, and print the verdict."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from steepest.cli.asked import with_options
from steepest.cli.group import cli
from steepest.cli.run_study import run_tasks
from steepest.options import Options, about
from steepest.text import is_none


def options_of(given: dict[str, Any]) -> Options:
    """Return the options that the command line was given, by the names of their fields.

    A time of "none" is no limit, as without the option.
    """
    if is_none(given["time"] or ""):
        given = {**given, "time": None}
    many = {one.name for one in fields(Options) if about(one).many}
    values: dict[str, Any] = {n: list(v) or None if n in many else v for n, v in given.items()}
    return Options(**values)


@cli.command()
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
@with_options()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory for study.db, or for TASK/study.db of several tasks.  "
    "[default: runs/TASK-TIME]",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Show the study in the browser while it runs; of one TASK. Results are the same.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def compare(
    tasks: tuple[str, ...], out: Path | None, watch: bool, as_json: bool, **given: Any
) -> None:
    """Tune optimizers on TASK on equal terms, and say which is best.

    TASK is a built-in task (see `steepest tasks`), a Python file that defines model, x, y and
    validation_data or validation_split, or package.module:function that returns them. For PyTorch
    the names are Net, train, validation and loss. Several tasks are compared one after another with
    the same options, and then side by side.

    The same command again, with the same --out, resumes a study that was stopped, as `steepest
    resume` does. Ctrl-C stops when the epochs in training are over, a second one at once.
    """
    source = click.get_current_context().get_parameter_source("schedule")
    asked = source is click.core.ParameterSource.COMMANDLINE
    if asked and given["schedule"] == Options.schedule:  # a task file that says another is told
        given["schedule"] = [given["schedule"]]
    run_tasks(tasks, options_of(given), out, watch, as_json)
