"""SOAP in the compiled engine: its eigenvectors and QR are calls into LAPACK, within branches."""

import compiling
import jax
import numpy as np
import pytest
from small import make_model, make_task

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.state import begin
from steepest.records import Config
from steepest.rules import RULES

pytestmark = pytest.mark.slow

STOP = 4  # epochs, of 7 steps each: the bases are renewed twice


def config(rate, seed=0):
    rule = RULES["SOAP"]
    values = {**rule.defaults, **rule.flags, "learning_rate": rate}
    return Config("SOAP", "keras", values, "constant", seed)


POPULATION = Population.of([config(rate, i % 2) for i, rate in enumerate((3e-3, 1e-2, 3e-2))])


@pytest.fixture(scope="module")
def task():
    return make_task(make_model())


@pytest.fixture(scope="module")
def program(task):
    return CompiledEngine(task).compile(POPULATION.config(0))


@pytest.fixture(scope="module")
def whole(task, program):
    return program.advance(POPULATION, begin(task, POPULATION), STOP)


def same(a, b):
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_member_is_what_it_is_alone_and_learns(task, program, whole):
    state, measured = whole
    assert (measured.values["loss"][:, -1] < measured.values["loss"][:, 0]).all()
    alone = Population.of([POPULATION.config(1)])
    same(program.advance(alone, begin(task, alone), STOP)[0], state.take([1]))


def test_stopping_and_going_on_equals_the_long_run(task, program, whole):
    half, _ = program.advance(POPULATION, begin(task, POPULATION), 2)
    same(program.advance(POPULATION, half, STOP)[0], whole[0])


def test_side_by_side_it_learns_as_much(task, whole):
    """Not the same to the last digit: bases are arbitrary where a gradient has no full rank."""
    with compiling.quickly():  # what XLA tries is far less than the difference
        program = CompiledEngine(task, lockstep=True).compile(POPULATION.config(0))
    _, measured = program.advance(POPULATION, begin(task, POPULATION), STOP)
    assert program.width.lockstep
    found, expected = measured.values["loss"][:, -1], whole[1].values["loss"][:, -1]
    np.testing.assert_allclose(found, expected, rtol=0.3)


def test_a_diverged_member_harms_nobody(task, program, whole):
    wild = Population.of([POPULATION.config(0), config(1e37), POPULATION.config(1)])
    state, _ = program.advance(wild, begin(task, wild), STOP)
    assert state.alive.tolist() == [True, False, True]
    same(state.take([0, 2]), whole[0].take([0, 1]))
