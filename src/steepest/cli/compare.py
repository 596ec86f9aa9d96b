"""`steepest compare`: tune optimizers on a task, and tell the verdict."""

from pathlib import Path
from typing import Any

import click

from steepest.cli.asking import compare_tasks
from steepest.cli.group import cli


@cli.command()
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
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
    "--budget",
    default="standard",
    show_default=True,
    help="quick, standard or thorough: about 2, 4 or 20 full trainings an optimizer.",
)
@click.option(
    "--trials",
    metavar="N",
    type=int,
    help="Instead of a budget: tried for each optimizer. Under 5 search the learning rate alone, "
    "under 15 two values, under 50 three.",
)
@click.option(
    "--full-trainings",
    metavar="N",
    type=float,
    help="Instead of a budget: what the whole study may cost, in trainings of all epochs.",
)
@click.option(
    "--time",
    metavar="TIME",
    help="End within this time, such as 10m, with what is known then.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=int,
    help="Most runs that confirm an optimizer's best.  [default: by the budget]",
)
@click.option(
    "--metric",
    metavar="NAME",
    help="What decides.  [default: the validation loss]",
)
@click.option(
    "--direction",
    metavar="up|down",
    help="Which is better, where the metric does not say so itself.",
)
@click.option(
    "--at",
    default="end",
    show_default=True,
    help="Compare trials at the end of training, or at their best epoch.",
)
@click.option(
    "--practical",
    default="1%",
    show_default=True,
    help="The difference below which two optimizers are as good.",
)
@click.option(
    "--sweep",
    metavar="N",
    type=int,
    default=0,
    help="Beside the budget, train N learning rates on either side of each best, within a decade, "
    "and the framework's defaults, on up to three seeds: how sensitive it is.",
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
    tasks: tuple[str, ...],
    out: Path | None,
    watch: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Tune optimizers on TASK on equal terms, and say which is best.

    TASK is a built-in task (see `steepest tasks`), a Python file that defines model, x, y and
    validation_data or validation_split, or package.module:function that returns them. Several tasks
    are compared one after another with the same options, and then seen together.

    The same command again, with the same --out, goes on with a study that was stopped, as `steepest
    resume` does. Ctrl-C stops when the epochs in training are over, a second one at once.
    """
    asked["baseline"] = list(asked["baseline"])
    compare_tasks(tasks, asked, out, watch, as_json)
