"""`steepest diff`: what differs between two studies, and why."""

import sys
from pathlib import Path

import click

from steepest.cli.group import cli
from steepest.errors import StudyFileError


@cli.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def diff(first: Path, second: Path, as_json: bool) -> None:
    """Say what differs between two studies, and why their numbers do.

    A and B are a study.db each, or its directory. Options, the task and its data, versions and
    hardware are compared from A to B; then where trials part, and by how much. Times do not count.

    The exit code is that of diff: 0 if they are the same in all but times, 1 if they differ, 2 if
    one cannot be read.
    """
    from steepest.reports.diff.diff import differences
    from steepest.reports.diff.text import render, text, to_dict
    from steepest.reports.json import dumps
    from steepest.study import read

    studies = [read(path).record for path in (first, second)]
    names = str(first), str(second)
    try:
        found = differences(*studies)
        plain, data = text(found, *names), dumps(to_dict(found))
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise StudyFileError(
            f"{first} or {second} is damaged: what is in it does not fit together"
        ) from error
    if as_json:
        # What is no character at all (half of a surrogate pair) goes as JSON's own escape.
        click.echo(data.encode("utf-8", "backslashreplace").decode("utf-8"))
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(render(found, *names))
    else:
        click.echo(plain)
    sys.exit(0 if found.same else 1)
