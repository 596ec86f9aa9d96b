"""What a person asks, checked: the settings of a study and the optimizers that take part."""

import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from steepest.errors import InputError, nearest
from steepest.halving import rungs
from steepest.records import Config, Settings
from steepest.rules import FRAMEWORKS, SCHEDULES
from steepest.rules.contestant import (
    Contestant,
    Wanted,
    as_baseline,
    check_names,
    contestants,
    spaces_in,
)
from steepest.rules.readback import from_keras, from_torch, read_baseline
from steepest.rules.reading import read_keywords
from steepest.rules.recipe import RECIPE


def make_contestants(
    optimizers: Wanted, settings: Settings, recipe: Any = None, baseline: Any = None
) -> list[Contestant]:
    """Return all that take part: the optimizers asked about and what is used today.

    Raises:
        InputError: something given cannot be used.
    """
    if isinstance(recipe, str):
        recipe = spaces_in(read_keywords(recipe))
    if recipe is not None and not isinstance(recipe, Mapping):
        raise InputError(
            f"recipe is {recipe!r}, but must be a dictionary such as {{'warmup': 0.1}}"
        )
    for name in recipe or ():
        if name not in RECIPE:
            raise InputError(f"a recipe has no {name!r}; {nearest(str(name), RECIPE)}")
    found = contestants(
        optimizers,
        settings.trials,
        dialect=settings.dialect,
        schedule=settings.schedule,
        recipe=recipe,
    )
    if "schedule" in (recipe or ()) and settings.schedule != "constant":
        raise InputError("a schedule is given beside the recipe and in it; give it once")
    names: list[str] = []
    for one in baseline if isinstance(baseline, list | tuple) else [baseline]:
        if one is not None:
            name, config = _baseline(one)
            names.append(name)
            count = names.count(name)
            named = name if count == 1 or isinstance(one, str) else f"{name} {count}"
            found.append(as_baseline(config, named))
    check_names(found)
    return found


def _baseline(given: Any) -> tuple[str, Config]:
    """Return what to call an optimizer that is used today, and what it is."""
    if isinstance(given, str):
        return f"baseline {given}", read_baseline(given)
    if isinstance(given, Config):
        return f"baseline {given.rule}", given
    config = from_torch(given) if hasattr(given, "param_groups") else from_keras(given)
    return f"baseline {config.rule}", config


def make_memory(given: Any) -> int | None:
    """Return bytes from a number of them, or from a text such as "4GB" or "512 MiB".

    Raises:
        InputError: it is neither, or less than a megabyte.
    """
    if given is None:
        return None
    found = re.fullmatch(r"([0-9.]+)\s*([kmgt]?)(i?)b?", str(given).strip().lower())
    try:
        count = float(found[1]) if found and not isinstance(given, bool) else 0.0
    except ValueError:
        count = 0.0
    power = " kmgt".index(found[2] or " ") if found else 0
    size = int(count * (1024 if found and found[3] else 1000) ** power)
    if size < 10**6:
        raise InputError(
            f"memory is {given!r}, but must be at least a megabyte, as bytes or as in '4GB'"
        )
    return size


def make_settings(
    trials: Any, seeds: Any, seed: Any, schedule: Any, epochs: Any, dialect: Any = "keras"
) -> Settings:
    """Return checked settings.

    Raises:
        InputError: a count below one, a seed out of range, an unknown schedule.
    """
    for name, value, low, high in (
        ("trials", trials, 1, 100_000),
        ("seeds", seeds, 1, 900),
        ("seed", seed, 0, 2_000_000),
        ("epochs", epochs, 1, 1_000_000),
    ):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (whole and low <= int(value) <= high):
            raise InputError(
                f"{name} is {value!r}, but must be a whole number from {low} to {high}"
            )
    if not isinstance(schedule, str) or schedule not in SCHEDULES:
        raise InputError(f"there is no schedule {schedule!r}; known are {', '.join(SCHEDULES)}")
    if dialect not in FRAMEWORKS:
        raise InputError(f"there is no dialect {dialect!r}; known are {', '.join(FRAMEWORKS)}")
    return Settings(int(trials), int(seeds), int(seed), schedule, rungs(int(epochs)), dialect)
