"""The command line: parse, call, print.

Standard output gets results alone; progress, and the place of the study file, go to standard error.
Exit codes: 0 done, 1 two studies differ (`steepest diff` alone), 2 something given cannot be used
or a file cannot be written, 130 stopped by Ctrl-C, 143 by SIGTERM; all that was trained is kept.
"""

import os
import signal
import sys
from typing import NoReturn

import click

from steepest import signals
from steepest.cli import (  # noqa: F401  # each adds its command
    atlas,
    code,
    compare,
    diff,
    explain,
    export,
    logs,
    lr,
    report,
    resume,
    suggest,
    tasks,
    watch,
)
from steepest.cli.group import cli, stop
from steepest.errors import SteepestError, in_one_line


def main() -> NoReturn:
    """Run the command line; bad input is one sentence on standard error and exit code 2."""
    signals.at_once[0] = lambda number: os._exit(128 + number)  # a second one does not wait
    for number in signals.SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _on_signal)
    if sys.stdout is None:  # it was closed before Python began, so nobody reads it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # until the end
    logs.begin()
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
        _drop_output()
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    except MemoryError:
        _fail(
            "there is no memory left; give --memory less, or a smaller batch size or model. What "
            "was trained is kept: steepest resume goes on"
        )
    except (click.Abort, KeyboardInterrupt) as error:
        # Click turns an interrupt into its own Abort; the signal is in the cause.
        code = getattr(error, "code", getattr(error.__cause__, "code", 130))
        stop("what was written so far, if anything, is kept", code)
    sys.exit(0)


def _on_signal(number: int, _: object) -> NoReturn:
    signal.signal(number, lambda *_: os._exit(128 + number))
    raise signals.Stopped(number)


_on_signal.steepest = True  # type: ignore[attr-defined]  # `listening` may take its place


def _drop_output() -> None:
    """Drop what standard output did not take: Python would try again, and exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> NoReturn:
    click.echo(f"steepest: {in_one_line(message)}", err=True)
    sys.exit(2)
