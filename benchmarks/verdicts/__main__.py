"""The command. `python -m benchmarks.verdicts --help` says what there is."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks.verdicts import clock, oracle, others, results, steepest_study, tables
from benchmarks.verdicts.chart import draw
from benchmarks.verdicts.tasks import make_task, names
from benchmarks.verdicts.training import Trainer
from benchmarks.verdicts.truth import Truth, save

STEPS = ("oracle", "others", "steepest")


@click.command()
@click.argument("steps", nargs=-1, type=click.Choice([*STEPS, "tables", "all"]))
@click.option("--tasks", default=",".join(names()), show_default=True, help="With commas between.")
@click.option("--repetitions", default=20, show_default=True, help="Of each study and search.")
@click.option(
    "--budgets", default="quick,standard", show_default=True, help="Also thorough; with commas."
)
@click.option("--as", "label", default="", help="Keep the studies as those of a version.")
@click.option("--keras-tuner", is_flag=True, help="Run KerasTuner too.")
@click.option("--workers", type=int, help="Threads that train.  [default: one a core]")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("verdicts-cache"),
    show_default=True,
    help="The directory in which every training is kept that was ever run.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="For all numbers.")
@click.option("--chart", type=click.Path(path_type=Path), help="For an SVG of excess by cost.")
def main(
    steps: Sequence[str],
    tasks: str,
    repetitions: int,
    budgets: str,
    label: str,
    keras_tuner: bool,
    workers: int | None,
    cache: Path,
    json_file: Path | None,
    chart: Path | None,
) -> None:
    """Measure how good the advice is, whether what is said is right, and what it costs.

    \b
    oracle     find each optimizer's best configuration
    others     run a grid, random search and Optuna (and KerasTuner, if asked for)
    steepest   run studies of the budgets
    tables     show what is known by now
    all        everything; what is done when no step is given

    What was trained before is not trained again. A task whose data are not there is left out. To
    have another version beside this one, run its search with this benchmark: its src on PYTHONPATH,
    and `--as 0.6.0`.
    """
    steps = steps or ("all",)
    doing = STEPS if "all" in steps else [step for step in STEPS if step in steps]
    found = {}
    for name in tasks.split(","):
        try:
            task, digest = make_task(name)
        except SystemExit as missing:
            click.echo(f"{name} is left out: {missing}", err=True)
            continue
        folder = cache / f"{name}-{digest}"
        trainer = Trainer(task, folder, workers)
        truth, seconds = Truth(trainer), clock.seconds_of(folder, name, task)
        for step in doing:
            started, before = time.perf_counter(), trainer.trained
            if step == "oracle":
                oracle.find(folder, trainer, truth)
            elif step == "others":
                others.run_all(folder, trainer, repetitions, not keras_tuner)
            else:
                some = budgets.split(",")
                steepest_study.run_all(folder, trainer, seconds, some, repetitions, label)
            spent = (trainer.trained - before) / trainer.epochs
            took = time.perf_counter() - started
            click.echo(f"{name}: {step} took {took:.0f} s, {spent:.0f} full trainings", err=True)
        if "tables" in steps or "all" in steps:
            oracle.settle(folder, truth, results.recommended_by_all(folder, repetitions))
            found[name] = results.of_task(folder, truth, seconds, repetitions)
    if found:
        tables.show(found, Console(width=None if sys.stdout.isatty() else 240))
        if json_file:
            save(json_file, found)
        if chart:
            draw(found, chart)


if __name__ == "__main__":
    main()
