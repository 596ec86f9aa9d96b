"""The code to paste is run: it builds the optimizer that was measured."""

from dataclasses import replace

import keras
import pytest
from made import STUDY

from steepest.records import Config
from steepest.reports.code import code
from steepest.rules import RULES


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_code_builds_what_was_measured(rule, schedule):
    values = {name: space.at(0.37) for name, space in rule.spaces.items()}
    flags = dict.fromkeys(rule.flags, True)
    config = Config(rule.name, "keras", {**values, **flags}, schedule, 0)
    scope = {}
    exec(code(config, replace(STUDY)), scope)
    made = scope["optimizer"]
    assert type(made) is getattr(keras.optimizers, rule.name)
    for name, value in {**values, **flags}.items():
        if name != "learning_rate":
            assert getattr(made, name) == value
        elif schedule == "constant":
            assert float(made.learning_rate) == pytest.approx(value, rel=1e-7)
        else:
            assert made._learning_rate.initial_learning_rate == value
            assert made._learning_rate.decay_steps == 26  # 2 epochs of 13 batches
