"""However the clock cuts a population into slices, the same comes out."""

import jax
import numpy as np
import pytest

from steepest import workers
from steepest.engines.compiled import CompiledEngine, CompiledProgram
from steepest.engines.cores import together
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
    return CompiledEngine(task).compile(config)


def trained(program, members, whole, count, told):
    """Return the state after two epochs in so many threads."""
    parts = {}

    def end(slice_, state, measured):
        parts[slice_.start] = state

    job = workers.Job(program, members, whole.take, end, 2)
    workers.train([job], count, lambda *pair: told.append(pair))
    return State.join([parts[first] for first in sorted(parts)])


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1e9])
@pytest.mark.parametrize("count", [1, 3])
def test_slices_do_not_change_the_result(task, program, monkeypatch, seconds, count):
    members = population(19)
    whole = begin(task, members)
    monkeypatch.setattr(workers, "SLICE_SECONDS", 0.0)
    expected = trained(program, members, whole, 1, [])
    monkeypatch.setattr(workers, "SLICE_SECONDS", seconds)
    told = []
    a, b = expected, trained(program, members, whole, count, told)
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)
    assert np.sum(told, axis=0).tolist() == [38, 38]


def test_an_exception_in_a_worker_is_raised(task, program, monkeypatch):
    def broken(*_):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(CompiledProgram, "advance", broken)
    members = population(5)
    with pytest.raises(RuntimeError, match="out of luck"):
        trained(program, members, begin(task, members), 2, [])


def test_together_keeps_the_order():
    assert together(lambda x: x * x, [3, 1, 2]) == [9, 1, 4]
