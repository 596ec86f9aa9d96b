"""What a finding is: what was published, what we accept, what Steepest found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from speed.table import markdown


@dataclass(frozen=True)
class Finding:
    """One finding as a row of the table; `numbers` go into the JSON and the charts."""

    name: str
    published: str
    expected: str
    found: str
    accepted: bool
    numbers: dict[str, Any] = field(default_factory=dict, repr=False)


def table(findings: Iterable[Finding]) -> str:
    """Return the findings as a table in Markdown."""
    headings = ["finding", "published", "expected", "found", "accepted"]
    rows = [
        [one.name, one.published, one.expected, one.found, "yes" if one.accepted else "**no**"]
        for one in findings
    ]
    return markdown(headings, rows)


def by_seed(values: Sequence[float], digits: int = 2) -> str:
    """Return one value a seed, as in `1.69, 1.72, 1.74`."""
    return ", ".join(f"{value:.{digits}f}" for value in values)
