"""`steepest resume`: go on with a study that was stopped, however it was."""

from pathlib import Path
from typing import Any

import click

from steepest.cli.asking import compare_tasks
from steepest.cli.group import cli
from steepest.cli.tell import tell_comparison


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("tasks", metavar="[TASK]...", nargs=-1)
@click.option("--watch", is_flag=True, help="Show the study in the browser while it runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def resume(directory: Path, tasks: tuple[str, ...], watch: bool, as_json: bool) -> None:
    """Go on with the study in DIRECTORY from where it was stopped.

    It asks once more what `steepest compare` was asked, and ends as if it had never been stopped.
    If the task is a file or a function of yours, name it again as TASK: a study file never says
    what code to run. One that came to its end is told again.
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
    if one and study.complete:
        from steepest.comparison import read

        tell_comparison(read(directory), as_json)
        click.echo(f"study: {found[0] / 'study.db'}, which had come to its end", err=True)
        return
    asked = dict(study.asked)
    named = asked.pop("tasks", None)
    if not named:
        raise click.UsageError(
            f"the study in {directory} was not asked on the command line; make the same "
            f"steepest.compare(...) call again, with out={str(directory)!r}"
        )
    _check(named, asked, directory)
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
    compare_tasks(tasks, asked, directory, watch, as_json)


def _check(named: Any, asked: dict[str, Any], directory: Path) -> None:
    """Raise unless a study file, which may be a stranger's, was asked what can be asked."""
    from steepest.cli.compare import compare

    known = {p.name for p in compare.params if p.expose_value} - {
        "tasks",
        "out",
        "watch",
        "as_json",
    }
    texts = isinstance(named, list) and all(isinstance(task, str) for task in named)
    if not texts or set(asked) != known:
        raise click.UsageError(
            f"what the study in {directory} was asked is not what this version asks; run the same "
            f"steepest compare again, with --out {directory}"
        )
