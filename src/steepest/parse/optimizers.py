"""The argument `optimizers` in all its forms, as a list of names and rules."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from steepest.errors import InputError, quoted
from steepest.parse.baseline import from_keras, from_torch
from steepest.records import Config
from steepest.rules.recipe import RECIPE
from steepest.rules.rule import Rule
from steepest.spaces import Space, Value
from steepest.text import shortest

MOST = 1000  # optimizers in a comparison

Given = Mapping[str, Value | Space]
Wanted = Iterable[str | Rule] | str | Rule | Mapping[str, Given]


def as_list(wanted: Any) -> list[Any]:
    """Return what is wanted one by one, each a name, a text with names, or a rule.

    Raises:
        InputError: it is something else.
    """
    if isinstance(wanted, Mapping):
        for given in wanted.values():
            if not isinstance(given, Mapping):
                _refuse_object(given)
                raise InputError(
                    f"optimizers maps a name to {quoted(given)}, but must map it to a dictionary "
                    'of hyperparameters, such as {"Adam": {"beta_1": 0.8}} or {"Adam": {}}'
                )
        return list(wanted)
    _refuse_object(wanted)
    many = [wanted] if isinstance(wanted, str | Rule) else wanted
    if isinstance(many, Iterable):
        try:
            many = list(itertools.islice(many, MOST + 1))
        except Exception:  # it says that it can be iterated, and cannot
            many = [None]
        if len(many) > MOST:
            raise InputError(f"optimizers are more than {MOST}; compare fewer at a time")
        for one in many:
            _refuse_object(one)
    if not isinstance(many, list) or not all(isinstance(one, str | Rule) for one in many):
        raise InputError(
            f"optimizers is {quoted(wanted)}, but must be names, such as ['SGD', 'Adam'] or "
            "['SGD(momentum=0.9)'], or rules made by steepest.rule; not optimizer objects"
        )
    return many


def _refuse_object(given: Any) -> None:
    """Raise `InputError` if `given` is an optimizer of a framework; say how to write it here."""
    kind = type(given)
    if isinstance(given, type):  # the class itself
        if _is_optimizer(given):
            raise InputError(
                f"optimizers has the class {given.__name__}; give its name, '{given.__name__}'"
            )
        return
    if not _is_optimizer(kind):
        return
    try:
        config = (from_torch if hasattr(given, "param_groups") else from_keras)(given)
    except InputError as error:
        raise InputError(
            f"optimizers has an object of {kind.__name__}, but must have names; nor can this one "
            f"be a baseline: {error}"
        ) from None
    raise InputError(
        f"optimizers has an object of {kind.__name__}, but must have names; give it as baseline=, "
        f"to take part as it stands, or as {written(config)!r}, to have the rest tuned"
    )


def _is_optimizer(kind: type) -> bool:
    return any(
        base.__name__ in ("Optimizer", "BaseOptimizer")
        and base.__module__.split(".")[0] in ("keras", "torch", "tf_keras")
        for base in kind.__mro__[:-1]
    )


def written(config: Config) -> str:
    """Return a configuration as a name with what is fixed, but for the framework's defaults."""
    from steepest.rules import find_rule

    rule = find_rule(config.rule)
    usual, values = rule.settings(config.dialect), dict(config.hyperparameters)
    first = {"learning_rate": values.pop("learning_rate", None)}
    own = {k: v for k, v in values.items() if k in usual and usual[k] != v and k not in RECIPE}
    given = {**first, **own}
    return f"{rule.name}({', '.join(f'{k}={_as_typed(v)}' for k, v in given.items())})"


def _as_typed(value: Any) -> str:
    """Return a value as a person types it: 0.001 and not 0.0010000000474974513."""
    return shortest(value) if isinstance(value, float) else repr(value)
