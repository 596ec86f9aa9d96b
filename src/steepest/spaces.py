"""Float and Choice: the values that a hyperparameter may take, and their scale.

A space maps the unit interval, where quasi-random points live, to values and back. Only numbers
and strings in, so that a space goes into the study file as it is.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from steepest.errors import InputError, quoted

Value = float | int | bool | str
MOST_VALUES = 10_000  # of a Choice


@dataclass(frozen=True)
class Float:
    """A real number between `low` and `high`, both included.

    `log` spreads the trials evenly over orders of magnitude. `complement` does so for 1 − value,
    which is the scale of momentum and of the betas: 0.9, 0.99 and 0.999 are equally far apart.
    """

    low: float
    high: float
    log: bool = False
    complement: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool):
                raise InputError(
                    f"a range has {name}={quoted(value)}, but must have a number there, as in "
                    "Float(1e-4, 1e-1)"
                )
            try:
                object.__setattr__(self, name, float(value))
            except OverflowError:
                raise InputError(
                    f"a range has a {name} that is larger than any float; give one below 1e308"
                ) from None
        if not isinstance(self.log, bool) or not isinstance(self.complement, bool):
            raise InputError(
                f"a range has log={quoted(self.log)} and complement={quoted(self.complement)}, "
                "but both must be True or False"
            )
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"the range from {self.low} to {self.high} is empty; low must be below high"
            )
        if self.log and min(self._inner(self.low), self._inner(self.high)) <= 0:
            rule = "below 1, as 1 − value" if self.complement else "above 0, as the value"
            raise InputError(
                f"the range from {self.low} to {self.high} must lie {rule} is searched "
                "in log scale; move its end, or leave log out"
            )
        low, high = self._inner(self.low), self._inner(self.high)
        wide = math.isfinite(high / low if self.log else high - low)
        if not wide or low == high or (self.log and high / low in (0.0, 1.0)):
            raise InputError(
                f"the range from {self.low} to {self.high} is too "
                f"{'narrow' if wide and low == high else 'wide'} to be searched in double "
                "precision; move its ends"
            )

    def _inner(self, value: float) -> float:
        return 1.0 - value if self.complement else value

    def at(self, unit: float) -> float:
        """Return the value at `unit`, a position in [0, 1]."""
        return min(max(self.beyond(unit), self.low), self.high)

    def beyond(self, unit: float) -> float:
        """Return the value at `unit`, which may lie outside of [0, 1]."""
        low, high = self._inner(self.low), self._inner(self.high)
        if self.log:
            return self._inner(low * (high / low) ** unit)
        return self._inner(low + (high - low) * unit)

    def nearest(self, value: Value) -> float:
        """Return the value of the range that is nearest to `value`."""
        return min(max(float(value), self.low), self.high)

    def position(self, value: float) -> float:
        """Return where `value` lies, in [0, 1] when it is inside the range."""
        low, high, inner = self._inner(self.low), self._inner(self.high), self._inner(value)
        if self.log:
            if inner <= 0:
                return -math.inf
            return math.log(inner / low) / math.log(high / low)
        return (inner - low) / (high - low)


@dataclass(frozen=True)
class Choice:
    """One of the given values, each as likely as the other."""

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if isinstance(self.values, str | bytes) or not isinstance(self.values, Iterable):
            raise InputError(
                f"a Choice has {quoted(self.values)}, but must have several values, as in "
                "Choice((0.9, 0.99))"
            )
        try:
            values = tuple(itertools.islice(self.values, MOST_VALUES + 1))
        except Exception:  # it says that it can be iterated, and cannot
            values = ()
        object.__setattr__(self, "values", values)
        if len(self.values) > MOST_VALUES:
            raise InputError(f"a Choice has more than {MOST_VALUES} values; give fewer, or a Float")
        if not self.values:
            raise InputError("a Choice of no values; give at least one, as in Choice((0.9, 0.99))")

    def at(self, unit: float) -> Value:
        """Return the value at `unit`, a position in [0, 1]."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def nearest(self, value: Value) -> Value:
        """Return `value` if it is one of the values, else the first of them."""
        return value if value in self.values else self.values[0]


Space = Float | Choice


def to_dict(space: Space) -> dict[str, Any]:
    """Return `space` as plain numbers and strings."""
    return {"kind": type(space).__name__, **asdict(space)}


def from_dict(data: Mapping[str, Any]) -> Space:
    """Return the space that `to_dict` wrote down."""
    kinds: dict[str, type[Float] | type[Choice]] = {"Float": Float, "Choice": Choice}
    return kinds[data["kind"]](**{key: value for key, value in data.items() if key != "kind"})


def check_number(owner: str, name: str, value: Any, low: float, high: float) -> float:
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
