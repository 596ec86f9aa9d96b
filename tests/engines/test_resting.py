"""States that wait where they trained: the same rows as on the host, which come when asked for.

Tried on a CPU.
"""

import gc
import weakref
from dataclasses import replace

import jax
import numpy as np
import pytest
from accelerated import engine_of
from small import make_model, make_task

from steepest.checkpoints import Checkpoints
from steepest.engines.compiled import resting
from steepest.engines.compiled.resting import MOST, Call, Resting, Shelf
from steepest.engines.compiled.width import Width
from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.records import Config
from steepest.rules import RULES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def config(rate):
    values = {**RULES["Adam"].settings("keras"), "learning_rate": rate}
    return Config("Adam", "keras", values, "constant", 0)


CONFIGS = [config(rate) for rate in (1e-3, 1e-2, 3e-2)]
POPULATION = Population.of(CONFIGS)


@pytest.fixture(scope="module")
def program():
    task = make_task(make_model(dropout=0.2, batch_norm=True))
    return engine_of(task).compile(CONFIGS[0], Width(4, lockstep=True))


def made(seed, members=3):
    """Return members that wait on the device, and their arrays."""
    random = np.random.default_rng(seed)
    weights = [random.random((4, 2, 3), np.float32), random.random((4, 5), np.float32)]
    memory = {"rule": [(random.random((4, 5), np.float32),), ()]}
    variables = [random.integers(0, 9, (4, 2)).astype(np.uint32)]
    places = np.array([3, 0, 2])[:members]
    counts = (np.arange(3, dtype=np.int32) + seed, np.full(3, 2, np.int32), np.ones(3, bool))
    counts = tuple(one[:members] for one in counts)
    call = Call(jax.device_put((weights, memory, variables)))
    waiting = Resting([call], np.zeros(members, np.int64), places, counts)
    rows = jax.tree.map(lambda a: a[places], (weights, memory, variables))
    return waiting, State(*rows, *counts)


def same(found, expected):
    a, b = jax.tree.flatten(found.tree()), jax.tree.flatten(expected.tree())
    assert a[1] == b[1]
    for one, other in zip(a[0], b[0], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.fixture
def nothing_crosses(monkeypatch):
    def crossed(_):
        raise AssertionError("it came to the host")

    with monkeypatch.context() as patch:
        patch.setattr(resting, "to_host", crossed)
        yield patch


def test_rows_are_taken_and_joined_where_they_are(nothing_crosses):
    (a, plain_a), (b, plain_b) = made(0), made(1)
    mixed = State.join([a.take([2, 0]), b.take([1]), a.take([1]), b.take([0, 2])])
    again = mixed.take([5, 0, 3, 2])
    assert isinstance(again, Resting)
    assert again.on_device
    nothing_crosses.undo()
    rows = [plain_a.take([2, 0]), plain_b.take([1]), plain_a.take([1]), plain_b.take([0, 2])]
    expected = State.join(rows)
    assert again.nbytes == expected.take([5, 0, 3, 2]).nbytes
    assert len(mixed) == 6
    same(again, expected.take([5, 0, 3, 2]))
    same(mixed, expected)
    assert mixed.nbytes == expected.nbytes
    same(mixed.take([4, 1]), expected.take([4, 1]))
    same(State.join([mixed, plain_a]), State.join([expected, plain_a]))
    same(State.join([plain_a, made(2)[0]]), State.join([plain_a, made(2)[1]]))


def test_of_a_call_only_what_it_trained_is_kept():
    (a, _), (b, _) = made(0), made(1)
    calls = [weakref.ref(one.calls[0]) for one in (a, b)]
    mixed = State.join([a, b])
    one = mixed.take([4])
    del a, b, mixed
    gc.collect()
    assert calls[0]() is None
    assert calls[1]() is one.calls[0]


def test_rows_are_put_together_on_the_device(nothing_crosses):
    every = [made(seed) for seed in range(MOST + 1)]
    some = State.join([one for one, _ in every[:MOST]])
    places = np.array([11, 0, 5, 5, 7, 3])
    found = some.gathered(places)
    assert State.join([one for one, _ in every]).gathered(places) is None  # of too many
    nothing_crosses.undo()
    plain = State.join([one for _, one in every[:MOST]]).take(places)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(plain.tree()[:3]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_waits_leaves_where_there_is_no_room(monkeypatch):
    every = [made(seed) for seed in range(3)]
    shelf = Shelf(int(2.5 * every[0][0].calls[0].nbytes))
    brought = []
    usual = resting.to_host
    monkeypatch.setattr(resting, "to_host", lambda a: brought.append(1) or usual(a))
    first = every[0][0].take([1])
    for one, _ in every:
        shelf.add(one.calls[0])
    assert [one.on_device for one, _ in every] == [False, True, True]
    assert first.gathered(np.array([0])) is None
    for one, plain in every[:1]:
        same(one, plain)
        same(first, plain.take([1]))
        same(one.take([2]), plain.take([2]))
    assert brought == [1]
    del first
    assert shelf.clear()
    assert brought == [1] * 3
    for one, plain in every:
        same(one, plain)
    assert not shelf.clear()


def test_what_nobody_holds_stays_behind(monkeypatch):
    waiting, _ = made(0)
    call, shelf = waiting.calls[0], Shelf(10**6)
    shelf.add(call)
    del waiting
    monkeypatch.setattr(resting, "to_host", None)
    call.leave()
    assert call.arrays is None


def test_what_waits_can_be_sent_and_kept(tmp_path):
    waiting, plain = made(0)
    same(waiting.take([0, 2]).flat(), plain.take([0, 2]).flat())
    same(waiting.nested(waiting.form), plain)
    checkpoints = Checkpoints(10**6, tmp_path)
    for i in range(3):
        checkpoints.put(i, CONFIGS[i], made(0)[0].take([i]))
    checkpoints.keep()
    for i in range(3):
        same(checkpoints.get(i), plain.take([i]))
        same(checkpoints.find(i, CONFIGS[i], plain.take([i])), plain.take([i]))


def test_training_goes_on_where_it_was(program, monkeypatch):
    """To the last bit as from the host, whoever went out in between."""
    population = Population.of([config(rate) for rate in (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)])

    def trained(left):
        state, _ = program.advance(population, program.begin(population), 1)
        state = State.join([left(state.take([i])) for i in (4, 1, 2)])
        return program.advance(population.take([4, 1, 2]), state, 3)

    with monkeypatch.context() as patch:
        patch.setattr(resting, "to_host", None)
        state, measured = trained(lambda one: one)
    other, also = trained(State.on_host)
    same(state, other)
    for name, values in measured.values.items():
        np.testing.assert_array_equal(values, also.values[name])
    part = population.take([4, 1, 2])
    assert program.measure(part, state, "test") == program.measure(part, other, "test")


def test_who_waits_makes_room_for_who_trains(program, monkeypatch):
    waiting, _ = program.advance(POPULATION, program.begin(POPULATION), 1)
    usual, refused = type(program)._advance, []

    def advance(self, *given):
        if not refused:
            refused.append(1)
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return usual(self, *given)

    monkeypatch.setattr(type(program), "_advance", advance)
    state, _ = program.advance(POPULATION, waiting, 2)
    assert refused
    assert not waiting.on_device
    assert program.width == Width(4, lockstep=True)
    assert state.epoch.tolist() == [2, 2, 2]


def test_several_devices_bring_states_at_once(program):
    here = program.place(POPULATION, program.begin(POPULATION), range(3))
    here.shared = replace(here.shared, shelf=None)
    assert type(here.resting()) is State
