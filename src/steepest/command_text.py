"""Optimizers, hyperparameters and ranges as text that the command line reads back."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from steepest.spaces import Choice, Float


def optimizers_text(wanted: Any) -> str:
    """Return the optimizers that a person wants as one text, whatever form they were given in."""
    if isinstance(wanted, Mapping):
        calls = (
            f"{n}({arguments_text(given)})" if given else str(n) for n, given in wanted.items()
        )
        return ",".join(calls)
    many = isinstance(wanted, Iterable) and not isinstance(wanted, str)
    return ",".join(map(_name, wanted if many else [wanted]))


def arguments_text(given: Mapping[str, Any]) -> str:
    """Return values and ranges by name as the arguments of a call."""
    return ",".join(f"{name}={value_text(value)}" for name, value in given.items())


def value_text(value: Any) -> str:
    """Return a value or a range as it is written in a call."""
    if isinstance(value, Choice):
        return f"Choice(({''.join(f'{value_text(one)},' for one in value.values)}))"
    if isinstance(value, Float):
        flags = "".join(f",{name}=True" for name in ("log", "complement") if getattr(value, name))
        return f"Float({value.low!r},{value.high!r}{flags})"
    return repr(plain_value(value))


def plain_value(value: Any) -> Any:
    """Return a value as JSON has it: NumPy's numbers as Python's, an object as its class."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else {"object": type(value).__name__}


def _name(one: Any) -> str:
    return one if isinstance(one, str) else str(getattr(one, "name", type(one).__name__))
