"""Groups as people write them: a factor on the learning rate for parts of a model.

{"backbone": 0.1, "backbone.layer4": Float(0.01, 1, log=True)}
backbone=0.1,backbone.layer4=0.01..1
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

from steepest.calls import read_calls
from steepest.errors import InputError, quoted
from steepest.parse.ranges import spaces_in
from steepest.records import Config
from steepest.rules import find_rule
from steepest.rules.groups import MOST, factor_name
from steepest.spaces import Choice, Float, Space

EXAMPLE = "'backbone=0.1,head=Float(0.1,10,log=True)'"
_RANGE = re.compile(r"\s*([0-9.eE+-]+?)\.\.([0-9.eE+-]+)\s*")


def read_groups(given: Any) -> dict[str, float | Space]:
    """Return the factors of parts of a model by the names that hyperparameters have.

    Each is a number from 0 on, 0 for a part that does not move, or a range; `0.01..1` in a text is
    one in log scale.

    Raises:
        InputError: something else.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        given = dict(_pairs(given))
    if not isinstance(given, Mapping):
        raise InputError(
            f"groups is {quoted(given)}, but must be a dictionary such as {{'backbone': 0.1}}"
        )
    return {factor_name(part): _factor(part, value) for part, value in given.items()}


def with_groups(config: Config, groups: Any) -> Config:
    """Return what somebody uses today, with factors for parts of the model.

    Raises:
        InputError: a range, as what is used today is not searched, or what no factor can be.
    """
    rule, found = find_rule(config.rule), dict(config.hyperparameters)
    for name, value in read_groups(groups).items():
        if not isinstance(value, float):
            raise InputError(
                f"{name} is a range, but what you use today is not searched; give one number"
            )
        found[name] = rule.check(name, value)
    return replace(config, hyperparameters=found)


def _factor(part: str, value: Any) -> float | Space:
    if isinstance(value, str):
        value = _read(part, value)
    if isinstance(value, Choice):
        return Choice(tuple(_number(part, one) for one in value.values))
    if isinstance(value, Float):
        _number(part, value.low)
        _number(part, value.high)
        return value
    return _number(part, value)


def _number(part: str, value: Any) -> float:
    plain = isinstance(value, Real) and not isinstance(value, bool)
    if not plain or not 0 <= value < MOST:
        raise InputError(
            f"groups has {part}={quoted(value)[:40]}, but must have a number from 0 to below "
            f"{MOST:g} there, or a range such as Float(0.01,1,log=True) or 0.01..1"
        )
    return float(value)


def _read(part: str, text: str) -> Any:
    """Return a number or a range that is written as text."""
    text = text.strip().strip("'\"")
    found = _RANGE.fullmatch(text)
    try:
        if found:
            return Float(float(found[1]), float(found[2]), log=True)
        return float(text)
    except InputError:
        raise
    except ValueError:
        pass
    if not re.fullmatch(r"\s*[\w.]+\(.*\)\s*", text, re.DOTALL):
        return text  # which is refused
    call, *more = read_calls(text)
    if more:
        raise InputError(f"cannot read {quoted(text)}; write groups as in {EXAMPLE}")
    return spaces_in({part: call})[part]


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each part and what stands behind it. Names of parts may have dots and slashes."""
    seen: set[str] = set()
    for piece in _pieces(text):
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or not name or not value.strip():
            raise InputError(f"cannot read {quoted(piece.strip())}; write groups as in {EXAMPLE}")
        if name in seen:
            raise InputError(f"groups has {quoted(name)} twice; give it once")
        seen.add(name)
        yield name, value.strip()


def _pieces(text: str) -> list[str]:
    """Return what stands between the commas that are in no brackets."""
    found, level = [""], 0
    for letter in text:
        level += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not level:
            found.append("")
        else:
            found[-1] += letter
    return found
