"""The command line: parse, call, print.

Standard output gets results alone; progress, and the place of the study file, go to standard error.
Exit codes: 0 done, 2 something given cannot be used, 130 stopped by Ctrl-C.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from steepest import __version__
from steepest.errors import SteepestError, nearest


class _Group(click.Group):
    """A group that names the nearest command."""

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


@cli.command()
@click.argument("task")
@click.option(
    "--optimizers",
    default="SGD,Adam,RMSprop",
    show_default=True,
    help="Which to compare. A name may fix hyperparameters: 'SGD(nesterov=True),Adam'.",
)
@click.option(
    "--epochs", metavar="N", type=int, help="Epochs of a full training, instead of the task's own."
)
@click.option(
    "--trials",
    metavar="N",
    type=int,
    default=32,
    show_default=True,
    help="Tried for each optimizer. Under 10 search the learning rate alone, under 25 two "
    "values, under 100 three.",
)
@click.option(
    "--seeds",
    metavar="N",
    type=int,
    default=5,
    show_default=True,
    help="Runs that confirm each optimizer's best.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Where all randomness is from.",
)
@click.option(
    "--schedule",
    default="constant",
    show_default=True,
    help="Of the learning rate: constant, or cosine (decays to zero).",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory for study.db.  [default: runs/TASK-TIME]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def compare(
    task: str,
    optimizers: str,
    epochs: int | None,
    trials: int,
    seeds: int,
    seed: int,
    schedule: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Tune optimizers on TASK on equal terms, and say which is best.

    TASK is a built-in task (see `steepest tasks`), a Python file that defines model, x, y and
    validation_data or validation_split, or package.module:function that returns them.
    """
    from steepest.comparison import make_settings, new_directory, run
    from steepest.rules.contestant import contestants

    # What can be known to be wrong is said before Keras and JAX are loaded.
    make_settings(trials, seeds, seed, schedule, 1 if epochs is None else epochs)
    found = contestants(optimizers, trials)
    if out is not None and (out / "study.db").exists():
        raise click.UsageError(f"{out / 'study.db'} is there already; choose another --out")
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        from steepest.tasks.load import load_task

        loaded = load_task(task, epochs)
        settings = make_settings(trials, seeds, seed, schedule, loaded.facts.epochs)
        out = out or new_directory(loaded.facts.name)
        progress = not as_json or sys.stderr.isatty()
        try:
            comparison = run(loaded, found, settings, out, progress)
        except KeyboardInterrupt:
            kept = out / "study.db"
            _stop(f"finished rungs are in {kept}" if kept.exists() else "nothing was written")
    _tell(comparison, as_json)
    click.echo(f"study: {comparison.path}", err=True)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def report(file: Path, as_json: bool) -> None:
    """Tell the verdict of the study in FILE (a study.db, or its directory) again."""
    from steepest.comparison import read

    _tell(read(file), as_json)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def tasks(as_json: bool) -> None:
    """List the built-in tasks with their size and cost."""
    from steepest.tasks.samples import SAMPLES

    facts = {
        name: {
            "what": s.what,
            "source": s.source,
            "training_examples": s.training,
            "validation_examples": s.validation,
            "test_examples": s.test,
            "parameters": s.parameters,
            "epochs": s.epochs,
            "batch_size": s.batch_size,
            "seconds": s.seconds,
        }
        for name, s in SAMPLES.items()
    }
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps({"format_version": 1, "tasks": facts}))
        return
    from steepest.reports.tasks import tasks_table

    tasks_table(facts)


def _tell(comparison: Any, as_json: bool) -> None:
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps(comparison.to_dict()))
        return
    if not sys.stdout.isatty():
        click.echo(str(comparison))
        return
    from rich.console import Console

    from steepest.reports.terminal import render

    Console().print(render(comparison.study, comparison.verdict))


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
        _stop("nothing was written")
    sys.exit(0)


def _stop(message: str) -> NoReturn:
    """Leave at once after Ctrl-C: threads may be compiling, and files are written in one piece."""
    click.echo(f"steepest: stopped; {message}", err=True)
    sys.stdout.flush()
    os._exit(130)


def _on_interrupt(*_: object) -> NoReturn:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # a second Ctrl-C does not wait
    raise KeyboardInterrupt


def _fail(message: str) -> NoReturn:
    click.echo(f"steepest: {message}", err=True)
    sys.exit(2)
