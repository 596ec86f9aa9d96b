"""Ranges as people write them in a text: `Float(1e-4, 1e-1, log=True)`, `Choice((2, 4))`."""

from collections.abc import Mapping
from typing import Any

from steepest.calls import Call
from steepest.errors import InputError
from steepest.spaces import Choice, Float, Space


def spaces_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with each call of Float or Choice as the range that it says.

    Raises:
        InputError: another call, or a range that is none.
    """
    return {name: _space(name, v) if isinstance(v, Call) else v for name, v in given.items()}


def _space(name: str, call: Call) -> Space:
    kinds: dict[str, type[Float] | type[Choice]] = {"Float": Float, "Choice": Choice}
    kind = kinds.get(call.name.rsplit(".", 1)[-1])
    if kind is None or not call.called:
        raise InputError(
            f"{name} is {call.name}, but must be a plain number, True or False, a word in quotes, "
            "or a range such as Float(1e-4, 1e-1, log=True)"
        )
    try:
        return kind(*call.positional, **call.keywords)
    except TypeError:
        raise InputError(
            f"cannot read the range of {name}; write Float(low, high, log=True) or "
            "Choice((first, second))"
        ) from None
