"""`steepest watch`: a running study in the browser."""

import threading
from pathlib import Path

import click

from steepest.cli.group import cli


@cli.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), default=0, help="[default: a free one]"
)
@click.option("--open/--no-open", "browser", default=True, help="Open a browser.  [default: open]")
def watch(directory: Path, port: int, browser: bool) -> None:
    """Show the study in DIR (or a study.db) in the browser while it runs, until Ctrl-C.

    DIR is what `compare` has as --out; it need not be there yet. The page is on this machine alone
    and read-only; it changes when the study file does, after each turn of the search.
    """
    from steepest.serve import watching

    with watching(directory, browser, port) as url:
        click.echo(url)
        click.echo("Ctrl-C ends", err=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("", err=True)
