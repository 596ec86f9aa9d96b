"""The recipe around a rule: schedules, accumulation and averages on their own."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from steepest.errors import InputError
from steepest.parse.contestant import contestants
from steepest.records import Config, Parameter
from steepest.rules import RULES, step
from steepest.rules.schedules import factor
from steepest.spaces import Choice, Float

S = keras.optimizers.schedules
TOTAL = 40


def factors(schedule, **recipe):
    """Return our factor at each step of a training."""
    values = {"learning_rate": 1.0, **recipe}
    numbers, _ = step.prepare(schedule, values, TOTAL)
    return [float(factor(schedule, np.float32(done), numbers)) for done in range(TOTAL)]


@pytest.mark.parametrize(
    ("schedule", "recipe", "theirs"),
    [
        ("cosine", {}, S.CosineDecay(1.0, TOTAL)),
        ("cosine", {"final": 0.1, "decay_steps": 20.0}, S.CosineDecay(1.0, 20, alpha=0.1)),
        (
            "cosine",
            {"warmup": 0.25, "final": 0.2},
            S.CosineDecay(0.0, 30, alpha=0.2, warmup_target=1.0, warmup_steps=10),
        ),
        ("linear", {"final": 0.1}, S.PolynomialDecay(1.0, TOTAL, end_learning_rate=0.1)),
        ("exponential", {"final": 0.01}, S.ExponentialDecay(1.0, TOTAL, 0.01)),
        (
            "step",
            {"drop": 0.5, "drop_every": 0.25},
            S.PiecewiseConstantDecay([9, 19, 29], [1.0, 0.5, 0.25, 0.125]),
        ),
    ],
)
def test_schedules_are_those_of_keras(schedule, recipe, theirs):
    expected = [float(theirs(done)) for done in range(TOTAL)]
    np.testing.assert_allclose(factors(schedule, **recipe), expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("schedule", ["constant", "linear", "exponential", "step"])
def test_a_warm_up_rises_in_a_line_and_then_the_schedule_begins(schedule):
    found = factors(schedule, warmup=0.25)
    np.testing.assert_allclose(found[:10], np.arange(10) / 10, rtol=1e-6)
    assert found[10] == 1.0
    # The schedule has the steps that are left.
    shorter, _ = step.prepare(schedule, {"learning_rate": 1.0}, 30)
    rest = [float(factor(schedule, np.float32(done), shorter)) for done in range(30)]
    np.testing.assert_allclose(found[10:], rest, rtol=1e-6)


def one(**given):
    values = {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False, **given}
    return Config("SGD", "keras", values, "constant", 0)


def walk(config, gradients):
    plan = step.make_plan(config, [Parameter("w", (2,), "kernel")])
    numbers, complements = step.prepare("constant", config.numbers, TOTAL)
    weights = [np.ones(2, np.float32)]
    memory = step.begin(plan, weights, numbers, complements)
    path = []
    for done, g in enumerate(gradients):
        weights, memory = step.step(
            plan, [np.full(2, g, np.float32)], weights, memory, np.float32(done), numbers,
            complements,
        )  # fmt: skip
        shown = step.shown(plan, weights, memory, numbers, complements)
        path.append((float(weights[0][0]), float(shown[0][0])))
    return path


def test_accumulation_steps_once_with_the_mean():
    path = walk(one(accumulation=3), [1.0, 2.0, 6.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose([w for w, _ in path], [1, 1, 0.7, 0.7, 0.7, 0.6], rtol=1e-6)


def test_an_average_starts_at_the_first_weights():
    path = walk(one(ema=0.5), [1.0, 1.0, 1.0])
    np.testing.assert_allclose([w for w, _ in path], [0.9, 0.8, 0.7], rtol=1e-6)
    np.testing.assert_allclose([a for _, a in path], [0.9, 0.85, 0.775], rtol=1e-6)


def at(asked, unit):
    """Return all hyperparameters at a point, one coordinate for each range."""
    pairs = zip(asked.space.items(), unit, strict=True)
    return {**asked.fixed, **{name: space.at(u) for (name, space), u in pairs}}


def test_what_is_searched_is_in_the_configuration():
    recipe = {"warmup": Float(0.01, 0.2), "schedule": Choice(("constant", "cosine"))}
    (lamb,) = contestants("Lamb", 4, recipe=recipe)
    assert set(lamb.space) == {"learning_rate", "warmup", "schedule"}
    config = lamb.config(at(lamb, [0.5, 0.5, 0.9]), seed=1)
    assert config.schedule == "cosine"
    assert "schedule" not in config.hyperparameters
    assert 0.01 < config.hyperparameters["warmup"] < 0.2
    default = lamb.config(lamb.defaults(), seed=1)
    assert default.schedule == "constant"
    (adamw,) = contestants("AdamW(weight_decay=0.1)", 5, schedule="linear", recipe={"final": 0.1})
    assert adamw.fixed["decay"] == "decoupled"
    assert adamw.fixed["decay_on"] == "kernels"
    assert adamw.schedule == "linear"
    (torch,) = contestants("Adam(weight_decay=0.1)", 5, dialect="torch")
    assert torch.fixed["decay"] == "coupled"


def test_whole_numbers_of_a_scale_are_numbers_and_counts_are_counts():
    recipe = {"accumulation": Choice((2.0, 4.0)), "clip_norm": Choice((1, 5))}
    (lamb,) = contestants("Lamb(learning_rate=Float(1, 10))", 4, recipe=recipe)
    config = lamb.config(at(lamb, [0.0, 0.9, 0.0]), seed=1)
    assert config.numbers["learning_rate"] == 1.0
    assert config.numbers["clip_norm"] in (1.0, 5.0)
    assert config.choices["accumulation"] in (2, 4)


@pytest.mark.parametrize(
    ("text", "recipe", "said"),
    [
        ("Adam", {"warmup": 1.0}, "below 1"),
        ("Adam", {"accumulation": Float(2, 8)}, "Choice"),
        ("Muon(ns_steps=Float(1, 5))", {}, "must be one of|Choice"),
        ("Adam(schedule='exponential', final=0.0)", {}, "never reaches"),
        ("Ftrl(schedule='cosine', decay_steps=5)", {}, "ends at zero"),
        ("Adam", {"final": 0.1}, "constant schedule does not use"),
        ("Adam", {"clip_norm": 1.0, "clip_value": 1.0}, "only one can apply"),
        ("Adam", {"clip_norm": 0.0}, "must be at least"),
        ("Adam", {"decay": "coupled"}, "no weight_decay"),
        ("Adam", {"accumulation": 1}, "at least 2"),
        ("Adam", {"accumulation": 2.5}, "whole number"),
        ("Adam", {"weight_decay": 0.1, "decay_on": "biases"}, "kernels, all"),
        ("Ftrl", {"warmup": 0.1}, "divides by the learning rate"),
        ("Nadam(momentum_decay=0.5)", {}, "always has 1.0"),
        ("Muon(ns_steps=99)", {}, "must be one of"),
        ("Adam", {"caution": 1}, "must be True or False"),
        ("Ftrl", {"caution": True}, "makes its weights anew"),
    ],
)
def test_what_does_not_go_together_is_said(text, recipe, said):
    with pytest.raises(InputError, match=said):
        contestants(text, 5, recipe=recipe)


@pytest.mark.parametrize("ingredient", ["ema", "clip_norm", "clip_each", "clip_value"])
def test_half_precision_is_widened_where_that_is_said(ingredient):
    """In these tests JAX widens nothing by itself (tests/conftest.py); numbers are single."""

    values = {**RULES["SGD"].defaults, **RULES["SGD"].flags, ingredient: 0.5}
    config = Config("SGD", "keras", values, "constant", 0)
    plan = step.make_plan(config, [Parameter("kernel", (2, 3), "kernel")])
    numbers, complements = step.prepare("constant", config.numbers, 10)
    numbers = {name: jnp.asarray(value) for name, value in numbers.items()}
    complements = {name: jnp.asarray(value) for name, value in complements.items()}
    weights = [jnp.ones((2, 3), jnp.bfloat16)]
    memory = step.begin(plan, weights, numbers, complements)
    after, memory = step.step(plan, weights, weights, memory, jnp.float32(0), numbers, complements)
    shown = step.shown(plan, after, memory, numbers, complements)
    assert after[0].dtype == shown[0].dtype == jnp.bfloat16


def one_step(plan, weight):
    values = {"learning_rate": weight[0, 0], "momentum": weight[0, 0]}
    memory = step.begin(plan, [weight], values, values)
    return step.step(plan, [weight], [weight], memory, weight[0, 0], values, values)


def test_a_step_that_widens_unsaid_fails_in_these_tests():

    config = Config("SGD", "keras", {**RULES["SGD"].defaults, **RULES["SGD"].flags}, "constant", 0)
    plan = step.make_plan(config, [Parameter("kernel", (2, 3), "kernel")])
    wide = replace(plan, rule=replace(plan.rule, update=lambda g, w, m, t, h: (w + g[0], m)))
    with pytest.raises(ValueError, match="rank_promotion"):
        one_step(wide, jnp.ones((2, 3)))
    mixed = replace(
        plan, rule=replace(plan.rule, update=lambda g, w, m, t, h: (w + g.astype("bfloat16"), m))
    )
    with pytest.raises(jax.dtypes.TypePromotionError, match="strict"):
        one_step(mixed, jnp.ones((2, 3)))
