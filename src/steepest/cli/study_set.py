"""Several tasks or batch sizes in one command: one study after another, and then all together."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from steepest.cli.output import leave, print_study, print_study_set, write_report


def run_study_set(
    tasks: Sequence[str],
    sizes: Sequence[int | None],
    load: Callable[[str, int | None], Any],
    train: Callable[[str, int | None, Any, Path], Any],
    out: Path | None,
    as_json: bool,
    check: Callable[[Path], None],
) -> None:
    """Compare on each task, print each verdict as it comes, and at the end how they agree.

    Args:
        tasks: as a person named them.
        sizes: batch sizes, each for every task; None for the task's own.
        load: makes a task with a batch size, or raises `InputError`. It is called for all before
            any is trained, so that what is wrong with the last is said at once, and again before
            each is trained, so that the data of one is in memory at a time.
        train: trains one, by its name and size, into a directory, and returns its `Study`.
        out: the directory that gets TASK/study.db of each; by default runs/several-TIME.
        as_json: print one JSON object at the end, and nothing else.
        check: refuses the file of a study that had other options.
    """
    from steepest.study import new_directory
    from steepest.study.study_set import StudySet

    twice = next((task for i, task in enumerate(tasks) if task in tasks[:i]), None)
    if twice is not None:
        raise click.UsageError(
            f"{twice} is named twice, which would train the same twice; name each task once"
        )
    every = [(task, size) for task in tasks for size in sizes]
    with contextlib.redirect_stdout(sys.stderr):  # a task file may print
        names = [_anew(load, *one).facts.name for one in every]
    out = new_directory("several" if len(tasks) > 1 else names[0]) if out is None else out
    labels = [n if s is None else f"{n}-batch-{s}" for n, (_, s) in zip(names, every, strict=True)]
    places = _places(labels if len(sizes) > 1 else names, out)
    for place in places:
        check(place / "study.db")
    done: list[Any] = []
    for one, place in zip(every, places, strict=True):
        try:
            with contextlib.redirect_stdout(sys.stderr):
                done.append(train(*one, _anew(load, *one), place))
        except KeyboardInterrupt as error:
            first = next((p / "study.db" for p in places if (p / "study.db").exists()), place)
            study = place / "study.db" if (place / "study.db").exists() else first
            leave(error, out, study, tasks, as_json)
        if not as_json:
            print_study(done[-1], False)
            click.echo("")
        click.echo(f"study: {done[-1].path}", err=True)
    found = StudySet(tuple(done))
    print_study_set(found, as_json)
    write_report(found)


def _anew(load: Callable[[str, int | None], Any], task: str, size: int | None) -> Any:
    """Make a task as if it were the first, as Keras numbers layers without a name."""
    from steepest.tasks.load import forget

    forget()
    return load(task, size)


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
