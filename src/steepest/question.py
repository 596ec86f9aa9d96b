"""What a person asks, checked: the settings of a study and the optimizers that take part."""

import re
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from steepest.budget import BUDGETS, SEARCH_SHARE, SEEDS, affordable, plan_of
from steepest.errors import InputError, nearest, quoted
from steepest.halving import rungs
from steepest.records import Config, Settings, TaskFacts
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
    optimizers: Wanted,
    trials: int,
    schedule: str = "constant",
    dialect: str = "keras",
    recipe: Any = None,
    baseline: Any = None,
) -> list[Contestant]:
    """Return all that take part: the optimizers asked about and what is used today.

    Raises:
        InputError: something given cannot be used.
    """
    if isinstance(recipe, str):
        recipe = spaces_in(read_keywords(recipe))
    if recipe is not None and not isinstance(recipe, Mapping):
        raise InputError(
            f"recipe is {quoted(recipe)}, but must be a dictionary such as {{'warmup': 0.1}}"
        )
    for name in recipe or ():
        if not isinstance(name, str):
            raise InputError(
                f"a recipe has {quoted(name)}, but its ingredients are called by words"
            )
        if name not in RECIPE:
            raise InputError(f"a recipe has no {quoted(name)}; {nearest(name, RECIPE)}")
    found = contestants(
        optimizers,
        trials,
        dialect=dialect,
        schedule=schedule,
        recipe=recipe,
    )
    if "schedule" in (recipe or ()) and schedule != "constant":
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
    found = re.fullmatch(r"([0-9.]+)\s*([kmgt]?)(i?)b?", _plain_text(given))
    try:
        count = float(found[1]) if found else 0.0
    except ValueError:
        count = 0.0
    power = " kmgt".index(found[2] or " ") if found else 0
    size = count * (1024 if found and found[3] else 1000) ** power
    if not 10**6 <= size < 1e18:
        raise InputError(
            f"memory is {quoted(given)}, but must be at least a megabyte, as bytes or as in '4GB'"
        )
    return int(size)


def _plain_text(given: Any) -> str:
    """Return what a person gave as a number or as text, in lower case; nothing of all else."""
    if isinstance(given, bool) or not isinstance(given, str | Real):
        return ""
    try:
        return str(given).strip().lower()
    except ValueError:  # an integer of thousands of digits
        return ""


def make_question(
    optimizers: Wanted,
    epochs: Any,
    *,
    budget: Any = "standard",
    trials: Any = None,
    full_trainings: Any = None,
    time: Any = None,
    seeds: Any = None,
    seed: Any = 0,
    schedule: Any = "constant",
    dialect: Any = "keras",
    at: Any = "end",
    practical: Any = "1%",
    sweep: Any = 0,
    recipe: Any = None,
    baseline: Any = None,
) -> tuple[list[Contestant], Settings]:
    """Return who takes part, and how, checked.

    Raises:
        InputError: something given cannot be used.
    """
    for name, value, low, high in (
        ("trials", trials, 1, 100_000),
        ("seeds", seeds, 1, 900),
        ("seed", seed, 0, 2_000_000),
        ("epochs", epochs, 1, 1_000_000),
        ("sweep", sweep, 0, 100),
    ):
        if value is None and name in ("trials", "seeds"):
            continue
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (whole and low <= int(value) <= high):
            raise InputError(
                f"{name} is {quoted(value)}, but must be a whole number from {low} to {high}"
            )
    for name, value, known in (
        ("budget", budget, BUDGETS),
        ("at", at, ("end", "best")),
    ):
        if not isinstance(value, str) or value not in known:
            raise InputError(f"there is no {name} {quoted(value)}; known are {', '.join(known)}")
    if not isinstance(schedule, str) or schedule not in SCHEDULES:
        raise InputError(
            f"there is no schedule {quoted(schedule)}; known are {', '.join(SCHEDULES)}"
        )
    if not isinstance(dialect, str) or dialect not in FRAMEWORKS:
        raise InputError(
            f"there is no dialect {quoted(dialect)}; known are {', '.join(FRAMEWORKS)}"
        )
    if trials is not None and full_trainings is not None:
        raise InputError("trials and full_trainings both say what to spend; give one of them")

    def ask(count: int) -> list[Contestant]:
        return make_contestants(optimizers, count, schedule, dialect, recipe, baseline)

    steps, found = rungs(int(epochs)), ask(1)
    own = any(_rate_changes(one) for one in found)
    tuned = sum(bool(one.space) for one in found)
    total: float | None
    if trials is None:
        total = BUDGETS[budget] * len(found)
        if full_trainings is not None:
            total = _number("full_trainings", full_trainings, 0.0, 1e9)
            if total < 2 * len(found):
                raise InputError(
                    f"full_trainings is {total:g}, but {len(found)} optimizers take at least "
                    f"{2 * len(found)}, one each to search and one to confirm; give more"
                )
        share = total / len(found) * SEARCH_SHARE
        spent = affordable(share, steps, own)
        if seeds is not None and full_trainings is None:
            total = None  # who asks for seeds gets them
    else:
        total, spent = None, plan_of(int(trials), steps)
    found = ask(spent.tried) if tuned else found
    settings = Settings(
        trials=spent.trials,
        seeds=SEEDS[budget] if seeds is None else int(seeds),
        seed=int(seed),
        schedule=schedule,
        rungs=steps,
        dialect=dialect,
        refined=spent.refined,
        survivors=spent.survivors,
        own_horizon=own,
        race=True,
        full_trainings=total,
        seconds=None if time is None else make_seconds(time),
        at=at,
        practical=_share("practical", practical),
        sweep=int(sweep),
    )
    return found, settings


