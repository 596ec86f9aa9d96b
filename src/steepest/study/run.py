"""Run a study, or open one, and where studies go."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steepest.amounts import make_memory
from steepest.errors import InputError, StudyFileError
from steepest.options import Options
from steepest.parse.compiled import compiled_with
from steepest.plan import make_plan, settled
from steepest.rules.plateau import PLATEAU
from steepest.signals import Stopped
from steepest.study.study import Study

if TYPE_CHECKING:
    from steepest.engines.protocol import Engine
    from steepest.workers.work import Work


def run_study(
    task: Any,
    options: Options,
    out: str | Path | None = None,
    progress: bool | None = None,
    named: Sequence[str] = (),
    work: "Work | None" = None,
    began: float | None = None,
) -> Study:
    """Train and judge what `options` ask of `task`, and return the study.

    Args:
        task: as `steepest.tasks` makes them.
        options: what is asked; the study file keeps it.
        out: the directory for the study file; by default a new one in `runs`.
        progress: whether progress is shown; by default where there is a terminal.
        named: the tasks as they were named on the command line, for `steepest resume`.
        work: the task as a value, for workers beside this process.
        began: when somebody asked, by the budget's clock; a limit of time holds from then on.

    Raises:
        InputError: the options do not fit the task, or `out` holds another study.
        Stopped: somebody asked to stop; it says where to go on.
    """
    from rich.console import Console

    from steepest.engines import make_engine
    from steepest.engines.callbacks import with_callbacks
    from steepest.engines.unused_gpu import tell_unused_gpu
    from steepest.reports.progress import live, silent
    from steepest.search import search
    from steepest.tasks.keras.trivial import with_trivial

    options = settled(options, task.facts)
    compiled, said = compiled_with(task.optimizer, options.baseline)
    contestants, settings = make_plan(options, task.facts, compiled, task.callbacks, task.wanted)
    if said:
        task = replace(task, facts=replace(task.facts, notes=(*task.facts.notes, said)))
    path = (Path(out) if out else new_directory(task.facts.name)) / "study.db"
    console = Console(stderr=True)
    memory = None if options.memory is None else make_memory(options.memory)
    engine = make_engine(with_trivial(task), memory)
    if any(PLATEAU in one.schedules for one in contestants):
        engine = with_callbacks(engine)
    if "jaxlib" in engine.packages:
        tell_unused_gpu()
    asked = {"tasks": list(named), **options.stored()}
    if progress is None:
        progress = sys.stderr.isatty() or console.is_jupyter
    shown = live(console) if progress else contextlib.nullcontext(silent)
    try:
        with _trained_by(engine, options, memory, work) as engine, shown as watch:
            return Study(search(engine, contestants, settings, path, watch, asked, began), path)
    except Stopped as stopped:
        said = "stopped before there was anything to keep"
        if path.exists():
            said = (
                f"stopped; what was trained is kept in {path.parent}, and the same call with "
                f"out={str(path.parent)!r} goes on"
            )
        raise Stopped(stopped.number, said) from None


@contextlib.contextmanager
def _trained_by(
    engine: "Engine", options: Options, memory: int | None, work: "Work | None"
) -> Iterator["Engine"]:
    """Give the engine that trains: this one, in threads, or one of workers beside this process."""
    if options.workers is None or work is None:
        yield engine
        return
    from steepest.workers.hired import hired
    from steepest.workers.remote import RemoteEngine

    with hired(options.workers, work, memory) as crew:
        mixed, ahead = options.kinds == "any", options.idle == "ahead"
        yield RemoteEngine(engine, crew, mixed, ahead)


def read(path: str | Path, *, target: float | None = None, reference: str | None = None) -> Study:
    """Open a study file, or the directory it is in.

    Convergence speed is measured to `target`, or to where the optimizer `reference` ends.

    Raises:
        StudyFileError: it is missing, damaged, of a newer version, or no study.
        InputError: no optimizer that was confirmed has the name `reference`.
    """
    from steepest import storage
    from steepest.reports.json import to_dict

    comparison = Study(storage.read(Path(path)), Path(path), target, reference)
    try:
        to_dict(comparison.record, comparison.verdict, comparison.measures)
    except InputError:
        raise
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise StudyFileError(f"{path} is damaged: its trials do not fit together") from error
    return comparison


def new_directory(name: str) -> Path:
    """Return a directory under `runs` that is not there yet, named after a task and the time."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    base = Path("runs") / f"{plain}-{datetime.now():%Y%m%d-%H%M%S}"
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path
