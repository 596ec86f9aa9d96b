"""An optimizer as one call, such as Adam(0.0086, beta_1=0.87): all of it that is no default."""

import re

from steepest.errors import InputError
from steepest.records import Config, ContestantRecord, StudyRecord
from steepest.rules import find_rule
from steepest.rules.custom_schedules import shown
from steepest.spaces import Value
from steepest.text import setting, shortest

# Before calls that are not of the model's own framework.
OTHERS = {"keras": "Keras' ", "torch": "PyTorch's ", "optax": "Optax' "}
RATE = "learning_rate"
DIGITS = 3  # of a number that was searched; the code to paste has all of them
NAMED = re.compile(r"(\w+)\(.*\)", re.DOTALL)  # a contestant's name with what the person fixed


def call(study: StudyRecord, name: str, config: Config | None = None, named: bool = False) -> str:
    """Return a contestant as a call: its name with all that is not the framework's default.

    Args:
        study: the study in which it takes part.
        name: the contestant's.
        config: its configuration; without one, what was fixed.
        named: whether the learning rate stands by its name, and not as the first argument.
    """
    asked = study.optimizers[name]
    values = dict(asked.fixed if config is None else config.hyperparameters)
    schedule = asked.schedule if config is None else config.schedule
    if config is None and not asked.baseline:
        return brief(study, name)
    usual = _usual(asked, values)
    words = _words(study, asked)
    parts = [_shown(asked, RATE, values[RATE])] if RATE in values else []
    parts = [f"{words.get(RATE, RATE)}={part}" for part in parts] if named else parts
    told = {k: v for k, v in values.items() if not (k in usual and same(v, usual[k]))}
    every = {**usual, **values}
    for key in [key for key in told if key != RATE]:
        word, pair, _ = words.get(key, "").partition("[")
        if not pair:
            parts.append(f"{word or key}={_shown(asked, key, told[key])}")
            continue
        inner = [own for own in every if words.get(own, "").startswith(f"{word}[")]
        if key == next(own for own in inner if own in told):  # both, where the first is told
            parts.append(f"{word}=({', '.join(_shown(asked, own, every[own]) for own in inner)})")
    if schedule != "constant":
        parts.append(f"schedule={shown(schedule)}")
    return f"{_base(study, name)}({', '.join(parts)})"


def _words(study: StudyRecord, asked: ContestantRecord) -> dict[str, str]:
    """Return PyTorch's names of hyperparameters, such as "betas[0]", where the person has those."""
    if (study.task.framework, asked.dialect) != ("torch", "torch"):
        return {}
    try:
        dialect = find_rule(asked.rule).dialect("torch")
    except InputError:
        return {}
    return dict(dialect.arguments) if (dialect.call or "").startswith("torch.") else {}


def brief(study: StudyRecord, name: str) -> str:
    """Return a contestant's name without its hyperparameters, where no other one has the same."""
    base = _base(study, name)
    same = [n for n in study.optimizers if _base(study, n) == base]
    return base if len(same) == 1 or base == name else name


def label(study: StudyRecord, name: str, config: Config | None = None) -> str:
    """Return what stands in a table: the call, and of a baseline that it is the person's."""
    yours = "yours: " if study.optimizers[name].baseline else ""
    return yours + call(study, name, config)


def spoken(study: StudyRecord, name: str) -> str:
    """Return a contestant as a sentence names it: a baseline by its call, as the person's."""
    return f"your {call(study, name)}" if study.optimizers[name].baseline else name


def shown_name(study: StudyRecord, name: str) -> str:
    """Return a contestant as a table of measures names it: a baseline by its call."""
    return label(study, name) if study.optimizers[name].baseline else name


def _base(study: StudyRecord, name: str) -> str:
    asked = study.optimizers[name]
    if asked.baseline:
        whose = "" if asked.dialect == study.task.framework else OTHERS.get(asked.dialect, "")
        return whose + asked.rule
    found = NAMED.fullmatch(name)
    return asked.rule if found and found[1].lower() == asked.rule.lower() else name


def _usual(asked: ContestantRecord, values: dict[str, Value]) -> dict[str, Value]:
    """Return the framework's defaults, and what the recipe has where nobody says otherwise."""
    try:
        rule = find_rule(asked.rule)
    except InputError:  # a person's own, which is not known here
        return {}
    decay = rule.dialect(asked.dialect).decay or "decoupled"
    on = "all" if asked.baseline else "kernels"
    usual: dict[str, Value] = {"decay": decay, "decay_on": on, **rule.settings(asked.dialect)}
    if not values.get("weight_decay") and not usual.get("weight_decay"):
        usual["weight_decay"] = values.get("weight_decay", 0.0)
    return usual


def _shown(asked: ContestantRecord, key: str, value: Value) -> str:
    if key in asked.space and isinstance(value, float) and not 0.99 < value < 1:
        value = float(f"{value:.{DIGITS}g}")
    return setting(value)


def same(one: Value, other: Value) -> bool:
    """Return whether two values are alike, to the rounding of single precision."""
    if isinstance(one, float) and isinstance(other, float):
        return shortest(one) == shortest(other)
    return one == other