def decided_by(
    settings: Settings, facts: TaskFacts, metric: Any = None, direction: Any = None
) -> Settings:
    """Return `settings` with what decides: the validation loss, or a metric of the task.

    `direction` is "up" or "down" where the metric does not say itself what is better.

    Raises:
        InputError: the task has no such metric, or nobody says which direction is better.
    """
    for name, value in (("metric", metric), ("direction", direction)):
        if value is not None and not isinstance(value, str):
            raise InputError(f"{name} is {quoted(value)}, but must be a word")
    if direction not in (None, "up", "down"):
        raise InputError(f"direction is {quoted(direction)}, but must be 'up' or 'down'")
    if metric in (None, "loss"):
        if direction == "up":
            raise InputError("a loss is minimized; name the metric that is to go up")
        return settings
    if metric not in facts.metrics:
        raise InputError(
            f"the model has no metric {quoted(metric)}; {nearest(metric, ['loss', *facts.metrics])}"
        )
    found = direction or facts.directions.get(metric)
    if found is None:
        raise InputError(f"whether {metric} is better up or down is not known; give a direction")
    return replace(settings, decides=str(metric), maximize=found == "up")


def _rate_changes(one: Contestant) -> bool:
    """Return whether the learning rate changes in a training, by a length that is not given."""
    names = {**one.fixed, **one.space}
    return (
        "decay_steps" not in names
        and not one.baseline
        and (one.schedule != "constant" or "schedule" in names or "warmup" in names)
    )


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        plain = isinstance(value, str | Real) and not isinstance(value, bool)
        found = float(value) if plain else float("nan")
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not low <= found <= high:
        raise InputError(
            f"{name} is {quoted(value)}, but must be a number from {low:g} to {high:g}"
        )
    return found


def _share(name: str, value: Any) -> float:
    """Return a share from "1%", "1 %" or 0.01."""
    text = _plain_text(value)
    if text.endswith("%"):
        return _number(name, text[:-1], 0.0, 99.0) / 100
    return _number(name, value, 0.0, 0.99)


def make_seconds(given: Any) -> float:
    """Return seconds from a number of them, or from a text such as "10m", "1h30m" or "90 s".

    Raises:
        InputError: it is neither, or less than a second.
    """
    text = _plain_text(given)
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    found = re.fullmatch(
        r"(?:([0-9.]+)\s*h)?\s*(?:([0-9.]+)\s*m(?:in)?)?\s*(?:([0-9.]+)\s*s?)?", text
    )
    seconds = 0.0
    if found:
        try:
            seconds = sum(
                float(n) * u for n, u in zip(found.groups(), units.values(), strict=True) if n
            )
        except ValueError:
            seconds = 0.0
    if not 1 <= seconds < 1e9:
        raise InputError(
            f"time is {quoted(given)}, but must be at least a second, as seconds or as in '10m'"
        )
    return seconds
