"""Whether a value may be a number of some name."""

from numbers import Real
from typing import Any

from steepest.errors import InputError, quoted


def number(owner: str, name: str, value: Any, low: float, high: float) -> float:
    """Return `value` as a float if it is a number with low ≤ value < high.

    Raises:
        InputError: it is not.
    """
    shown = f"{owner}'s {name} is {value[:40] if isinstance(value, str) else quoted(value)}"
    if not isinstance(value, Real) or isinstance(value, bool):
        raise InputError(
            f"{shown}, but must be a number, or a range such as Float(1e-4, 1e-1, log=True)"
        )
    # Compared before it is rounded to a float: an integer may be larger than any.
    if not (value >= low and value < high):  # type: ignore[operator]
        limit = f"at least {low:g}" + (f" and below {high:g}" if high < 1e30 else "")
        raise InputError(f"{shown}, but must be {limit}")
    return float(value)
