"""The code to paste, which repeats what was measured: one file a framework."""

from steepest.codegen.keras import keras_code
from steepest.codegen.optax import optax_code
from steepest.codegen.plateau import beside
from steepest.codegen.spelling import checked, literal, spell
from steepest.codegen.torch import torch_code, torch_factor
from steepest.errors import InputError, nearest
from steepest.records import Config, TaskFacts
from steepest.rules import FRAMEWORKS, OWN, RULES, SCHEDULES, find_rule, has_formula
from steepest.rules.custom_schedules import is_own
from steepest.rules.keras_schedules import parsed

__all__ = [
    "checked",
    "code",
    "has_code",
    "optimizer_code",
    "own_framework",
    "spell",
    "torch_factor",
    "torch_source",
]

_WRITERS = {"keras": keras_code, "torch": torch_code, "optax": optax_code}


def has_code(config: Config) -> bool:
    """Return whether there is code for `config`: not for a rule of one's own, nor where a file
    has a hyperparameter that its rule does not know, or lacks one that it needs."""
    rule = {**RULES, **OWN}.get(config.rule)
    return rule is not None and has_formula(rule) and _unusable(config) is None


def _unusable(config: Config) -> str | None:
    """Return why no optimizer can be built from hyperparameters of a rule that is known."""
    named = config.schedule in SCHEDULES or is_own(config.schedule)
    if config.dialect not in FRAMEWORKS or not (named or parsed(config.schedule)):
        return f"{config.rule} has a dialect or a schedule that is not known"
    try:
        values = checked(config)
    except InputError as error:
        return str(error)
    needed = set(find_rule(config.rule).settings(config.dialect)) - set(values)
    if "weight_decay" in values:
        needed |= {"decay", "decay_on"} - set(values)
    missing = ", ".join(sorted(needed))
    return f"the configuration of {config.rule} lacks {missing}" if missing else None


def code(config: Config, task: TaskFacts, framework: str = "keras", exact: bool = True) -> str:
    """Return complete source that builds the optimizer of `config` in a framework.

    It holds all of the recipe: schedule, warm-up, clipping, weight decay and its mask, accumulation
    and averaging. Numbers are given in full, so what is built is what was measured. Where the
    framework's own class is another algorithm, the source says so and brings a class that is exact.
    PyTorch's source needs a `model`; so does Keras', where names do not tell what decays. Where it
    need not be `exact`, the framework's own class is taken if it is near (`nearness.py`), and the
    source says how near.

    Where the schedule is `plateau`, what lowers the learning rate between epochs follows as
    `plateau`: Keras' callback, PyTorch's scheduler, or Optax' transformation with `after_epoch`.

    Raises:
        InputError: an unknown framework, or a rule of one's own, of which only its maker has code.
    """
    source = optimizer_code(config, task, framework, exact)
    return "\n".join([source.rstrip(), "", *beside(config, task, framework)]).rstrip() + "\n"


def optimizer_code(
    config: Config, task: TaskFacts, framework: str = "keras", exact: bool = True
) -> str:
    """Return the source of the optimizer alone, without what lowers its rate on a plateau.

    Raises:
        InputError: as for `code`.
    """
    if framework not in FRAMEWORKS:
        raise InputError(
            f"there is no framework {framework!r}; {nearest(str(framework), FRAMEWORKS)}"
        )
    _check(config)
    return _WRITERS[framework](config, task, exact)


def own_framework(config: Config, task: TaskFacts) -> str:
    """Return the framework whose code a reader is shown first: PyTorch's for its own modules, and
    for a Keras model that whose arithmetic was asked for."""
    return task.framework if task.framework == "torch" else config.dialect


def torch_source(config: Config, task: TaskFacts) -> str:
    """Return PyTorch's source to be run for a `model`: the optimizer, and what surrounds it.

    It is `code`'s, but for the function `step`: instead, `before`, where it is there, has what
    comes between the gradients and the optimizer's step.

    Raises:
        InputError: a rule of one's own, of which only its maker has code.
    """
    _check(config)
    return torch_code(config, task, hooked=True)


def _check(config: Config) -> None:
    """Raise `InputError` where there is no code for `config`."""
    rule = {**RULES, **OWN}.get(config.rule)
    why = _unusable(config) if rule is not None and has_formula(rule) else None
    if why:
        raise InputError(f"{why}, so there is no code for it; was the study file changed by hand?")
    if not has_code(config):
        values = ", ".join(f"{k}={literal(v)}" for k, v in config.hyperparameters.items())
        raise InputError(
            f"{config.rule} is a rule of somebody's own, so there is no code for it; call what was "
            f"given to steepest.rule with {values}"
        )
