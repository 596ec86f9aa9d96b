"""What commands print of a study or a study set, and how they leave when they are stopped."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from steepest.cli.group import stop
from steepest.cli.logs import verbosity
from steepest.errors import SteepestError
from steepest.records import StudyRecord

PILOT = 3  # seeds with which a pilot goes on: the first look


def print_study(study: Any, as_json: bool) -> None:
    """Print the advice of a study and its table; with -v its measures and all notes too."""
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps(study.to_dict()))
        return
    from rich.console import Console

    from steepest.reports.terminal import render, text

    more = bool(verbosity())
    measures = study.measures if more else None
    given = study.record, study.verdict, measures, study.directory, more
    if sys.stdout.isatty():
        Console().print(render(*given))
    else:
        click.echo(text(*given))


def further(study: StudyRecord) -> str:
    """Return the option with which a study that has no verdict goes on, as it is typed."""
    return f"--seeds {PILOT}" if study.settings.seconds is None else "--time none"


def print_study_set(found: Any, as_json: bool = False, as_markdown: bool = False) -> None:
    """Print how optimizers do over the tasks of several studies."""
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps(found.to_dict()))
        return
    if as_markdown:
        click.echo(found.to_markdown(), nl=False)
        return
    if not sys.stdout.isatty():
        click.echo(str(found))
        return
    from rich.console import Console

    from steepest.reports.page import batch_sizes, compatibility_tables

    sizes = found.batch_sizes
    if sizes is not None:
        Console().print(batch_sizes.render(sizes))
        return
    Console().print(compatibility_tables.render(found.compatibility))


def write_report(found: Any) -> None:
    """Write the page beside the studies; where that fails, they and their verdicts are kept."""
    try:
        click.echo(f"report: {found.write_report()}", err=True)
    except SteepestError as error:
        click.echo(f"steepest: {error}", err=True)


def leave(
    error: KeyboardInterrupt, out: Path, study: Path, tasks: Sequence[str], as_json: bool
) -> NoReturn:
    """Print the verdict so far, if there is one, and how to resume; and leave."""
    from steepest.study import read
    from steepest.tasks.samples import SAMPLES

    code = getattr(error, "code", 130)
    if not study.exists():
        stop("nothing was written", code)
    sofar = read(study)
    if sofar.verdict.leader is not None:
        print_study(sofar, as_json)
    own = tasks if not all(task in SAMPLES for task in tasks) else ()
    stop(f"what was trained is kept; to go on: {resume_command(out, *own)}", code)


def resume_command(out: Path, *more: str) -> str:
    """Return the command that resumes the study in a directory."""
    return shlex.join(["steepest", "resume", str(out), *more])
