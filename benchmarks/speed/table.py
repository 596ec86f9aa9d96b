"""Numbers with their spread, and tables in Markdown."""

import statistics
from collections.abc import Sequence


def number(value: float) -> str:
    """Return a number with about as many digits as such a measurement carries."""
    if value == 0 or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.2g}"


def spread(values: Sequence[float | None]) -> str:
    """Return the median, and minimum and maximum where there are several values."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    median = number(statistics.median(known))
    if len(known) == 1:
        return median
    return f"{median} ({number(min(known))}–{number(max(known))})"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
