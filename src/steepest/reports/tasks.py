"""The list of built-in tasks, as a table."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

_SIZES = ("training_examples", "validation_examples", "test_examples")


def tasks_table(facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the built-in tasks, a line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("task", no_wrap=True)
    table.add_column("what")
    for title in ("parameters", "examples", "epochs", "about"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, f in facts.items():
        examples = [f"{f[key]:,}" for key in _SIZES]
        table.add_row(
            name,
            f["what"],
            f"{f['parameters']:,}",
            " + ".join(examples),
            str(f["epochs"]),
            f"{f['seconds']:.0f} s",
        )
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(table)
    console.print(
        "Examples are training + validation + test; the time is of `steepest compare TASK` on two "
        "cores.",
        style="dim",
    )
