"""The group that all commands belong to, and how to leave it."""

import os
import sys
from typing import Any, NoReturn

import click

from steepest.cli import logs
from steepest.errors import nearest
from steepest.version import __version__


class _Group(click.Group):
    """A group that names the nearest command; -v stands before or after it."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        cmd.params.append(logs.option())
        super().add_command(cmd, name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(
                f"there is no command {args[0]!r}; {nearest(args[0], self.commands)}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="steepest")
def cli() -> None:
    """Find the right optimizer, and its hyperparameters, for your model, with the evidence."""


cli.params.append(logs.option())


def stop(message: str, code: int = 130) -> NoReturn:
    """Leave at once after a signal: threads may be compiling, and no file is half written."""
    click.echo(f"steepest: stopped; {message}", err=True)
    sys.stdout.flush()
    os._exit(code)
