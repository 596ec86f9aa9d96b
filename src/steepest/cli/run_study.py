"""From tasks and options on the command line to verdicts: for `compare` and for `resume`."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click

from steepest import budget
from steepest.backend import VARIABLE, share_gpu
from steepest.cli.output import further, leave, print_study, resume_command, write_report
from steepest.cli.study_set import run_study_set
from steepest.options import Options, about


def run_tasks(
    tasks: Sequence[str], options: Options, out: Path | None, watch: bool, as_json: bool
) -> None:
    """Compare optimizers on tasks, and print the verdicts.

    Args:
        tasks: as a person named them.
        options: what is asked of each study.
        out: the directory for the study, or for those of several tasks.
        watch: whether to show it in a browser while it runs.
        as_json: whether to print one JSON object and nothing else.
    """
    from steepest.plan import check_plan, make_plan
    from steepest.study import new_directory, run_study
    from steepest.tasks.samples import SAMPLES

    sizes: tuple[int | None, ...] = options.batch_sizes or (None,)
    several = len(tasks) * len(sizes) > 1
    if watch and several:
        raise click.UsageError(
            "--watch shows one study; of several, run steepest watch beside it, on the directory "
            "of one"
        )
    if options.name is not None and len(tasks) > 1:
        raise click.UsageError("--name is for the study of one task; leave it out for several")
    # What can be known to be wrong is said before Keras and JAX are loaded; but a person's own task
    # may make optimizers of its own.
    built_in = all(task in SAMPLES for task in tasks)
    check_plan(options if built_in else replace(options, optimizers="SGD"))
    if out is not None:
        _check_same(out / "study.db", tasks, options)
    if options.memory is not None or options.workers is not None:
        share_gpu()
    if options.workers is None and os.environ.get(VARIABLE, "jax") == "jax":
        from steepest.engines.hardware import wake_gpu  # JAX takes a second itself

        wake_gpu()
    progress = not as_json or sys.stderr.isatty()

    began, frameworks = budget.clock(), set[str]()

    def load(task: str, batch_size: int | None) -> Any:
        from steepest.tasks.load import load_task

        nonlocal began
        began = budget.clock()
        loaded = load_task(task, options.epochs, batch_size)
        if options.name is not None:
            loaded = replace(loaded, facts=replace(loaded.facts, name=options.name))
        make_plan(options, loaded.facts, wanted=loaded.wanted)  # raises what is wrong
        frameworks.add(loaded.facts.framework)
        if len(frameworks) > 1 and options.dialect is None:
            raise click.UsageError(
                "the tasks are models of Keras and of PyTorch, which by default have other "
                "optimizers by the same names; give --dialect keras or --dialect torch for all"
            )
        return loaded

    if several:

        def train(name: str, size: int | None, task: Any, place: Path) -> Any:
            work = _work(name, options, size)
            study = run_study(task, options, place, progress, tasks, work, began)
            write_report(study)
            return study

        def check(file: Path) -> None:
            _check_same(file, tasks, options)

        run_study_set(tasks, sizes, load, train, out, as_json, check)
        return
    # A task file may print; standard output is ours.
    with contextlib.redirect_stdout(sys.stderr):
        loaded = load(tasks[0], sizes[0])
        out = out or new_directory(loaded.facts.name)
        interrupted: KeyboardInterrupt | None = None
        try:
            with _watched(out) if watch else contextlib.nullcontext():
                work = _work(tasks[0], options, sizes[0])
                study = run_study(loaded, options, out, progress, tasks, work, began)
        except KeyboardInterrupt as error:
            interrupted = error
    if interrupted is not None:
        leave(interrupted, out, out / "study.db", tasks, as_json)
    print_study(study, as_json)
    click.echo(f"study: {study.path}", err=True)
    if not study.record.finished:
        own = () if built_in else tasks
        more = further(study.record)
        click.echo(f"to go on: {resume_command(out, *own, *more.split())}", err=True)
    write_report(study)


def _work(task: str, options: Options, batch_size: int | None) -> Any:
    """Return a task as a value, where others than this process train it."""
    if options.workers is None:
        return None
    from steepest.workers.work import Work

    return Work.named(task, options.epochs, batch_size)


def _check_same(path: Path, tasks: Sequence[str], options: Options) -> None:
    """Refuse early a study that had other options; the rest is seen when it resumes."""
    if not path.exists():
        return
    from steepest import storage

    before = storage.read(path).asked
    if not before.get("tasks"):  # from Python, or of an old format
        return
    # Code may lie elsewhere now; whether it is the same is seen by what it makes.
    pairs = {}
    if _named(before["tasks"]) != _named(list(tasks)):
        pairs["TASK"] = (before["tasks"], list(tasks))
    for one in fields(options):
        then, now = before.get(one.name, one.default), options.stored()[one.name]
        if one.name == "dialect" and now is None:  # whose it then is, the model says
            continue
        if (then or None) != (now or None) and not about(one).free:
            pairs[f"--{one.name.replace('_', '-')}"] = (then, now)
    for name, (then, now) in pairs.items():
        raise click.UsageError(
            f"{path} is there already, and is of another question: {name} was {_shown(then)} "
            f"and is {_shown(now)}; choose another --out"
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
    from steepest.serve import watching

    with watching(out, True) as url:
        click.echo(f"watch: {url}", err=True)
        yield
