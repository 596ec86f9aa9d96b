"""Live progress while a study runs: what is being tried, how far, how long still."""

from collections.abc import Callable, Iterator
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

    @property
    def spent(self) -> int:
        """Epochs that were trained."""

    @property
    def planned(self) -> int:
        """Epochs in all."""


Watcher = Callable[[str, Spending], None]  # called with a new phase or "", and the budget


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
                completed=budget.spent,
            )

        yield watch
