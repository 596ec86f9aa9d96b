"""The command line: parse, call, print.

Standard output gets results alone; progress, and the place of the study file, go to standard error.
Exit codes: 0 done, 2 something given cannot be used, 130 stopped by Ctrl-C.
"""

import os
import signal
import sys
from typing import NoReturn

import click

from steepest.cli import compare, hand_over, tell, watch  # noqa: F401  # they add their commands
from steepest.cli.group import cli, stop
from steepest.errors import SteepestError


def main() -> NoReturn:
    """Run the command line; bad input is one sentence on standard error and exit code 2."""
    signal.signal(signal.SIGINT, _on_interrupt)
    try:
        cli(prog_name="steepest", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message())
    except SteepestError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except (click.Abort, KeyboardInterrupt):
        stop("nothing was written")
    sys.exit(0)


def _on_interrupt(*_: object) -> NoReturn:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # a second Ctrl-C does not wait
    raise KeyboardInterrupt


def _fail(message: str) -> NoReturn:
    click.echo(f"steepest: {message}", err=True)
    sys.exit(2)
