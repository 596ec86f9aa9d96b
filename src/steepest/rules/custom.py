"""A person's own optimizer as a rule: any Optax transformation, as a function of its numbers."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from steepest.errors import InputError, quoted
from steepest.hashing import Reader, digest, digest_array, without_addresses
from steepest.rules import OWN, RULES, Rule
from steepest.rules.recipe import RECIPE
from steepest.rules.rule import About, Dialect, Hyperparameters
from steepest.spaces import Choice, Float


def rule(
    name: str,
    make: Callable[..., Any],
    space: Mapping[str, Float],
    defaults: Mapping[str, float | int | bool | str] | None = None,
) -> Rule:
    """Make an optimizer of your own take part in comparisons like the built-in ones.

    `make` takes hyperparameters by name, `learning_rate` among them, and returns an Optax
    transformation (anything with `init(params)` and `update(grads, state, params)`). It is called
    while a step is traced, so it must not look at the numbers with `if`. The learning rate that it
    gets is that of the step, schedule and warm-up included.

        mine = steepest.rule(
            "Belief",
            lambda learning_rate, b1: optax.adabelief(learning_rate, b1=b1),
            space={
                "learning_rate": steepest.Float(1e-4, 1e-1, log=True),
                "b1": steepest.Float(0.5, 0.98, log=True, complement=True),
            },
            defaults={"learning_rate": 1e-3, "b1": 0.9},
        )
        steepest.compare(model, x, y, ..., optimizers=[mine, "Adam"])

    Args:
        name: what to call it; any word that no built-in optimizer has.
        make: the function that builds it.
        space: a range for each number to search, most important first.
        defaults: what is tried first, and what is not searched has; without one, the middle of its
            range. Flags and words go here, and are given to `make` as they are.

    Raises:
        InputError: a name that is taken or no word, or a space without a learning rate.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"the name is {quoted(name)}, but must be a word such as MyAdam")
    if name.lower() in {known.lower() for known in RULES}:
        raise InputError(f"there is an optimizer {name} already; choose another name")
    if not isinstance(space, Mapping) or not isinstance(defaults or {}, Mapping):
        raise InputError(
            "space and defaults must be dictionaries, such as "
            "space={'learning_rate': Float(1e-4, 1, log=True)} and defaults={'momentum': 0.9}"
        )
    if taken := [key for key in (*space, *(defaults or {})) if key in RECIPE]:
        raise InputError(
            f"{taken[0]} is a name of the recipe, which goes around every optimizer; let make take "
            "another name"
        )
    if not callable(make):
        raise InputError(
            f"make is {quoted(make)}, but must be a function that returns a transformation"
        )
    if "learning_rate" not in {**space, **(defaults or {})}:
        raise InputError(
            f"the space of {name} has no learning_rate, which make must take; give "
            "{'learning_rate': Float(1e-5, 1, log=True)}"
        )
    for key, one in space.items():
        if not isinstance(one, Float):
            kind = "Choice in optimizers={...}" if isinstance(one, Choice) else "Float(low, high)"
            raise InputError(
                f"the range of {key} is {quoted(one)}, but must be a Float; use {kind}"
            )
    given = dict(defaults or {})
    numbers = {k: float(v) for k, v in given.items() if _is_number(v)}
    for key, value in given.items():
        if not isinstance(value, Real | bool | str | np.bool_):
            raise InputError(
                f"the default of {key} is {quoted(value)}, but must be a number or a word; "
                "let make itself fill in the rest"
            )
    values = {**{k: one.at(0.5) for k, one in space.items()}, **numbers}
    values = {"learning_rate": values["learning_rate"], **values}
    flags = {k: v for k, v in given.items() if k not in values}
    _check_makes(name, make, {**values, **flags})
    made = Rule(
        name=name,
        doc=inspect.getdoc(make) or name,
        about=About("An optimizer of your own.", (), (), "", "Its learning rate."),
        update=_unused,
        memory=lambda _: (),
        defaults=values,
        flags=flags,
        values={k: (v,) for k, v in flags.items() if not isinstance(v, bool)},
        spaces=dict(space),
        bounds={"learning_rate": (0.0, 1e38)},
        dialects={name: Dialect() for name in ("keras", "torch", "optax")},
        transformation=make,
    )
    OWN[name] = made
    return made


def rule_fingerprint(rule: Rule) -> str:
    """Return a digest of what a person's own rule computes, and "" for a built-in one.

    It is the program that JAX makes of `init` and `update` on a small matrix and a vector, once for
    each flag; so formatting and names do not matter, but another version of JAX may write the same
    program differently. Where JAX cannot trace it, it is the bytecode of `make`.
    """
    make = rule.transformation
    if make is None:
        return ""
    ways = [dict(rule.flags)]
    ways += [{**rule.flags, k: not v} for k, v in rule.flags.items() if isinstance(v, bool)]
    try:
        return digest(rule.name, *(_program(make, rule.defaults, flags) for flags in ways))
    except Exception:  # it is a person's own code
        return digest(rule.name, Reader().read(make))


def _program(
    make: Callable[..., Any], numbers: Mapping[str, float], flags: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return two updates as JAX writes them down, and digests of the arrays that they bring."""
    jax = importlib.import_module("jax")

    def updates(values: Any, weights: Any, gradients: Any) -> Any:
        made = make(**values, **flags)
        state = made.init(weights)
        first, state = made.update(gradients, state, weights)
        return first, made.update(first, state, weights)

    values = {name: np.float32(value) for name, value in numbers.items()}
    arrays = [np.ones((3, 2), np.float32), np.ones(3, np.float32)]
    program = jax.make_jaxpr(updates)(values, arrays, arrays)
    brought = (digest_array(np.asarray(array)) for array in program.consts)
    return without_addresses(str(program)), *brought


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _unused(g: Any, w: Any, memory: Any, t: Any, h: Hyperparameters) -> Any:
    raise NotImplementedError("a transformation updates all arrays at once")


def _check_makes(name: str, make: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Raise `InputError` unless `make` takes the values by name and returns a transformation."""
    try:
        inspect.signature(make).bind(**values)
    except TypeError as error:
        raise InputError(
            f"make of {name} does not take {', '.join(values)} by name: {error}"
        ) from None
    except ValueError:  # a builtin without a signature
        pass
    try:
        made = make(**values)
    except Exception as error:  # it is a person's own code
        raise InputError(f"make of {name} failed: {type(error).__name__}: {error}") from error
    if not (callable(getattr(made, "init", None)) and callable(getattr(made, "update", None))):
        raise InputError(
            f"make of {name} returned {quoted(made)}, but must return a transformation with "
            "init(params) and update(grads, state, params)"
        )
