"""From what was asked on the command line to a verdict: of `compare`, and once more of `resume`."""

import contextlib
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from steepest.cli.group import stop
from steepest.cli.several import compare_several, write_report
from steepest.cli.tell import tell_comparison

# What of a question is not for `make_question`.
APART = ("optimizers", "epochs", "metric", "direction", "memory")


def compare_tasks(
    tasks: Sequence[str], options: Mapping[str, Any], out: Path | None, watch: bool, as_json: bool
) -> None:
    """Compare optimizers on tasks, and tell the verdict.

    Args:
        tasks: as a person named them.
        options: what `steepest compare` takes, by its names, defaults included.
        out: the directory for the study, or for those of several tasks.
        watch: whether to show it in a browser while it runs.
        as_json: whether to print one JSON object and nothing else.
    """
    from steepest.comparison import new_directory, run
    from steepest.question import decided_by, make_memory, make_question
    from steepest.tasks.samples import SAMPLES

    if watch and len(tasks) > 1:
        raise click.UsageError(
            "--watch shows one study; of several tasks, run steepest watch OUT/TASK beside it"
        )
    optimizers, epochs = options["optimizers"], options["epochs"]
    rest = {name: value for name, value in options.items() if name not in APART}
    # What can be known to be wrong is said before Keras and JAX are loaded; but a person's own task
    # may make optimizers of its own.
    bytes_ = make_memory(options["memory"])
    known = optimizers if all(task in SAMPLES for task in tasks) else "SGD"
    make_question(known, 1 if epochs is None else epochs, **rest)
    asked = {"tasks": list(tasks), **options}
    if out is not None:
        _check_same(out / "study.db", asked)

    def load(task: str) -> tuple[Any, Any, Any]:
        from steepest.tasks.load import load_task

        loaded = load_task(task, epochs)
        found, settings = make_question(optimizers, loaded.facts.epochs, **rest)
        metric, direction = options["metric"], options["direction"]
        return loaded, found, decided_by(settings, loaded.facts, metric, direction)

    progress = not as_json or sys.stderr.isatty()
    if len(tasks) > 1:

        def train(question: tuple[Any, Any, Any], place: Path) -> Any:
            comparison = run(*question, place, progress, bytes_, asked)
            write_report(comparison)
            return comparison

        compare_several(tasks, load, train, out, as_json, _check_same, asked)
        return
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        loaded, found, settings = load(tasks[0])
        out = out or new_directory(loaded.facts.name)
        interrupted: KeyboardInterrupt | None = None
        try:
            with _watched(out) if watch else contextlib.nullcontext():
                comparison = run(loaded, found, settings, out, progress, bytes_, asked)
        except KeyboardInterrupt as error:
            interrupted = error
    if interrupted is not None:
        leave(interrupted, out, out / "study.db", tasks, as_json)
    tell_comparison(comparison, as_json)
    click.echo(f"study: {comparison.path}", err=True)
    write_report(comparison)


def leave(
    error: KeyboardInterrupt, out: Path, study: Path, tasks: Sequence[str], as_json: bool
) -> NoReturn:
    """Tell the verdict so far, if there is one, and how to go on; and leave."""
    from steepest.comparison import read
    from steepest.tasks.samples import SAMPLES

    code = getattr(error, "code", 130)
    if not study.exists():
        stop("nothing was written", code)
    sofar = read(study)
    if sofar.verdict.leader is not None:
        tell_comparison(sofar, as_json)
    own = tasks if not all(task in SAMPLES for task in tasks) else ()
    command = shlex.join(["steepest", "resume", str(out), *own])
    stop(f"what was trained is kept; to go on: {command}", code)


def _check_same(path: Path, asked: Mapping[str, Any]) -> None:
    """Refuse early what a study that is there was not asked; the rest is seen when it goes on."""
    if not path.exists():
        return
    from steepest import storage

    before = storage.read(path).asked
    for name, value in asked.items() if before else ():
        # Code may lie elsewhere now; whether it is the same is seen by what it makes.
        same = _named(before.get(name)) == _named(value) if name == "tasks" else False
        if not same and before.get(name) != value and name != "memory":
            option = "TASK" if name == "tasks" else f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{path} is there already, and is of another question: {option} was "
                f"{_shown(before.get(name))} and is {_shown(value)}; choose another --out"
            )


def _named(tasks: Any) -> list[str]:
    """Return tasks by name: built-in ones, and "code" for each of a person's own."""
    from steepest.tasks.samples import SAMPLES

    given = tasks if isinstance(tasks, list) else []
    return [task if task in SAMPLES else "code" for task in given]


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)[:80]


@contextlib.contextmanager
def _watched(out: Path) -> Iterator[None]:
    """Serve the study that will be in `out`, and say where."""
    from steepest.watching import watching

    with watching(out, True) as url:
        click.echo(f"watch: {url}", err=True)
        yield
