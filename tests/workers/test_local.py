"""However the clock cuts a population into slices, the same comes out."""

import jax
import numpy as np
import pytest

from steepest.engines.compiled.engine import CompiledEngine, CompiledProgram
from steepest.engines.cores import together
from steepest.engines.population import Population
from steepest.engines.state import State, begin
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import RULES
from steepest.workers import local


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
        parts[slice_[0]] = state

    def fail(member, reason):
        raise AssertionError(reason)

    job = local.Job(program, members, whole.take, end, 2, fail)
    local.train([job], count, lambda *pair: told.append(pair))
    return State.join([parts[first] for first in sorted(parts)])


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1e9])
@pytest.mark.parametrize("count", [1, 3])
def test_slices_do_not_change_the_result(task, program, monkeypatch, seconds, count):
    members = population(19)
    whole = begin(task, members)
    monkeypatch.setattr(local, "SLICE_SECONDS", 0.0)
    expected = trained(program, members, whole, 1, [])
    monkeypatch.setattr(local, "SLICE_SECONDS", seconds)
    told = []
    a, b = expected, trained(program, members, whole, count, told)
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)
    assert np.sum(told, axis=0).tolist() == [38, 38]


def test_a_member_that_raises_is_left_out(task, program, monkeypatch):
    """What the model raises is of its member; the others of its slice go on."""
    members, true = population(5), CompiledProgram.advance

    def broken(self, population, state, stop, tell):
        if float(population.numbers["learning_rate"].max()) > 0.045:
            raise RuntimeError("out of luck\nand more")
        return true(self, population, state, stop, tell)

    monkeypatch.setattr(CompiledProgram, "advance", broken)
    monkeypatch.setattr(local, "SLICE_SECONDS", 1e9)
    ended, failed = [], []
    begun = begin(task, members)
    job = local.Job(
        program,
        members,
        begun.take,
        lambda some, *_: ended.extend(some),
        2,
        lambda member, reason: failed.append((member, reason)),
    )
    local.train([job], 1, lambda *_: None)
    assert sorted(ended) == [0, 1, 2, 3]
    assert failed == [(4, "RuntimeError: out of luck")]


@pytest.mark.parametrize("where", ["progress", "end", "due"])
def test_an_error_of_ours_is_no_failure_of_a_member(task, program, where, monkeypatch):
    """Who hears of training may fail: a terminal that is gone, a disk. No trial has failed then."""
    monkeypatch.setattr("steepest.engines.compiled.pieces.PIECE_SECONDS", 0.0)
    members, failed = population(3), []

    def broken(*_):
        raise OSError(f"no {where}")

    nothing = {"progress": lambda *_: None, "end": lambda *_: None, "due": lambda: False}
    calls = {**nothing, where: broken}
    begun = begin(task, members)
    job = local.Job(program, members, begun.take, calls["end"], 2, lambda *one: failed.append(one))
    with pytest.raises(OSError, match=f"no {where}"):
        local.train([job], 2, calls["progress"], local.Pace(due=calls["due"]))
    assert failed == []


def test_what_is_about_the_whole_study_is_raised(task, program, monkeypatch):
    def broken(*_):
        raise TaskError("no memory left")

    monkeypatch.setattr(CompiledProgram, "advance", broken)
    members = population(5)
    with pytest.raises(TaskError, match="no memory left"):
        trained(program, members, begin(task, members), 2, [])


@pytest.mark.parametrize("count", [1, 2])
def test_training_stops_where_it_may_and_goes_on_to_the_same(task, program, monkeypatch, count):
    monkeypatch.setattr("steepest.engines.compiled.pieces.PIECE_SECONDS", 0.0)  # a piece an epoch
    members, calls, parts = population(3), [], {}
    whole = begin(task, members)
    expected = trained(program, members, whole, 1, [])

    def end(some, state, measured):
        for i, member in enumerate(some):
            parts[member] = state.take([i])

    def enough():
        calls.append(1)
        return len(calls) > 3

    job = local.Job(program, members, whole.take, end, 2, print)
    local.train([job], count, lambda *_: None, local.Pace(enough=enough))
    epochs = [int(part.epoch[0]) for part in parts.values()]
    assert epochs  # something was handed over, and not all of it
    assert sum(epochs) < 6
    standing = State.join([parts.get(member, whole.take([member])) for member in range(3)])
    again = trained(program, members, standing, 1, [])
    for x, y in zip(jax.tree.leaves(again.tree()), jax.tree.leaves(expected.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


def test_together_keeps_the_order():
    assert together(lambda x: x * x, [3, 1, 2]) == [9, 1, 4]
