"""The optimizer that a model was compiled with: a baseline that nobody has to name."""

import re
from dataclasses import replace
from typing import Any

from steepest.errors import InputError, quoted
from steepest.parse.baseline import from_keras, read_baseline
from steepest.parse.contestant import Contestant, as_baseline
from steepest.records import Config
from steepest.rules import find_rule
from steepest.rules.recipe import ELSEWHERE
from steepest.rules.schedules import SCHEDULES
from steepest.text import is_none, setting

LONGEST = 34  # characters of a name, as a column of the table holds it
# Ingredients of the recipe that say how another one is meant.
_HOW = ("decay", "decay_on", "decay_steps", "drop", "drop_every", "final", "routing")


def compiled_with(optimizer: Any, baseline: Any = None) -> tuple[Contestant | None, str]:
    """Return the baseline that a model's own optimizer is, and a note where it cannot be read.

    None where the model has none, and where a person named a baseline or asked for none: see
    `baselines`. `compile(loss=...)` gives Keras' `RMSprop()`, so a model that has it counts as
    compiled without an optimizer. What cannot be read is no error, as nobody asked for it.
    """
    if optimizer is None or baselines(baseline) != []:
        return None, ""
    try:
        config = from_keras(optimizer)
        if config == read_baseline("keras.optimizers.RMSprop()"):
            return None, ""
        return replace(as_baseline(config, name_of(config)), compiled=True), ""
    except InputError as error:
        why = str(error)
    except Exception as error:  # a class of the person's own may fail when it is looked at
        why = f"{type(error).__name__}: {quoted(str(error))}"
    return None, f"the optimizer that the model was compiled with does not take part: {why}"


def baselines(given: Any) -> list[Any] | None:
    """Return the baselines that a person named, none if they said nothing; None for no baseline.

    Raises:
        InputError: "none" beside others.
    """
    each = list(given) if isinstance(given, list | tuple) else [given]
    each = [one for one in each if one is not None]
    refused = [one is False or (isinstance(one, str) and is_none(one)) for one in each]
    if not any(refused):
        return each
    if len(each) > 1:
        raise InputError(
            "baseline is 'none' beside others; give the baselines alone, or 'none' alone"
        )
    return None


def name_of(config: Config) -> str:
    """Return what to call an optimizer that a person has, such as "your Adam(0.001)".

    It has the learning rate with the word for its schedule, or the schedule's name, and as far as
    there is room what is not at the framework's default.
    """
    rule = find_rule(config.rule)
    dialect = rule.dialect(config.dialect)
    usual, values = rule.settings(config.dialect), dict(config.hyperparameters)
    rate = setting(values.pop("learning_rate"))
    if config.schedule in SCHEDULES:
        said = [rate] if config.schedule == "constant" else [rate, config.schedule]
    else:
        said = [re.split(r"[(:]", config.schedule.removeprefix("own:"))[0]]
    theirs = {**{ours: word for word, ours in ELSEWHERE.items()}, **dialect.arguments}
    said += [
        f"{theirs.get(key, key)}={setting(value)}"
        for key, value in values.items()
        if usual.get(key) != value and key not in _HOW
    ]
    name = f"your {rule.name}({', '.join(said)})"
    while len(name) > LONGEST and len(said) > 1:
        said = said[:-1]
        name = f"your {rule.name}({', '.join(said)}, ...)"
    return name
