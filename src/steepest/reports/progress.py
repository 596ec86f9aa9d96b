"""Live progress while a study runs: what is being tried, how far, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

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

    planned: int

    @property
    def left(self) -> int:
        """Epochs still to come."""


class Watcher(Protocol):
    """What a search calls as it goes on: a new phase or "", and the budget."""

    def __call__(self, phase: str, budget: Spending, /) -> None: ...


def silent(phase: str, budget: Spending) -> None:
    """Show nothing."""


@contextmanager
def live(console: Console) -> Iterator[Watcher]:
    """Show a bar on a terminal; elsewhere one line a phase, without control characters."""
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
                completed=budget.planned - budget.left,
            )

        yield watch
