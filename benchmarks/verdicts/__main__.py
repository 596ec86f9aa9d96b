"""The command. `python -m benchmarks.verdicts --help` says what there is."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks.verdicts import oracle, others, results, steepest_study, tables
from benchmarks.verdicts.chart import draw
from benchmarks.verdicts.tasks import WORKS, make_task
from benchmarks.verdicts.training import Trainer
from benchmarks.verdicts.truth import Truth, save

STEPS = ("oracle", "others", "steepest", "ablations")


@click.command()
@click.argument("steps", nargs=-1, required=True, type=click.Choice([*STEPS, "tables", "all"]))
@click.option("--tasks", default=",".join(WORKS), show_default=True, help="With commas between.")
@click.option("--repetitions", default=20, show_default=True, help="Of each search.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path("verdicts-cache"),
    show_default=True,
    help="The directory in which everything is kept that was ever measured.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="For all numbers.")
@click.option("--chart", type=click.Path(path_type=Path), help="For an SVG of excess by cost.")
def main(
    steps: Sequence[str],
    tasks: str,
    repetitions: int,
    cache: Path,
    json_file: Path | None,
    chart: Path | None,
) -> None:
    """Measure regret against cost.

    \b
    oracle     find each optimizer's best configuration
    others     run Optuna, KerasTuner and random search
    steepest   run quick, standard and thorough studies
    ablations  run standard studies without halving, refinement, racing
    tables     show what is known by now
    all        everything

    Whatever was measured before, for the same task and the same search, is not measured again.
    """
    doing = STEPS if "all" in steps else [step for step in STEPS if step in steps]
    found = {}
    for name in tasks.split(","):
        task, digest = make_task(name)
        trainer, folder = Trainer(task), cache / f"{name}-{digest}"
        truth = Truth(folder, trainer)
        for step in doing:
            started, before = time.perf_counter(), trainer.trained
            if step == "oracle":
                oracle.find(folder, trainer, truth)
            elif step == "others":
                others.run_all(folder, trainer, repetitions)
            else:
                steepest_study.run_all(folder, trainer, repetitions, step == "ablations")
            results.measure(folder, truth, repetitions)
            spent = (trainer.trained - before) / trainer.epochs
            seconds = time.perf_counter() - started
            click.echo(f"{name}: {step} took {seconds:.0f} s, {spent:.0f} full trainings", err=True)
        if "tables" in steps or "all" in steps:
            found[name] = results.of_task(folder, truth, repetitions)
    if found:
        tables.show(found, Console(width=None if sys.stdout.isatty() else 240))
        if json_file:
            save(json_file, found)
        if chart:
            draw(found, chart)


if __name__ == "__main__":
    main()
