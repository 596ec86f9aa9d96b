"""`steepest resume`: go on with a study that was stopped, however it was stopped."""

from pathlib import Path
from typing import Any

import click

from steepest.cli.asked import with_options
from steepest.cli.group import cli
from steepest.cli.output import further, print_study
from steepest.cli.run_study import run_tasks
from steepest.options import NAMES, Options
from steepest.text import is_none


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@with_options(resumed=True)
@click.option("--watch", is_flag=True, help="Show the study in the browser while it runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def resume(
    directory: Path, tasks: tuple[str, ...], watch: bool, as_json: bool, **given: Any
) -> None:
    """Resume the study in DIRECTORY from where it was stopped.

    It takes the options that `steepest compare` was given, and gives the result that an
    uninterrupted run would have given. If the task is a file or a function of yours, name it again
    as TASK: a study file never says what code to run. Of a study that is complete, the verdict is
    printed again; one that its limit of time ended resumes with another --time, of the whole study,
    or with --time none; one that is not decided gets more seeds with --seeds.
    """
    from steepest import storage
    from steepest.tasks.samples import SAMPLES

    if directory.name == "study.db":
        directory = directory.parent
    one = (directory / "study.db").is_file()
    found = [directory] if one else sorted(p.parent for p in directory.glob("*/study.db"))
    if not found:
        raise click.UsageError(
            f"there is no study in {directory}; give the directory that steepest compare wrote"
        )
    study = storage.read(found[0] / "study.db")
    asked = dict(study.asked)
    for name, value in given.items():
        if value is not None:
            asked[name] = None if isinstance(value, str) and is_none(value) else value
    more_time = asked.get("time") != study.asked.get("time")
    more_seeds = (given["seeds"] or 0) > max(len(study.confirmed(n)) for n in study.optimizers)
    if one and study.complete and not (study.stopped and more_time) and not more_seeds:
        from steepest.study import read

        print_study(read(directory), as_json)
        more = "" if study.finished else f"; with {further(study)} it goes on"
        click.echo(f"study: {found[0] / 'study.db'}, which had come to its end{more}", err=True)
        return
    named = asked.pop("tasks", None)
    if not named:
        raise click.UsageError(
            f"the study in {directory} was not asked on the command line; make the same "
            f"steepest.compare(...) call again, with out={str(directory)!r}"
        )
    if one and "," in str(asked.get("batch_size")):
        raise click.UsageError(
            f"the study in {directory} is one of the batch sizes {asked['batch_size']}; name the "
            "directory above, which has them all"
        )
    texts = isinstance(named, list) and all(isinstance(task, str) for task in named)
    if not texts or not set(asked) <= set(NAMES):
        raise click.UsageError(
            f"what the study in {directory} was asked is not what this version asks; run the same "
            f"steepest compare again, with --out {directory}"
        )
    if not tasks:
        own = [task for task in named if task not in SAMPLES]
        if own:
            raise click.UsageError(
                f"the task of the study in {directory} is code, {own[0]}; name it, if it is yours: "
                f"steepest resume {directory} {' '.join(named)}"
            )
        tasks = tuple(named)
    if len(tasks) != len(named) or (one and len(named) > 1):
        raise click.UsageError(
            f"the study in {directory} is one of {len(named)} tasks, {', '.join(named)}; name "
            "those, and the directory above, where they are several"
        )
    run_tasks(tasks, Options.from_stored(asked), directory, watch, as_json)
