"""Optimizers as formulas, and the table of all of them by name."""

from collections.abc import Mapping

from steepest.rules.adam import ADAM
from steepest.rules.rmsprop import RMSPROP
from steepest.rules.rule import Dialect, Hyperparameters, Rule
from steepest.rules.schedules import SCHEDULES
from steepest.rules.sgd import SGD

RULES: Mapping[str, Rule] = {rule.name: rule for rule in (SGD, ADAM, RMSPROP)}

__all__ = ["RULES", "SCHEDULES", "Dialect", "Hyperparameters", "Rule"]
