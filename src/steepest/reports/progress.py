"""Live progress while a study runs: what is being tried, how far, how long still."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Spending(Protocol):
    """What progress needs to know of a budget, in epochs."""

    @property
    def spent(self) -> int:
        """Epochs that were trained."""

    @property
    def planned(self) -> int:
        """Epochs in all."""


EVERY = 0.5  # seconds between two lines in a notebook

Watcher = Callable[[str, Spending], None]  # called with a new phase or "", and the budget


def silent(phase: str, budget: Spending) -> None:
    """Show nothing."""


@contextmanager
def live(console: Console) -> Iterator[Watcher]:
    """Show a bar on a terminal, a line that changes in a notebook; elsewhere a line a phase."""
    if console.is_jupyter:
        with _in_notebook() as watch:
            yield watch
        return
    if not console.is_terminal:
        yield lambda phase, _: console.print(f"{phase} ...") if phase else None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("starting", total=None)

        def watch(phase: str, budget: Spending) -> None:
            progress.update(
                bar,
                description=phase or None,
                total=budget.planned,
                completed=budget.spent,
            )

        yield watch


@contextmanager
def _in_notebook() -> Iterator[Watcher]:
    """Update one line of a cell; rich's own would need ipywidgets to do so."""
    from IPython.display import display  # a notebook brings it

    began, shown, said = time.monotonic(), 0.0, "starting"
    handle: Any = display({"text/plain": f"{said} ..."}, raw=True, display_id=True)

    def watch(phase: str, budget: Spending) -> None:
        nonlocal shown, said
        now = time.monotonic()
        if not phase and now - shown < EVERY:
            return
        shown, said = now, phase or said
        share = budget.spent / budget.planned if budget.planned else 0.0
        line = f"{said} ... {share:.0%} of the epochs, {now - began:.0f} s"
        handle.update({"text/plain": line}, raw=True)

    yield watch
    handle.update({"text/plain": f"done in {time.monotonic() - began:.0f} s"}, raw=True)
