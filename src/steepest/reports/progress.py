"""Live progress of a study: the stage, how much is done, the time that is left."""

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

    @property
    def best(self) -> str:
        """What is best so far, in words; empty while nothing is known."""

    @property
    def price(self) -> str:
        """What the study will cost, in a line; empty while it is not known, or little."""


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

        def line(phase: str, _: Spending) -> None:
            if phase:
                console.print(f"{phase} ...")

        yield _with_price(line, console.print)
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
        bar, said = progress.add_task("starting", total=None), "starting"

        def watch(phase: str, budget: Spending) -> None:
            nonlocal said
            said = phase or said
            progress.update(
                bar,
                description=f"{said}; best so far {budget.best}" if budget.best else said,
                total=budget.planned,
                completed=budget.spent,
            )

        yield _with_price(watch, progress.console.print)


def _with_price(watch: Watcher, say: Callable[[str], object]) -> Watcher:
    """Return what also says, once, what the study will cost."""
    told = ""

    def both(phase: str, budget: Spending) -> None:
        nonlocal told
        if budget.price != told:
            told = budget.price
            say(told)
        watch(phase, budget)

    return both


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
        best = f"; best so far {budget.best}" if budget.best else ""
        line = f"{said} ... {share:.0%} of the epochs, {now - began:.0f} s{best}"
        handle.update({"text/plain": line}, raw=True)

    yield _with_price(watch, lambda told: display({"text/plain": told}, raw=True))
    handle.update({"text/plain": f"done in {time.monotonic() - began:.0f} s"}, raw=True)
