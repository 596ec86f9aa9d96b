"""Groups: parts of a model that train at a multiple of the learning rate.

    η of a part = factor · η

in all that a formula reads the learning rate for, decoupled weight decay too: PyTorch's parameter
groups with `lr` of their own, and one transformation a group in Optax' `partition`. A factor of 0
is a part that does not move. It is a hyperparameter like others, by the name
`rate_factor[backbone]`, so it may be searched.

A part is a layer of Keras by its name, or whatever a parameter's path begins with: a module of
PyTorch, a parameter. Where parts lie in one another, the inner one counts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from steepest.errors import InputError, nearest, quoted
from steepest.records import Parameter

WORD = "rate_factor"
MOST = 1e6  # a factor
_PART = re.compile(r"[\w.\-/:+]{1,200}")  # names that are safe in source, and in a comment of it
_NAME = re.compile(rf"{WORD}\[({_PART.pattern})\]")
_NAMES_TOLD = 12


def factor_name(part: Any) -> str:
    """Return the hyperparameter that is the factor of a part.

    Raises:
        InputError: no part has such a name.
    """
    if not isinstance(part, str) or not _PART.fullmatch(part):
        raise InputError(
            f"groups has {quoted(part)}, but a part of a model is the name of a layer, a module or "
            "a parameter, of letters, digits and . _ - / : +; rename the layer"
        )
    return f"{WORD}[{part}]"


def part_of(name: Any) -> str | None:
    """Return the part whose factor a hyperparameter is; None for all others."""
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    return found[1] if found else None


def depth(parameter: Parameter, part: str) -> int:
    """Return how deep in a model the part lies that holds a parameter; 0 where it does not."""
    path, wanted = parameter.path.replace("/", "."), part.replace("/", ".")
    layers = [one.replace("/", ".") for one in parameter.layers]
    for last in range(len(layers), 0, -1):
        if any(".".join(layers[first:last]) == wanted for first in range(last)):
            return last
    if not f"{path}.".startswith(f"{wanted}."):
        return 0
    inside = path.count(".") - wanted.count(".")  # steps from the part to the parameter
    return max(len(layers), path.count(".")) + 1 - inside


def factors_of(parameters: Sequence[Parameter], names: Iterable[str]) -> tuple[str | None, ...]:
    """Return of each parameter the hyperparameter that is its factor; None where it has none."""
    parts = {part: name for name in names if (part := part_of(name)) is not None}

    def one(parameter: Parameter) -> str | None:
        found = {part: depth(parameter, part) for part in parts}
        inner = max(found, key=lambda part: (found[part], len(part)), default=None)
        return parts[inner] if inner is not None and found[inner] else None

    return tuple(map(one, parameters))


def check_parts(parameters: Sequence[Parameter], names: Iterable[str]) -> None:
    """Raise `InputError` for a part that no parameter is in, or whose parameters are all in others.

    Of a model whose parameters are not known, as in files of format 1, nothing is checked.
    """
    names = [name for name in names if part_of(name) is not None]
    used = set(factors_of(parameters, names))
    for name in names if parameters else ():
        if name in used:
            continue
        part = str(part_of(name))
        if any(depth(parameter, part) for parameter in parameters):
            raise InputError(
                f"groups has {quoted(part)}, but all that it holds is in other groups, which lie "
                "in it; leave it out"
            )
        raise InputError(
            f"groups has {quoted(part)}, but the model has no trainable part of that name; "
            f"{nearest(part, parts_of(parameters))}"
        )


def parts_of(parameters: Iterable[Parameter]) -> list[str]:
    """Return names of a model's parts, the outermost first, as many as can be read."""
    found: dict[str, int] = {}
    for one in parameters:
        separator = "/" if "/" in one.path else "."
        steps = one.path.split(separator)[:-1] or [one.path]
        if one.layers:
            steps, separator = list(one.layers), "/"
        for length in range(1, len(steps) + 1):
            name = steps[length - 1] if one.layers else separator.join(steps[:length])
            found.setdefault(name, length)
    ordered = sorted(found, key=lambda name: found[name])
    return ordered[:_NAMES_TOLD] if len(ordered) > _NAMES_TOLD else ordered


def scaled(numbers: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Return the numbers that a formula reads, with the learning rates of a part."""
    if name is None:
        return numbers
    rates = [key for key in ("learning_rate", "next_learning_rate") if key in numbers]
    return {**numbers, **{key: numbers[key] * numbers[name] for key in rates}}
