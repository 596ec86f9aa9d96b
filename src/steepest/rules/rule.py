"""Rule and Dialect: an optimizer as a formula, its ranges, and how a framework spells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.errors import InputError, nearest, quoted
from steepest.records import Parameter
from steepest.rules.arrays import Array
from steepest.rules.groups import MOST, part_of
from steepest.rules.recipe import ELSEWHERE, EXAMPLES, RECIPE
from steepest.spaces import Float, Space, Value, check_number

Memory = tuple[Array, ...]
_SHORT = {"lr": ("learning_rate",), "eps": ("epsilon",), "betas": ("beta_1", "beta_2")}
ANY = (-1e38, 1e38)
CARRIES = (1, 5, 15, 50)  # trials from which on one more hyperparameter is searched
FRAMEWORKS = ("keras", "torch", "optax")


class Hyperparameters:
    """What a formula reads, as attributes: `h.learning_rate`, `h.beta_1`, `h.amsgrad`.

    Numbers are traced scalars; flags and the twists of a dialect are plain Python values.
    `h.complement.beta_2` is 1 − β₂, taken in double precision before it was rounded: in float32,
    1 − 0.999 is wrong by 1 in 80,000.
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
    """How one framework spells a rule, and where its arithmetic differs.

    A framework without the rule has no `call`; its dialect says whose arithmetic is meant there.
    """

    call: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)  # hyperparameter → argument
    defaults: Mapping[str, Value] = field(default_factory=dict)  # where they are not the rule's
    fixed: Mapping[str, Value] = field(default_factory=dict)  # what it cannot set, and has instead
    constants: Mapping[str, Value] = field(default_factory=dict)  # arguments it always needs
    twists: Mapping[str, bool | str] = field(default_factory=dict)
    decay: str | None = None  # what its argument weight_decay means; None: it has none
    mask: str | None = None  # the argument that says what is decayed
    takes_schedules: bool = True  # False: the learning rate of the call is a number alone
    calls: Mapping[str, str] = field(default_factory=dict)  # flag → what is called when it is set
    exact: bool = True  # False: the built-in cannot do quite what the rule does
    note: str = ""
    warning: str = ""  # what code that uses the built-in has to say first


@dataclass(frozen=True)
class About:
    """An optimizer in words, for a person who has to choose one."""

    does: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    when: str
    tune: str  # what to tune first


Sums = Callable[[Array, Array, Memory, Array, Hyperparameters], tuple[Array, ...]]
Update = Callable[[Array, Array, Memory, Array, Hyperparameters], tuple[Array, Memory]]


