"""All contestants of a study: the optimizers to compare, and the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from steepest.calls import read_keywords
from steepest.errors import InputError, nearest, quoted
from steepest.parse.baseline import from_keras, from_torch, read_baseline
from steepest.parse.compiled import baselines
from steepest.parse.contestant import (
    Contestant,
    as_baseline,
    check_names,
    contestants,
    start_of,
)
from steepest.parse.groups import read_groups
from steepest.parse.optimizers import Wanted
from steepest.parse.own_schedules import read_schedules, schedule_value
from steepest.parse.ranges import spaces_in
from steepest.records import Config
from steepest.rules.recipe import ELSEWHERE, RECIPE
from steepest.spaces import Choice


def make_contestants(
    optimizers: Wanted,
    trials: int,
    schedule: Any = "constant",
    dialect: str = "keras",
    recipe: Any = None,
    baseline: Any = None,
    compiled: Contestant | None = None,
    groups: Any = None,
) -> list[Contestant]:
    """Return all that take part: the optimizers asked about and what is used today.

    `compiled` is what the model was compiled with, which takes part unless there is a `baseline`.
    `groups` are for the optimizers asked about; what is used today stays as it is.

    Raises:
        InputError: something given cannot be used.
    """
    if isinstance(recipe, str):
        recipe = spaces_in(read_keywords(recipe))
    if recipe is not None and not isinstance(recipe, Mapping):
        raise InputError(
            f"recipe is {quoted(recipe)}, but must be a dictionary such as {{'warmup': 0.1}}"
        )
    for name, value in (recipe or {}).items():
        if not isinstance(name, str):
            raise InputError(
                f"a recipe has {quoted(name)}, but its ingredients are called by words"
            )
        if name == "schedule":
            schedule_value(value)
        if name in ELSEWHERE and name not in RECIPE:
            raise InputError(f"a recipe has no {quoted(name)}; did you mean {ELSEWHERE[name]}?")
        if name not in RECIPE:
            raise InputError(f"a recipe has no {quoted(name)}; {nearest(name, RECIPE)}")
    schedules = read_schedules(schedule)
    if "schedule" in (recipe or ()) and schedules != ("constant",):
        raise InputError("a schedule is given beside the recipe and in it; give it once")
    recipe = {**(recipe or {}), **read_groups(groups)}
    if len(schedules) > 1:
        recipe = {"schedule": Choice(schedules), **recipe}
    found = contestants(
        optimizers,
        trials,
        dialect=dialect,
        schedule=schedules[0] if len(schedules) == 1 else "constant",
        recipe=recipe,
    )
    names: list[str] = []
    given = baselines(baseline)
    for one in given or ():
        name, config = _baseline(one)
        names.append(name)
        count = names.count(name)
        named = name if count == 1 or isinstance(one, str) else f"{name} {count}"
        found.append(as_baseline(config, named))
    if compiled is not None and given == []:
        found.append(compiled)
    check_names(found)
    return [_started(one, [other for other in found if other.baseline]) for one in found]


def _started(one: Contestant, untuned: Sequence[Contestant]) -> Contestant:
    """Return a contestant that starts its search at the values of the first baseline that has
    any."""
    starts = [found for other in untuned if (found := start_of(one, other))]
    return replace(one, start=starts[0]) if starts and not one.baseline else one


def _baseline(given: Any) -> tuple[str, Config]:
    """Return what to call an optimizer that is used today, and what it is."""
    if isinstance(given, str):
        return f"baseline {given}", read_baseline(given)
    if isinstance(given, Config):
        return f"baseline {given.rule}", given
    of_torch = hasattr(given, "param_groups") or hasattr(given, "get_last_lr")
    config = from_torch(given) if of_torch else from_keras(given)
    return f"baseline {config.rule}", config
