"""However the clock cuts a population into slices, the same comes out."""

import jax
import numpy as np
import pytest

from steepest import workers
from steepest.engines.compiled import compile_program, place
from steepest.engines.state import State, begin
from steepest.records import Config, Population
from steepest.rules import RULES


def population(count):
    values = {**RULES["SGD"].defaults, **RULES["SGD"].flags}
    return Population.of(
        [
            Config("SGD", "keras", {**values, "learning_rate": 0.01 * (i + 1)}, "constant", 0)
            for i in range(count)
        ]
    )


@pytest.fixture(scope="module")
def program(task):
    config = Config("SGD", "keras", {**RULES["SGD"].defaults, **RULES["SGD"].flags}, "constant", 0)
    return compile_program(task, place(task), config)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1e9])
@pytest.mark.parametrize("count", [1, 3])
def test_slices_do_not_change_the_result(task, program, monkeypatch, seconds, count):
    members = population(19)
    whole = begin(task, members)
    monkeypatch.setattr(workers, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(workers, "cores", lambda: 1)
    expected = workers.train([workers.Job(program, members, whole, 2)], lambda *_: None)[0]
    monkeypatch.setattr(workers, "SLICE_SECONDS", seconds)
    monkeypatch.setattr(workers, "cores", lambda: count)
    told = []
    found = workers.train(
        [workers.Job(program, members, whole, 2)], lambda *pair: told.append(pair)
    )[0]
    a, b = (State.join([state for state, _ in parts]) for parts in (expected, found))
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)
    assert np.sum(told, axis=0).tolist() == [38, 38]


def test_an_exception_in_a_worker_is_raised(task, program, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(workers, "advance", broken)
    members = population(5)
    with pytest.raises(RuntimeError, match="out of luck"):
        workers.train([workers.Job(program, members, begin(task, members), 1)], lambda *_: None)


def test_together_keeps_the_order():
    assert workers.together(lambda x: x * x, [3, 1, 2]) == [9, 1, 4]
