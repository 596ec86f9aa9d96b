"""`steepest lr`: find the learning rate of one optimizer."""

import contextlib
import sys
from pathlib import Path

import click

from steepest.cli.group import cli


@cli.command()
@click.argument("task", metavar="TASK")
@click.option(
    "--optimizer",
    metavar="NAME",
    help='The optimizer, as in "SGD(momentum=0.9)".  [default: the one of the model, or Adam]',
)
@click.option(
    "--length",
    type=int,
    help="Epochs of each training.  [default: a full training, or half or a quarter of one where "
    "all would take over a minute]",
)
@click.option("--epochs", type=int, help="Epochs of a full training.  [default: the task's]")
@click.option(
    "--seeds",
    type=int,
    default=5,
    show_default=True,
    help="Seeds from which the rates around the best are trained.",
)
@click.option(
    "--dialect",
    metavar="NAME",
    help="Whose arithmetic and defaults: keras, torch or optax.  [default: the model's framework]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of all randomness.")
@click.option("--memory", metavar="SIZE", help="The memory that trials may use, such as 4GB.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with the picture to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def lr(
    task: str,
    optimizer: str | None,
    length: int | None,
    epochs: int | None,
    seeds: int,
    dialect: str | None,
    seed: int,
    memory: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Find the learning rate of one optimizer on TASK, by trainings at many rates.

    TASK is as for `steepest compare`. It writes no study, and says how sure it is, what the
    framework's default ends at, where training breaks, and what a learning-rate range test would
    have said. `steepest compare` tunes more than the rate, and confirms on fresh seeds.
    """
    from steepest.backend import share_gpu
    from steepest.reports.json import dumps
    from steepest.study.learning_rate import check_numbers, run_learning_rate

    check_numbers(epochs, length, seeds, seed)
    if memory is not None:
        share_gpu()
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        from steepest.tasks.load import load_task

        loaded = load_task(task, epochs)
        progress = not as_json or sys.stderr.isatty()
        found = run_learning_rate(loaded, optimizer, length, seeds, dialect, seed, memory, progress)
    click.echo(dumps(found.to_dict()) if as_json else str(found))
    if html is not None:
        click.echo(f"page: {found.write_report(html)}", err=True)
