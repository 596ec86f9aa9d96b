"""Run a study, or open one, and where studies go."""

import contextlib
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from steepest.comparison.compared import Comparison
from steepest.errors import InputError, StudyFileError
from steepest.records import Settings
from steepest.stopping import Stopped


def run(
    task: Any,
    found: list[Any],
    settings: Settings,
    out: str | Path | None,
    progress: bool | None = None,
    memory: int | None = None,
    asked: Mapping[str, Any] | None = None,
) -> Comparison:
    """Search, and return the comparison. `task`, `found` and `asked` are as `search` takes them.

    Raises:
        Stopped: somebody asked to stop; it says where to go on.
    """
    from rich.console import Console

    from steepest.engines import make_engine
    from steepest.reports.progress import live, silent
    from steepest.search import search

    path = (Path(out) if out else new_directory(task.facts.name)) / "study.db"
    console = Console(stderr=True)
    engine = make_engine(task, memory)
    if progress is None:
        progress = sys.stderr.isatty() or console.is_jupyter
    shown = live(console) if progress else contextlib.nullcontext(silent)
    try:
        with shown as watch:
            return Comparison(search(engine, found, settings, path, watch, asked), path)
    except Stopped as stopped:
        said = "stopped before there was anything to keep"
        if path.exists():
            said = (
                f"stopped; what was trained is kept in {path.parent}, and the same call with "
                f"out={str(path.parent)!r} goes on"
            )
        raise Stopped(stopped.number, said) from None


def read(
    path: str | Path, *, target: float | None = None, reference: str | None = None
) -> Comparison:
    """Open a study file, or the directory it is in.

    Convergence speed is measured to `target`, or to where the optimizer `reference` ends.

    Raises:
        StudyFileError: it is missing, damaged, of a newer version, or no study.
        InputError: no optimizer that was confirmed has the name `reference`.
    """
    from steepest import storage
    from steepest.reports.json import to_dict

    comparison = Comparison(storage.read(Path(path)), Path(path), target, reference)
    try:
        to_dict(comparison.study, comparison.verdict, comparison.measures)
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
