"""Checks of a study file's values: type, range and number of each.

A check returns the value as records have it, or raises `ValueError` with what is wrong. Texts come
back as one line without control characters, as they are shown sooner or later.
"""

import json
import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from steepest.errors import quoted
from steepest.text import plain

Check = Callable[[str, Any], Any]  # what the value is called, and the value

MOST_TRIALS = 1_000_000
MOST_EVALUATIONS = 10_000_000  # some 4 GB of memory
MOST_DEPTH = 8  # lists in lists
MOST_WORDS = 65_536  # letters of a text in a row
LARGE = 2**53  # integers up to it are floats too
INFINITIES = ("inf", "-inf")  # JSON has none, so they travel as texts


def parsed(what: str, text: Any, tidy: bool = True) -> Any:
    """Return what a JSON text holds: finite numbers that fit, names once, not nested deep.

    With `tidy` all texts in it come back without control characters.
    """
    if not isinstance(text, str):
        raise ValueError(f"{what} is {quoted(text)}, and no text")
    try:
        value = json.loads(
            text,
            parse_constant=_refused,
            parse_float=_finite,
            parse_int=_small,
            object_pairs_hook=_pairs,
        )
        return _tidy(value, MOST_DEPTH) if tidy else _nested(value, MOST_DEPTH)
    except (ValueError, RecursionError) as error:
        why = "" if type(error) is not ValueError else f" ({error})"
        raise ValueError(f"{what} cannot be read: {quoted(text)}{why}") from None


def text(what: str, value: Any) -> str:
    """Check a text."""
    if not isinstance(value, str) or len(value) > MOST_WORDS:
        raise ValueError(f"{what} is {quoted(value)}, and no text")
    return plain(value)


def name(what: str, value: Any) -> str:
    """Check a text that is not empty and not longer than a name."""
    if not 1 <= len(text(what, value)) <= 1000:
        raise ValueError(f"{what} is {quoted(value)}, and no name")
    return plain(value)


def flag(what: str, value: Any) -> bool:
    """Check a truth value."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {quoted(value)}, and neither true nor false")
    return value


def whole(low: int, high: int = LARGE) -> Check:
    """Return the check of an integer with low ≤ value ≤ high."""

    def check(what: str, value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{what} is {quoted(value)}, and no integer from {low} to {high}")
        return value

    return check


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """Return the check of a finite number with low ≤ value ≤ high."""

    def check(what: str, value: Any) -> Any:
        known = isinstance(value, float | int) and not isinstance(value, bool)
        if not known or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"{what} is {quoted(value)}, and no number in its range")
        return value

    return check


def measured(what: str, value: Any) -> float:
    """Check a number that may be infinite, or none: SQLite and JSON have no NaN."""
    if value is None:
        return math.nan
    if isinstance(value, float) or value in INFINITIES or type(value) is int:
        return float(value)
    raise ValueError(f"{what} is {quoted(value)}, and no number")


def plain_value(what: str, value: Any) -> Any:
    """Check a hyperparameter's value: a finite number, a flag or a word."""
    if isinstance(value, str):
        return text(what, value)
    if type(value) is int:
        return whole(-LARGE)(what, value)
    return value if isinstance(value, bool) else number()(what, value)


def one_of(*words: str) -> Check:
    """Return the check of one of some words."""

    def check(what: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{what} is {quoted(value)}, and none of {', '.join(words)}")
        return value

    return check


def maybe(check: Check) -> Check:
    """Return the check of a value that may be absent."""
    return lambda what, value: None if value is None else check(what, value)


def several(check: Check, most: int = 100_000) -> Check:
    """Return the check of a list, which becomes a tuple."""

    def checked(what: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"{what} is {quoted(value)}, and no list")
        return tuple(check(f"one of {what}", one) for one in value)

    return checked


def named(check: Check, most: int = 100_000) -> Check:
    """Return the check of a mapping from names."""

    def checked(what: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise ValueError(f"{what} is {quoted(value)}, and has no names")
        return {
            name(f"a name in {what}", key): check(f"{quoted(key)} in {what}", one)
            for key, one in value.items()
        }

    return checked


def record(fields: Mapping[str, Check], needed: tuple[str, ...] = ()) -> Check:
    """Return the check of a mapping with these keys, of which some have to be there."""

    def checked(what: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{what} is {quoted(value)}, and has no parts")
        for key in needed:
            if key not in value:
                raise ValueError(f"{what} has no {key}")
        for key in value:
            if key not in fields:
                raise ValueError(f"{what} has {quoted(key)}, which is not known")
        return {key: fields[key](f"{key} of {what}", one) for key, one in value.items()}

    return checked


def growing(what: str, values: tuple[int, ...]) -> tuple[int, ...]:
    """Check that each is larger than the one before."""
    for before, after in pairwise(values):
        if after <= before:
            raise ValueError(f"{what} goes from {before} to {after}, but must grow")
    return values


def _refused(token: str) -> Any:
    raise ValueError(f"{token} is no number of JSON")


def _finite(token: str) -> float:
    value = float(token)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _small(token: str) -> int:
    if len(token) > 20:
        raise ValueError("an integer is too large")
    return int(token)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _nested(value: Any, depth: int) -> Any:
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("it is nested too deep")
        for one in value.values() if isinstance(value, dict) else value:
            _nested(one, depth - 1)
    return value


def _tidy(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return plain(value)
    if not isinstance(value, dict | list):
        return value
    if not depth:
        raise ValueError("it is nested too deep")
    if isinstance(value, list):
        return [_tidy(one, depth - 1) for one in value]
    return _pairs([(plain(key), _tidy(one, depth - 1)) for key, one in value.items()])
