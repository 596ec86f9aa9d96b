"""Rule and Dialect: an optimizer as a formula, its ranges, and how a framework spells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from steepest.errors import InputError, nearest
from steepest.rules.arrays import Array
from steepest.spaces import Float, Space, Value

Memory = tuple[Array, ...]


class Hyperparameters:
    """The hyperparameters of one member, as attributes: `h.learning_rate`, `h.beta_1`.

    Numbers are traced scalars, flags are Python booleans. `h.complement.beta_2` is 1 − β₂, taken
    in double precision before it was rounded: in float32, 1 − 0.999 is wrong by 1 in 80,000.
    """

    def __init__(self, values: Mapping[str, Any], complements: Mapping[str, Any]) -> None:
        self.__dict__.update(values)
        self.complement = _Names(complements)

    def __getattr__(self, name: str) -> Any:  # only for the type checker and for clear errors
        raise AttributeError(f"the rule has no hyperparameter {name}")


class _Names:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the rule has no hyperparameter {name} with a complement")


@dataclass(frozen=True)
class Dialect:
    """How one framework spells a rule: the call and the name of each argument."""

    call: str
    arguments: Mapping[str, str]  # hyperparameter → argument


@dataclass(frozen=True)
class Rule:
    """An optimizer.

    `update(g, w, memory, t, h)` takes one gradient array, one parameter array of the same shape,
    its memory (a tuple of arrays of that shape), the step count from 1 and the hyperparameters,
    and returns the new parameter and the new memory. `memory(flags)` names what is remembered
    for each parameter; all of it starts at zero.
    """

    name: str
    paper: str
    update: Callable[[Array, Array, Memory, Array, Hyperparameters], tuple[Array, Memory]]
    memory: Callable[[Mapping[str, bool]], tuple[str, ...]]
    defaults: Mapping[str, float]  # the numbers, as Keras has them
    flags: Mapping[str, bool]  # what changes the formula itself, as Keras has them
    spaces: Mapping[str, Float]  # most important first: few trials search only the first ones
    bounds: Mapping[str, tuple[float, float]]  # the values that make sense at all: [low, high)
    dialects: Mapping[str, Dialect] = field(default_factory=dict)

    def space(self, trials: int) -> dict[str, Space]:
        """Return the ranges that `trials` trials can carry.

        The rule of the Deep Learning Tuning Playbook: under 10 trials the learning rate alone,
        from there a momentum too, from 25 epsilon, and the rest with many more.
        """
        count = 1 if trials < 10 else 2 if trials < 25 else 3 if trials < 100 else len(self.spaces)
        return dict(list(self.spaces.items())[:count])

    def check(self, name: str, value: Any) -> Value:
        """Return `value` as a plain number or flag if it may be the hyperparameter `name`.

        Raises:
            InputError: an unknown name, another type, or a number out of bounds.
        """
        if name in self.flags:
            if not isinstance(value, bool | np.bool_):
                raise InputError(f"{self.name}'s {name} is {value!r}, but must be True or False")
            return bool(value)
        if name in self.defaults:
            low, high = self.bounds[name]
            shown = f"{self.name}'s {name} is {str(value)[:40]}"
            if not isinstance(value, Real) or isinstance(value, bool):
                raise InputError(
                    f"{shown}, but must be a number, or in Python a range such as "
                    "steepest.Float(1e-4, 1e-1, log=True)"
                )
            # Compared before it is rounded to a float: an integer may be larger than any.
            if not (value >= low and value < high):  # type: ignore[operator]
                limit = f"at least {low:g}" + (f" and below {high:g}" if high < 1e30 else "")
                raise InputError(f"{shown}, but must be {limit}")
            return float(value)
        known = [*self.defaults, *self.flags]
        raise InputError(f"{self.name} has no hyperparameter {name!r}; {nearest(name, known)}")
