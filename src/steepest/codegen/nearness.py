"""How far a framework's own class goes from what was measured, where they differ in a twist alone.

Nothing trains: both formulas take 100 steps with the same made gradients, in double precision.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from steepest.codegen.spelling import OF, Spelling, checked, spell, twist_apart
from steepest.records import Config, Parameter
from steepest.rules import find_rule, has_formula
from steepest.rules.custom_schedules import is_factor
from steepest.rules.groups import part_of
from steepest.rules.plateau import FACTOR, PLATEAU
from steepest.rules.recipe import RECIPE, SCHEDULE_NUMBERS
from steepest.rules.step import begin, make_plan, prepare, step
from steepest.spaces import Value
from steepest.text import listed

Weights = np.ndarray[Any, Any]

STEPS = 100
SIZES = (1.0, 1e-2, 1e-4)  # of gradients: the root of their mean square
SHAPE = (16, 16)
# Of the way that weights go. Chosen, not measured: a run's other seed goes another way altogether.
MATTERS = 0.01


def spell_near(config: Config, framework: str) -> Spelling:
    """Return how `framework` says what `config` is, by its own class where that is near enough.

    Near enough is where the two differ in a twist alone, the rule looks at each weight by itself,
    and weights after 100 steps lie apart by at most 1 % of the way that they went, for gradients of
    every size in `SIZES`. Then `near` says so; else it is `spell`'s.
    """
    exact = spell(config, framework)
    difference = twist_apart(config, framework)
    rule = find_rule(config.rule)
    whole = rule.looks_at_axes or rule.shown is not None or rule.choose is not None
    if exact.why is None or difference is None or whole:
        return exact
    found = apart(config, framework)
    if not max(found.values()) <= MATTERS:
        return exact
    told = listed([f"{_percent(share)} ({size:g})" for size, share in found.items()])
    near = (
        f"{OF[framework]} own class is not quite what was measured: it differs in {difference}. "
        f"After {STEPS} steps with made gradients (their size in brackets), the weights are apart "
        f"by {told} of the way that they went; with smaller gradients by more. "
        "`steepest code --exact` writes out a class that is exact."
    )
    return replace(exact, why=None, decays=exact.native, near=near)


def _percent(share: float) -> str:
    return f"{100 * share:.1g} %" if share >= 1e-5 else "less than 0.001 %"


def apart(config: Config, framework: str) -> Mapping[float, float]:
    """Return how far apart weights are after 100 steps in the dialect of `config` and in
    that of `framework`, as a share of the way that they went, by the size of the gradients.

    The schedule is drawn together to these steps, and a plateau is one that drops at thirds of
    them; the rest of the recipe is left out, as code does it beside the class.
    """
    return dict(
        zip(
            SIZES,
            _apart(
                config.rule,
                config.dialect,
                framework,
                config.schedule,
                tuple(sorted(checked(config).items())),
            ),
            strict=True,
        )
    )


@lru_cache(maxsize=64)
def _apart(
    rule: str, dialect: str, framework: str, schedule: str, values: tuple[tuple[str, Value], ...]
) -> tuple[float, ...]:
    kept = {
        name: value
        for name, value in values
        if (name not in RECIPE and part_of(name) is None)
        or (name in SCHEDULE_NUMBERS and name != "decay_steps")
    }
    if schedule == PLATEAU:  # whose rate changes now and then: as one that drops does
        kept = {**{n: v for n, v in kept.items() if n not in SCHEDULE_NUMBERS}, "drop": FACTOR}
        schedule = "step"
    # A person's own schedule need have no values for these steps.
    config = Config(rule, dialect, kept, "constant" if is_factor(schedule) else schedule, 0)
    if not has_formula(find_rule(rule)):
        return (math.inf,) * len(SIZES)
    start, made = gradients()
    found = []
    for size in SIZES:
        given = [size * one for one in made]
        ours = _path(config, start, given)
        theirs = _path(replace(config, dialect=framework), start, given)
        way = float(np.linalg.norm(ours - start))
        off = float(np.linalg.norm(ours - theirs))
        found.append(off / way if way else (0.0 if not off else math.inf))
    return tuple(found)


def gradients() -> tuple[Weights, list[Weights]]:
    """Return the weights to start from, and a gradient a step: half of its square is the same in
    all steps, half is noise."""
    random = np.random.default_rng(0)
    start, steady = 0.1 * random.standard_normal(SHAPE), random.standard_normal(SHAPE)
    noise = [random.standard_normal(SHAPE) for _ in range(STEPS)]
    return start, [(steady + one) / np.sqrt(2) for one in noise]


def _path(config: Config, start: Weights, given: list[Weights]) -> Weights:
    """Return the weights after all steps."""
    parameter = Parameter("w", SHAPE, "kernel")
    plan = make_plan(config, [parameter], config.dialect)
    numbers, complements = prepare(config.schedule, config.numbers, STEPS)
    weights: list[Any] = [start]
    memory = begin(plan, weights, numbers, complements)
    for i, gradient in enumerate(given):
        done = np.float64(i)
        weights, memory = step(plan, [gradient], weights, memory, done, numbers, complements)
    return np.asarray(weights[0])
