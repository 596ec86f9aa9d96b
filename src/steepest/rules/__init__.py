"""Optimizers as formulas, and the table of all of them by name."""

from collections.abc import Mapping

from steepest.errors import InputError, nearest, quoted
from steepest.rules.adadelta import ADADELTA
from steepest.rules.adafactor import ADAFACTOR
from steepest.rules.adagrad import ADAGRAD
from steepest.rules.adam import ADAM
from steepest.rules.adamax import ADAMAX
from steepest.rules.adamw import ADAMW
from steepest.rules.ademamix import ADEMAMIX
from steepest.rules.adopt import ADOPT
from steepest.rules.asgd import ASGD
from steepest.rules.ftrl import FTRL
from steepest.rules.lamb import LAMB
from steepest.rules.lion import LION
from steepest.rules.mars_adamw import MARS_ADAMW
from steepest.rules.muon import MUON
from steepest.rules.nadam import NADAM
from steepest.rules.nadamw import NADAMW
from steepest.rules.prodigy import PRODIGY
from steepest.rules.radam import RADAM
from steepest.rules.rmsprop import RMSPROP
from steepest.rules.rprop import RPROP
from steepest.rules.rule import FRAMEWORKS, Dialect, Hyperparameters, Rule
from steepest.rules.schedule_free_adamw import SCHEDULE_FREE_ADAMW
from steepest.rules.schedule_free_sgd import SCHEDULE_FREE_SGD
from steepest.rules.schedules import SCHEDULES
from steepest.rules.sgd import SGD
from steepest.rules.soap import SOAP

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        SGD,
        ADAM,
        ADAMW,
        RMSPROP,
        NADAM,
        NADAMW,
        ADAMAX,
        ADAGRAD,
        ADADELTA,
        ADAFACTOR,
        FTRL,
        LION,
        LAMB,
        MUON,
        SCHEDULE_FREE_ADAMW,
        SCHEDULE_FREE_SGD,
        RADAM,
        ADOPT,
        ADEMAMIX,
        PRODIGY,
        MARS_ADAMW,
        SOAP,
        RPROP,
        ASGD,
    )
}
OWN: dict[str, Rule] = {}  # the rules that a person made, by name


def find_rule(name: str) -> Rule:
    """Return the rule of that name, in any case, with or without the module before it.

    Raises:
        InputError: there is none.
    """
    if not isinstance(name, str):
        raise InputError(f"an optimizer is {quoted(name)}, but must be a name such as Adam")
    last = name.rsplit(".", 1)[-1].lower()  # keras.optimizers.Adam is Adam
    known = {**RULES, **OWN}
    for own, rule in known.items():
        if own.lower() == last:
            return rule
    raise InputError(f"there is no optimizer {quoted(name)}; {nearest(last, known)}")


def has_formula(rule: Rule) -> bool:
    """Return whether a rule can take steps here: a person's own transformation needs JAX."""
    return {**RULES, **OWN}.get(rule.name) is rule and rule.transformation is None


__all__ = [
    "FRAMEWORKS",
    "OWN",
    "RULES",
    "SCHEDULES",
    "Dialect",
    "Hyperparameters",
    "Rule",
    "find_rule",
    "has_formula",
]
