"""The code to paste, which then does what was measured: one file for each framework."""

from steepest.errors import InputError, nearest
from steepest.export.keras import keras_code
from steepest.export.optax import optax_code
from steepest.export.spelling import checked, spell
from steepest.export.torch import torch_code
from steepest.records import Config, TaskFacts
from steepest.rules import FRAMEWORKS, OWN, RULES, SCHEDULES, find_rule, has_formula

__all__ = ["checked", "code", "has_code", "spell"]

_WRITERS = {"keras": keras_code, "torch": torch_code, "optax": optax_code}


def has_code(config: Config) -> bool:
    """Return whether there is code for `config`: not for a rule of one's own, nor where a file
    has a hyperparameter that its rule does not know, or lacks one that it needs."""
    rule = {**RULES, **OWN}.get(config.rule)
    return rule is not None and has_formula(rule) and _unusable(config) is None


def _unusable(config: Config) -> str | None:
    """Return why no optimizer can be built from hyperparameters of a rule that is known."""
    if config.dialect not in FRAMEWORKS or config.schedule not in SCHEDULES:
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


def code(config: Config, task: TaskFacts, framework: str = "keras") -> str:
    """Return complete source that builds the optimizer of `config` in a framework.

    It holds all of the recipe: schedule, warm-up, clipping, weight decay and its mask, accumulation
    and averaging. Numbers are given in full, so what is built is what was measured. Where the
    framework's own class is another algorithm, the source says so and brings a class that is exact.
    PyTorch's source needs a `model`; so does Keras', where names do not tell what decays.

    Raises:
        InputError: an unknown framework, or a rule of one's own, of which only its maker has code.
    """
    if framework not in FRAMEWORKS:
        raise InputError(
            f"there is no framework {framework!r}; {nearest(str(framework), FRAMEWORKS)}"
        )
    rule = {**RULES, **OWN}.get(config.rule)
    why = _unusable(config) if rule is not None and has_formula(rule) else None
    if why:
        raise InputError(f"{why}, so there is no code for it; was the study file changed by hand?")
    if not has_code(config):
        values = ", ".join(f"{k}={v!r}" for k, v in config.hyperparameters.items())
        raise InputError(
            f"{config.rule} is a rule of somebody's own, so there is no code for it; call what was "
            f"given to steepest.rule with {values}"
        )
    return _WRITERS[framework](config, task)
