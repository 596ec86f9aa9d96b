"""The memory of an optimizer at its defaults, counted on the arrays that its rule keeps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.records import Config, Parameter
from steepest.rules import Rule, has_formula
from steepest.rules.recipe import completed
from steepest.rules.step import begin, make_plan, prepare, step
from steepest.spaces import Value

SIDE = 128  # of the matrix to count on
MATRIX = Parameter("kernel", (SIDE, SIDE), "kernel")
OBLONG = Parameter("kernel", (SIDE // 2, SIDE), "kernel")
VECTOR = Parameter("bias", (SIDE,), "bias")


def at_defaults(
    rule: Rule, framework: str = "keras", given: Mapping[str, Value] | None = None
) -> Config:
    """Return the configuration with a framework's own defaults, but for what is given."""
    values = {**rule.settings(framework), **(given or {})}
    values |= completed(rule.name, values, rule.dialect(framework).decay, "constant")
    return Config(rule.name, framework, values, "constant", 0)


def remembered(rule: Rule) -> dict[str, Any]:
    """Return the names of what is kept, how many numbers a weight that is, and that in words.

    Counted on a hidden matrix and on a vector after a step, with Keras' defaults. Not counted are
    single numbers beside the arrays, and what the steps leave at zero, such as Muon's squares of a
    matrix. `with` names what comes on top when a flag is set.
    """
    if not has_formula(rule):
        return {"names": [], "matrix": None, "vector": None, "with": {}, "words": "not known"}
    spoken = rule.dialect("keras")
    flags = {**rule.flags, **spoken.fixed, **spoken.twists}
    every = rule.memory(flags)
    more: dict[str, list[str]] = {}
    for flag, value in rule.flags.items():
        if value is False:
            extra = [n for n in rule.memory({**flags, flag: True}) if n not in every]
            more |= {flag: extra} if extra else {}
    of_matrix, of_vector = _counts(rule, MATRIX), _counts(rule, VECTOR)
    names = [n for i, n in enumerate(every) if i >= len(of_vector) or of_vector[i] is not None]
    matrix, vector = (sum(n or 0 for n in counts) for counts in (of_matrix, of_vector))
    oblong = 2 * sum(n or 0 for n in _counts(rule, OBLONG))
    kind = "hidden" if oblong == matrix else "square"  # SOAP's grow with the sides
    words = _words(names, matrix / SIDE**2, vector / SIDE, kind)
    for flag, extra in more.items():
        words += f", and {', '.join(extra)} with {flag}"
    return {
        "names": names,
        "matrix": matrix / SIDE**2,
        "vector": vector / SIDE,
        "with": more,
        "words": words,
    }


def _counts(rule: Rule, parameter: Parameter) -> list[int | None]:
    """Return how many numbers there are in each array that steps fill; None: a single number."""
    config = at_defaults(rule)
    plan = make_plan(config, [parameter])
    numbers, complements = prepare("constant", config.numbers, 1)
    weights = [np.linspace(0.5, 1.5, int(np.prod(parameter.shape))).reshape(parameter.shape)]
    before = begin(plan, weights, numbers, complements)
    gradients, after = [np.cos(7 * weights[0])], before
    for done in np.arange(2.0):  # ADOPT's first step leaves its average alone
        _, after = step(plan, gradients, weights, after, done, numbers, complements)
    return [
        None if new.ndim == 0 else 0 if not (old.any() or new.any()) else int(new.size)
        for old, new in zip(before["rule"][0], after["rule"][0], strict=True)
    ]


def _words(names: list[str], matrix: float, vector: float, kind: str) -> str:
    every = ", ".join(names)
    if not names:
        return "no array: a single number alone"
    if matrix == vector:
        return f"{matrix:g} {'number' if matrix == 1 else 'numbers'} for each weight ({every})"
    if matrix < 1:
        return (
            f"{round(matrix * SIDE**2):,} numbers ({every}) for a matrix of {SIDE} × {SIDE}, which "
            f"has {SIDE**2:,} weights; {vector:g} for each weight of a vector"
        )
    return f"{matrix:g} for each weight of a {kind} matrix, {vector:g} for others ({every})"
