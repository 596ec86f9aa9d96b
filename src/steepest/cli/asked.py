"""Options of the command line that are fields of `Options`: all of `compare`, some of `resume`."""

from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from steepest.options import Options, about


def with_options(resumed: bool = False) -> Callable[[Any], Any]:
    """Return what gives a command all of `Options`, in their order.

    Where a study is resumed, those that it may have another value of, and none has a default: what
    is not given is as it was.
    """

    def given(command: Any) -> Any:
        for one in reversed(fields(Options)):
            if about(one).free or not resumed:
                command = _option(one, resumed)(command)
        return command

    return given


def _option(one: "Field[Any]", resumed: bool) -> Callable[[Any], Any]:
    known = about(one)
    usual = "as it was" if resumed else known.usual
    return click.option(
        f"--{one.name.replace('_', '-')}",
        metavar=known.metavar,
        type=known.kind,
        default=None if known.many or resumed else one.default,
        show_default=one.default is not None and not resumed,
        multiple=known.many,
        help=known.help + (f"  [default: {usual}]" if usual else ""),
    )
