"""`steepest suggest`: an optimizer to start with, without training."""

import contextlib
import sys

import click

from steepest.cli.group import cli


@cli.command()
@click.argument("task", metavar="TASK")
@click.option("--epochs", type=int, help="Epochs of a training.  [default: the task's]")
@click.option(
    "--count", type=int, default=3, show_default=True, help="Optimizers to suggest, best first."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def suggest(task: str, epochs: int | None, count: int, as_json: bool) -> None:
    """Suggest an optimizer to start with on TASK; trains nothing.

    TASK is as for `steepest compare`. The suggestion is what did best on tasks of the atlas that
    are like it (`steepest atlas`). It says on how many, and how often such suggestions were right.
    """
    from steepest.reports.json import dumps
    from steepest.study.suggest import check_count, run_suggest

    check_count(count)
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        from steepest.tasks.load import load_task

        facts = load_task(task, epochs).facts
    found = run_suggest(facts, count)
    click.echo(dumps(found.to_dict()) if as_json else str(found))
