"""Arrays at the doors have the shapes and types that annotations say, or the tests fail."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from small import make_task

from steepest.data.order import epoch_order
from steepest.engines.population import Population
from steepest.engines.state import Advance, begin
from steepest.records import Config, Parameter
from steepest.rules import RULES, step

CONFIGS = [
    Config("SGD", "keras", {**RULES["SGD"].defaults, **RULES["SGD"].flags}, "constant", seed)
    for seed in (0, 1)
]
POPULATION = Population.of(CONFIGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": np.zeros(3, np.int64)},  # of another number of members
        {"seeds": np.zeros(2, np.float64)},
        {"numbers": {"learning_rate": np.zeros((2, 1))}},
        {"numbers": {"learning_rate": np.zeros(2, np.float32)}},
    ],
)
def test_a_population_is_arrays_of_its_members(wrong):
    with pytest.raises(TypeCheckError):
        replace(POPULATION, **wrong)


def test_a_state_is_arrays_of_its_members(task):
    state = begin(task, POPULATION)
    for wrong in (
        {"step": state.step.astype(np.int64)},
        {"alive": state.alive[:1]},
        {"weights": [a[0] for a in state.weights[:1]]},
    ):
        with pytest.raises(TypeCheckError):
            replace(state, **wrong)


def test_what_is_measured_is_a_row_a_member():
    losses = np.zeros((2, 3), np.float32)
    Advance({"loss": losses}, np.array([3, 3], np.int32), 0.1)
    for wrong in (losses[0], losses.astype(np.float64), losses[:1]):
        with pytest.raises(TypeCheckError):
            Advance({"loss": wrong}, np.array([3, 3], np.int32), 0.1)


def test_a_gradient_has_the_shape_of_its_array():
    plan = step.make_plan(CONFIGS[0], [Parameter("dense/kernel", (2, 3), "kernel")])
    numbers, complements = step.prepare("constant", CONFIGS[0].numbers, 10)
    weights = [np.ones((2, 3), np.float32)]
    memory = step.begin(plan, weights, numbers, complements)
    done = np.float32(0)
    step.step(plan, weights, weights, memory, done, numbers, complements)
    for wrong in ([np.ones(3, np.float32)], [np.ones((3, 2), np.float32)]):
        with pytest.raises(TypeCheckError):
            step.step(plan, wrong, weights, memory, done, numbers, complements)


def test_a_task_gives_a_loss_that_is_one_number():
    model = make_task()
    weights, variables = model.initialize(0)
    batch = tuple(None if a is None else a[:4] for a in model.training)
    loss, _ = model.loss(weights, variables, batch)
    assert loss.shape == ()
    with pytest.raises(TypeCheckError):
        model.loss(tuple(weights), variables, batch)
    assert epoch_order(0, 0, 5).shape == (5,)