@dataclass(frozen=True)
class Rule:
    """An optimizer.

    `update(g, w, memory, t, h)` takes one gradient array, one parameter array of the same shape,
    its memory (a tuple of arrays), the count of updates from 1 and the hyperparameters, and returns
    the new parameter and the new memory. `memory(flags)` names what is remembered for each
    parameter; it starts at zero, in the shape of the parameter, unless `begin(w, h)` says
    otherwise. `over_all(g, w, memory, t, h)` are numbers of one array: before an update they are
    added up over all arrays, and `h.sums` has the sums. `shown(w, memory, h)` are the weights to
    evaluate, where they are not those that train. `choose(parameter, flags)` gives flags of one
    array by its role.

    `twists` says in a sentence what each twist is: a place where dialects have other arithmetic.
    `inert[twist](values, rate_changes)` tells when it makes no difference.
    """

    name: str
    doc: str | None  # the file's docstring: a title, the paper, the formula indented
    about: About
    update: Update
    memory: Callable[[Mapping[str, Any]], tuple[str, ...]]
    defaults: Mapping[str, float]  # the numbers, as Keras has them, or the paper
    spaces: Mapping[str, Float]  # most important first: few trials search only the first ones
    bounds: Mapping[str, tuple[float, float]]  # the values that make sense at all: [low, high)
    flags: Mapping[str, Value] = field(default_factory=dict)  # what changes the formula itself
    values: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)  # of flags not boolean
    dialects: Mapping[str, Dialect] = field(default_factory=dict)
    twists: Mapping[str, str] = field(default_factory=dict)
    inert: Mapping[str, Callable[[Mapping[str, Any], bool], bool]] = field(default_factory=dict)
    # The number without which a flag does nothing: while it is 0, the flag makes no difference.
    idle: Mapping[str, str] = field(default_factory=dict)
    begin: Callable[[Array, Hyperparameters], Memory] | None = None
    over_all: Sums | None = None
    shown: Callable[[Array, Memory, Hyperparameters], Array] | None = None
    choose: Callable[[Parameter, Mapping[str, Any]], Mapping[str, bool]] | None = None
    decays_itself: Callable[[Mapping[str, Any]], bool] | None = None  # by flags and twists
    looks_at_axes: bool = False  # the order of a kernel's axes matters to it
    divides_by_rate: bool = False  # so the learning rate may not start at zero
    rate_once: bool = False  # the learning rate is the first step's length, and nothing after it
    adam_for_vectors: bool = False  # arrays of one axis take Adam's steps, and matrices others
    full_batches: bool = False  # it is made for gradients of all examples at once
    steps_from_weights: bool = True  # False: weights are made anew, so no part of a step stays out
    transformation: Callable[..., Any] | None = None  # a person's own, in Optax' terms

    @property
    def title(self) -> str:
        """The first line of the file's docstring."""
        return (self.doc or self.name).strip().splitlines()[0]

    @property
    def formula(self) -> str:
        """The indented lines of the file's docstring."""
        lines = (self.doc or "").splitlines()
        return "\n".join(line[4:] for line in lines if line.startswith("    "))

    @property
    def paper(self) -> str:
        """What the docstring says between the title and the formula."""
        parts = (self.doc or "").strip().split("\n\n")
        return " ".join(parts[1].split()) if len(parts) > 1 else ""

    def dialect(self, name: str) -> Dialect:
        """Return the dialect of a framework."""
        return self.dialects.get(name, Dialect())

    def settings(self, dialect: str) -> dict[str, Value]:
        """Return all that can be set in a dialect, at the framework's own defaults."""
        spoken = self.dialect(dialect)
        every = {**self.defaults, **self.flags, **spoken.defaults}
        return {name: value for name, value in every.items() if name not in spoken.fixed}

    def space(self, trials: int, dialect: str = "keras") -> dict[str, Space]:
        """Return the ranges that `trials` trials can carry.

        The learning rate alone under 5 trials, from there a second value too, from 15 a third, and
        the rest from 50 on: the order of the Deep Learning Tuning Playbook, at half its numbers, as
        a trial here is no full training and the model shares what all of them say.
        """
        last = len(CARRIES)
        count = sum(trials >= start for start in CARRIES)
        count = len(self.spaces) if count == last else max(1, count)
        able = self.settings(dialect)
        return dict([(n, s) for n, s in self.spaces.items() if n in able][:count])

    def names_of(self, argument: str) -> list[str]:
        """Return the hyperparameters that a framework calls so: "lr" is the learning rate."""
        spoken = [pair for one in self.dialects.values() for pair in one.arguments.items()]
        found = [ours for ours, theirs in spoken if theirs.lstrip("-").split("[")[0] == argument]
        return list(dict.fromkeys(found)) or [n for n in _SHORT.get(argument, ()) if n in self]

    def __contains__(self, name: str) -> bool:
        return name in self.defaults or name in self.flags

    def check(self, name: str, value: Any) -> Value:
        """Return `value` as a plain number, flag or word if it may be the hyperparameter `name`.

        Raises:
            InputError: an unknown name, another type, or a number out of bounds.
        """
        if name in self.flags and name not in self.values and isinstance(self.flags[name], bool):
            if not isinstance(value, bool | np.bool_):
                raise InputError(
                    f"{self.name}'s {name} is {quoted(value)}, but must be True or False"
                )
            return bool(value)
        if name in self.values:
            if (
                not isinstance(value, str | int | float | np.integer)
                or value not in self.values[name]
            ):
                known = ", ".join(map(repr, self.values[name]))
                raise InputError(
                    f"{self.name}'s {name} is {quoted(value)}, but must be one of {known}"
                )
            return value if isinstance(value, str) else type(self.flags[name])(value)
        if name in self.defaults:
            low, high = self.bounds.get(name, RECIPE[name].bounds if name in RECIPE else ANY)
            return check_number(self.name, name, value, low, high)
        if name in RECIPE:
            checked = RECIPE[name].check(self.name, value)
            if name == "caution" and checked and not self.steps_from_weights:
                raise InputError(
                    f"{self.name} makes its weights anew from what it remembers, so no part of a "
                    "step can stay out; leave caution out"
                )
            return checked
        if not isinstance(name, str):
            raise InputError(
                f"{self.name} has {quoted(name)}, but hyperparameters are called by words"
            )
        if (part := part_of(name)) is not None:
            return self._check_factor(part, name, value)
        if ours := self.names_of(name):
            raise InputError(
                f"{self.name} has no hyperparameter {quoted(name)}; did you mean "
                f"{' and '.join(ours)}?"
            )
        if name in ELSEWHERE:
            here = ELSEWHERE[name]
            raise InputError(
                f"{self.name} has no hyperparameter {quoted(name)}, which is {here} here; write "
                f"{self.name}({here}={EXAMPLES[here]}), or recipe={{'{here}': {EXAMPLES[here]}}} "
                "for all optimizers"
            )
        known_names = [*self.defaults, *self.flags, *RECIPE]
        raise InputError(
            f"{self.name} has no hyperparameter {quoted(name)}; {nearest(name, known_names)}"
        )

    def _check_factor(self, part: str, name: str, value: Any) -> float:
        """Return the factor on the learning rate of a part of the model, as a float."""
        if self.over_all is not None:
            raise InputError(
                f"{self.name} estimates one learning rate for all arrays, so {part} cannot have "
                f"one of its own; leave {self.name} out, or groups"
            )
        found = check_number(self.name, name, value, 0.0, MOST)
        if not found and self.divides_by_rate:
            raise InputError(
                f"{self.name} divides by the learning rate, which is zero for {part}; freeze "
                f"{part} in the model, or give it a factor above 0"
            )
        if not found and self.rate_once:
            raise InputError(
                f"{self.name} reads its learning rate once, and {part} would move all the same "
                f"where that is zero; freeze {part} in the model, or give it a factor above 0"
            )
        return found
