"""Values as people write them: numbers, shares, times, sizes of memory and words, checked.

Each `make_` function takes what a person gave and returns the number, or raises `InputError` with
the value, the rule and an example. Each `check_` function takes an option's name and its value, and
raises alike.
"""

import re
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

from steepest.errors import InputError, quoted


def make_whole(name: str, value: Any, low: int, high: int) -> int:
    """Return an integer from `low` to `high`.

    Raises:
        InputError: it is something else.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (whole and low <= int(value) <= high):
        raise InputError(
            f"{name} is {quoted(value)}, but must be a whole number from {low} to {high}"
        )
    return int(value)


def make_batch_sizes(value: Any) -> tuple[int, ...]:
    """Return batch sizes, given as one whole number, as several, or as a text such as "32,64".

    Raises:
        InputError: they are something else, or one of them is there twice.
    """
    given: list[Any] = [value]
    if isinstance(value, str):
        given = [int(p) if p.strip().isdecimal() else p.strip() for p in value.split(",")]
    elif isinstance(value, Sequence):
        given = [*value]
    if not given:
        raise InputError("batch_size is an empty list; give one size at least")
    found = tuple(make_whole("batch_size", one, 1, 2**31 - 1) for one in given)
    twice = next((one for i, one in enumerate(found) if one in found[:i]), None)
    if twice is not None:
        raise InputError(f"batch_size {twice} is given twice; give each size once")
    return found


def make_number(name: str, value: Any, low: float, high: float) -> float:
    """Return a number from `low` to `high`, given as one or as its text.

    Raises:
        InputError: it is something else.
    """
    try:
        plain = isinstance(value, str | Real) and not isinstance(value, bool)
        found = float(value) if plain else float("nan")
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not low <= found <= high:
        raise InputError(
            f"{name} is {quoted(value)}, but must be a number from {low:g} to {high:g}"
        )
    return found


def make_share(name: str, value: Any) -> float:
    """Return a share from "1%", "1 %" or 0.01.

    Raises:
        InputError: it is something else, or no share below one.
    """
    text = _plain_text(value)
    if text.endswith("%"):
        return make_number(name, text[:-1], 0.0, 99.0) / 100
    return make_number(name, value, 0.0, 0.99)


def make_seconds(given: Any) -> float:
    """Return seconds from a number of them, or from a text such as "10m", "1h30m" or "90 s".

    Raises:
        InputError: it is neither, or less than a second.
    """
    text = _plain_text(given)
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    found = re.fullmatch(
        r"(?:([0-9.]+)\s*h)?\s*(?:([0-9.]+)\s*m(?:in)?)?\s*(?:([0-9.]+)\s*s?)?", text
    )
    seconds = 0.0
    if found:
        try:
            seconds = sum(
                float(n) * u for n, u in zip(found.groups(), units.values(), strict=True) if n
            )
        except ValueError:
            seconds = 0.0
    if not 1 <= seconds < 1e9:
        raise InputError(
            f"time is {quoted(given)}, but must be at least a second, as seconds or as in '10m'"
        )
    return seconds


def make_memory(given: Any) -> int:
    """Return bytes from a number of them, or from a text such as "4GB" or "512 MiB".

    Raises:
        InputError: it is neither, or less than a megabyte.
    """
    found = re.fullmatch(r"([0-9.]+)\s*([kmgt]?)(i?)b?", _plain_text(given))
    try:
        count = float(found[1]) if found else 0.0
    except ValueError:
        count = 0.0
    power = " kmgt".index(found[2] or " ") if found else 0
    size = count * (1024 if found and found[3] else 1000) ** power
    if not 10**6 <= size < 1e18:
        raise InputError(
            f"memory is {quoted(given)}, but must be at least a megabyte, as bytes or as in '4GB'"
        )
    return int(size)


def _plain_text(given: Any) -> str:
    """Return what a person gave as a number or as text, in lower case; nothing of all else."""
    if isinstance(given, bool) or not isinstance(given, str | Real):
        return ""
    try:
        return str(given).strip().lower()
    except ValueError:  # an integer of thousands of digits
        return ""


def check_one_of(*known: str) -> Callable[[str, Any], None]:
    """Return a check for one of some words."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in known:
            raise InputError(f"there is no {name} {quoted(value)}; known are {', '.join(known)}")

    return check


def check_whole(low: int, high: int) -> Callable[[str, Any], int]:
    """Return a check for a whole number within limits."""
    return lambda name, value: make_whole(name, value, low, high)


def check_number(low: float, high: float) -> Callable[[str, Any], float]:
    """Return a check for a number within limits."""
    return lambda name, value: make_number(name, value, low, high)


def check_word(name: str, value: Any) -> None:
    """Raise `InputError` for what is no text."""
    if not isinstance(value, str):
        raise InputError(f"{name} is {quoted(value)}, but must be a word")


def check_direction(_: str, value: Any) -> None:
    """Raise `InputError` for what is neither up nor down."""
    if not isinstance(value, str) or value not in ("up", "down"):
        raise InputError(f"direction is {quoted(value)}, but must be 'up' or 'down'")


def check_name(name: str, value: Any) -> None:
    """Raise `InputError` for what names no study."""
    if not isinstance(value, str) or not 1 <= len(value) <= 60:
        raise InputError(f"{name} is {quoted(value)}, but must be text of 1 to 60 characters")


def check_workers(_: str, value: Any) -> None:
    """Raise `InputError` for what is no number of processes, no executor and not Ray."""
    if value == "ray" or callable(getattr(value, "submit", None)):
        return
    if isinstance(value, str) and not value.isdecimal():
        raise InputError(
            f"workers is {quoted(value)}, but must be a number of processes, such as 4, or 'ray'"
        )
    make_whole("workers", int(value) if isinstance(value, str) else value, 1, 1000)
