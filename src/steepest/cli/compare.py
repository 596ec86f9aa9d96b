"""`steepest compare`: tune optimizers on a task, and tell the verdict."""

import contextlib
import sys
from pathlib import Path
from typing import Any

import click

from steepest.cli.group import cli, stop
from steepest.cli.tell import tell_comparison


@cli.command()
@click.argument("task")
@click.option(
    "--optimizers",
    default="SGD,Adam,RMSprop",
    show_default=True,
    help="Which to compare. A name may fix hyperparameters or give them a range: "
    "'SGD(nesterov=True),Adam(epsilon=Float(1e-8,1e-3,log=True))'.",
)
@click.option(
    "--dialect",
    default="keras",
    show_default=True,
    help="Whose arithmetic and defaults they have: keras, torch or optax.",
)
@click.option(
    "--epochs", metavar="N", type=int, help="Epochs of a full training, instead of the task's own."
)
@click.option(
    "--trials",
    metavar="N",
    type=int,
    default=32,
    show_default=True,
    help="Tried for each optimizer. Under 10 search the learning rate alone, under 25 two "
    "values, under 100 three.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=int,
    default=5,
    show_default=True,
    help="Runs that confirm each optimizer's best.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Where all randomness is from.",
)
@click.option(
    "--schedule",
    default="constant",
    show_default=True,
    help="Of the learning rate: constant, linear, cosine, exponential or step.",
)
@click.option(
    "--recipe",
    metavar="TEXT",
    help="What surrounds every optimizer, fixed or searched: 'warmup=0.05,clip_norm=1' or "
    "'weight_decay=Float(1e-4,1e-1,log=True)'.",
)
@click.option(
    "--baseline",
    metavar="CALL",
    multiple=True,
    help="What you use today, as it stands: 'keras.optimizers.Adam(1e-3)', or torch.optim's or "
    "optax' call. It is read, not run.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="What trials may take of it, such as 4GB.  [default: most of what is free]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory for study.db.  [default: runs/TASK-TIME]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def compare(
    task: str,
    optimizers: str,
    epochs: int | None,
    trials: int,
    seeds: int,
    seed: int,
    schedule: str,
    dialect: str,
    recipe: str | None,
    baseline: tuple[str, ...],
    memory: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Tune optimizers on TASK on equal terms, and say which is best.

    TASK is a built-in task (see `steepest tasks`), a Python file that defines model, x, y and
    validation_data or validation_split, or package.module:function that returns them.
    """
    from steepest.comparison import new_directory, run
    from steepest.question import make_contestants, make_memory, make_settings
    from steepest.tasks.samples import SAMPLES

    def asked(epochs: int) -> Any:
        settings = make_settings(trials, seeds, seed, schedule, epochs, dialect)
        return settings, make_contestants(optimizers, settings, recipe, list(baseline))

    # What can be known to be wrong is said before Keras and JAX are loaded; but a person's own task
    # may make optimizers of its own.
    make_settings(trials, seeds, seed, schedule, 1 if epochs is None else epochs, dialect)
    bytes_ = make_memory(memory)
    if task in SAMPLES:
        asked(1)
    if out is not None and (out / "study.db").exists():
        raise click.UsageError(f"{out / 'study.db'} is there already; choose another --out")
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        from steepest.tasks.load import load_task

        loaded = load_task(task, epochs)
        settings, found = asked(loaded.facts.epochs)
        out = out or new_directory(loaded.facts.name)
        progress = not as_json or sys.stderr.isatty()
        try:
            comparison = run(loaded, found, settings, out, progress, bytes_)
        except KeyboardInterrupt:
            kept = out / "study.db"
            stop(f"finished rungs are in {kept}" if kept.exists() else "nothing was written")
    tell_comparison(comparison, as_json)
    click.echo(f"study: {comparison.path}", err=True)
