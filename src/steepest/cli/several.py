"""Several tasks at once: train one after another, and tell what they have in common."""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from steepest.errors import SteepestError

Asked = tuple[Any, Any, Any]  # a task, its contestants, its settings


def compare_several(
    tasks: Sequence[str],
    load: Callable[[str], Asked],
    train: Callable[[Asked, Path], Any],
    out: Path | None,
    as_json: bool,
    check: Callable[[Path, Mapping[str, Any]], None],
    asked: Mapping[str, Any],
) -> None:
    """Compare on each task, tell each verdict as it comes, and at the end how they agree.

    Args:
        tasks: as a person named them.
        load: makes a task, or raises `InputError`. It is called for all before any is trained, so
            that what is wrong with the last is said at once, and again before each is trained, so
            that the data of one is in memory at a time.
        train: trains one into a directory, and returns its `Comparison`.
        out: the directory that gets TASK/study.db of each; by default runs/several-TIME.
        as_json: print one JSON object at the end, and nothing else.
        check: refuses a study file that is there already and was not asked this.
        asked: what was asked of all.
    """
    from steepest.cli.asking import leave
    from steepest.cli.tell import tell_comparison
    from steepest.comparison import new_directory
    from steepest.comparison.several import Several

    twice = next((task for i, task in enumerate(tasks) if task in tasks[:i]), None)
    if twice is not None:
        raise click.UsageError(
            f"{twice} is named twice, which would train the same twice; name each task once"
        )
    with contextlib.redirect_stdout(sys.stderr):  # a task file may print
        names = [_anew(load, task)[0].facts.name for task in tasks]
    out = new_directory("several") if out is None else out
    places = _places(names, out)
    for place in places:
        check(place / "study.db", asked)
    done: list[Any] = []
    for task, place in zip(tasks, places, strict=True):
        try:
            with contextlib.redirect_stdout(sys.stderr):
                done.append(train(_anew(load, task), place))
        except KeyboardInterrupt as error:
            first = next((p / "study.db" for p in places if (p / "study.db").exists()), place)
            study = place / "study.db" if (place / "study.db").exists() else first
            leave(error, out, study, tasks, as_json)
        if not as_json:
            tell_comparison(done[-1], False)
            click.echo("")
        click.echo(f"study: {done[-1].path}", err=True)
    several = Several(tuple(done))
    tell_several(several, as_json)
    write_report(several)


def write_report(told: Any) -> None:
    """Write the page beside the studies; where that fails, they and their verdicts are kept."""
    try:
        click.echo(f"report: {told.write_report()}", err=True)
    except SteepestError as error:
        click.echo(f"steepest: {error}", err=True)


def _anew(load: Callable[[str], Asked], task: str) -> Asked:
    """Make a task as if it were the first, as Keras numbers layers without a name."""
    from steepest.tasks.load import forget

    forget()
    return load(task)


def tell_several(several: Any, as_json: bool = False, as_markdown: bool = False) -> None:
    """Print how optimizers do over the tasks of several studies."""
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps(several.to_dict()))
        return
    if as_markdown:
        click.echo(several.to_markdown(), nl=False)
        return
    if not sys.stdout.isatty():
        click.echo(str(several))
        return
    from rich.console import Console

    from steepest.reports.compatibility_tables import render

    Console().print(render(several.compatibility))


def _places(names: Sequence[str], out: Path) -> list[Path]:
    """Return a directory for each task in `out`, numbered where names are equal."""
    found: list[Path] = []
    for name in names:
        plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in name) or "task"
        place, count = out / plain, 1
        while place in found:
            count += 1
            place = out / f"{plain}-{count}"
        found.append(place)
    return found
