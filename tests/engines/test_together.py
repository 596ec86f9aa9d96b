"""Members of several rules in one call: each trains as it does with its own rule alone."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from accelerated import engine_of
from planned import planned
from small import make_model, make_task

from steepest.engines.compiled import joint, pieces, resident
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.resting import Resting
from steepest.engines.compiled.width import Width, rules_a_program
from steepest.engines.mixed import MixedPopulation, MixedState, Places
from steepest.engines.population import Population
from steepest.engines.protocol import Interrupted
from steepest.records import Config
from steepest.rules import RULES
from steepest.rules.recipe import completed
from steepest.search import search

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

NAMES = ("SGD", "ScheduleFreeAdamW", "Adam")  # of which one shows other weights than it trains
WHICH = (2, 0, 1, 0, 2)
SEEDS = (0, 1, 0, 0, 4)
RATES = (1e-2, 0.1, 3e-2, 0.3, 1e-3)


def config(rule, rate, seed=0):
    own = RULES[rule]
    values = {**own.settings("keras"), "learning_rate": rate}
    values |= completed(rule, values, own.dialect("keras").decay, "constant")
    return Config(rule, "keras", values, "constant", seed)


FIRST = [config(name, 0.01) for name in NAMES]
CONFIGS = [config(NAMES[w], r, s) for w, r, s in zip(WHICH, RATES, SEEDS, strict=True)]
POPULATION = MixedPopulation.of(CONFIGS, WHICH)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(dropout=0.2, batch_norm=True))


@pytest.fixture(scope="module")
def programs(task):
    return list(engine_of(task).prepare(dict(zip(NAMES, FIRST, strict=True))).values())


@pytest.fixture(scope="module")
def several(programs):
    (found,) = {id(one.together): one.together for one in programs}.values()
    assert [one.config.rule for one in found.programs] == list(NAMES)
    return found


@pytest.fixture(scope="module")
def expected(task):
    """Each member as its rule's program trains it, one after another."""
    engine = CompiledEngine(task)
    programs = [engine.compile(one) for one in FIRST]
    found = []
    for member, rule in enumerate(WHICH):
        own = Population.of([CONFIGS[member]])
        found.append(programs[rule].advance(own, programs[rule].begin(own), 3))
    return found


def close(found, expected, members=range(5), since=0):
    state, measured = found
    for row, member in enumerate(members):
        own, alone = state.take([row]), expected[member]
        assert own.step == alone[0].step
        assert own.epoch == alone[0].epoch
        for name, values in alone[1].values.items():
            after = values[0][since:]
            np.testing.assert_allclose(measured.values[name][row], after, rtol=1e-4, atol=1e-5)
        for a, b in zip(own.weights, alone[0].weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
        assert jax.tree.structure(own.memory) == jax.tree.structure(alone[0].memory)


def test_members_train_as_their_rule_alone(several, expected):
    close(several.advance(POPULATION, several.begin(POPULATION), 3), expected)


def test_one_executable_trains_them_in_one_call(several, programs, monkeypatch):
    assert len({id(one.executable) for one in programs}) == 1
    calls = []
    monkeypatch.setattr(
        several, "run", lambda *given: calls.append(1) or programs[0].executable(*given)
    )
    several.advance(POPULATION, several.begin(POPULATION), 1)
    assert len(calls) == 1


def test_to_the_last_bit_what_the_same_places_hold_alone(several, programs):
    """Who else is in a call changes nothing: on a CPU, nor does how many there are."""
    state, measured = several.advance(POPULATION, several.begin(POPULATION), 2)
    for rule, program in enumerate(programs):
        members = [member for member, which in enumerate(WHICH) if which == rule]
        own = Population.of([CONFIGS[member] for member in members])
        alone, values = program.advance(own, program.begin(own), 2)
        for name, curve in values.values.items():
            np.testing.assert_array_equal(measured.values[name][members], curve)
        for a, b in zip(state.take(members).weights, alone.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_members_that_are_further_wait_and_one_that_diverged_stays(several, programs, expected):
    population = MixedPopulation.of([*CONFIGS, config("Adam", 1e37)], [*WHICH, 2])
    own = Population.of([CONFIGS[1]])
    further, _ = programs[0].advance(own, programs[0].begin(own), 2)
    rest = several.begin(population)
    states = [further if i == 1 else rest.take([i]) for i in range(6)]
    state, measured = several.advance(population, MixedState.of(states, population.places), 3)
    assert state.epoch.tolist() == [3, 3, 3, 3, 3, 1]
    assert state.alive.tolist() == [True] * 5 + [False]
    assert measured.trained.tolist() == [3, 1, 3, 3, 3, 1]
    for member in range(5):
        for a, b in zip(state.take([member]).weights, expected[member][0].weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_more_of_a_rule_than_it_has_places_for(task, expected, monkeypatch):
    engine = engine_of(task)
    engine._width = lambda *_: Width(1, lockstep=True)
    (several,) = {
        one.together for one in engine.prepare(dict(zip(NAMES, FIRST, strict=True))).values()
    }
    assert several.capacity == 3
    told = {}

    def tell(epochs, so_far=None):
        if so_far is not None:
            places, state, measured = so_far()
            for row, place in enumerate(places):
                told[place] = state.take([row]).epoch, measured.values["loss"][row]

    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # a piece an epoch
    close(several.advance(POPULATION, several.begin(POPULATION), 3, tell), expected)
    assert sorted(told) == list(range(5))
    for place, (epoch, losses) in told.items():
        np.testing.assert_allclose(
            losses, expected[place][1].values["loss"][0, : int(epoch[0])], rtol=1e-4
        )


def test_turns_that_only_one_rule_needs(task, expected):
    engine = engine_of(task)
    engine._width = lambda *_: Width(1, lockstep=True)
    several = engine.prepare(dict(zip(NAMES, FIRST, strict=True)))["Adam"].together
    some = [0, 1, 4, 0]  # three of Adam, and one of SGD in the first turn
    population = MixedPopulation.of([CONFIGS[i] for i in some], [WHICH[i] for i in some])
    state, measured = several.advance(population, several.begin(population), 2)
    close(several.advance(population, state, 3), expected, some, since=2)
    assert measured.trained.tolist() == [2] * 4


def test_without_memory_each_rule_trains_by_itself(task, expected, monkeypatch):
    programs = list(engine_of(task).prepare(dict(zip(NAMES, FIRST, strict=True))).values())
    several = programs[0].together

    def short(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(several, "run", short)
    close(several.advance(POPULATION, several.begin(POPULATION), 3), expected)
    assert [one.together for one in programs] == [several] * 3
    programs[2].executable = short  # nor is there for one of them
    close(several.advance(POPULATION, several.begin(POPULATION), 3), expected)
    assert [one.together for one in programs] == [several, several, None]
    assert programs[2].width.capacity < programs[0].width.capacity

    def wrong(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr(several, "run", wrong)
    with pytest.raises(RuntimeError, match="something else"):
        several.advance(POPULATION, several.begin(POPULATION), 3)


def test_states_stay_where_they_trained(several, monkeypatch):
    crossed = []
    usual = resident.to_host
    monkeypatch.setattr(
        resident, "to_host", lambda tree: crossed.append(len(jax.tree.leaves(tree))) or usual(tree)
    )
    state, _ = several.advance(POPULATION, several.begin(POPULATION), 1)
    assert all(isinstance(one, Resting) and one.on_device for one in state.parts.values())
    some = [0, 1, 4]
    small = max(crossed)  # counts and curves
    after, _ = several.advance(POPULATION.take(some), state.take(some), 2)
    assert max(crossed) == small
    assert after.epoch.tolist() == [2, 2, 2]


def test_a_call_ends_where_it_is_told_to(several, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)

    def tell(epochs, so_far=None):
        if so_far is not None:
            raise Interrupted

    with pytest.raises(Interrupted):
        several.advance(POPULATION, several.begin(POPULATION), 3, tell)


def test_rules_with_products_and_those_of_large_models_have_programs_of_their_own(
    task, monkeypatch
):
    rules = ("SGD", "SOAP", "Adam", "Muon", "RMSprop")
    configs = {rule: config(rule, 0.01) for rule in rules}
    engine = engine_of(task)
    groups = engine._groups(list(configs.values()))
    assert sorted(map(sorted, groups)) == [[0, 2, 4], [1], [3]]
    monkeypatch.setattr(engine, "_member_bytes", lambda _: 10**9)
    assert sorted(map(sorted, engine._groups(list(configs.values())))) == [[i] for i in range(5)]
    wide = Width(32, lockstep=True)
    assert rules_a_program(wide, 2**20, 20, on_cpu=False) == 4
    assert rules_a_program(wide, 1, 20, on_cpu=False) == 20
    assert rules_a_program(wide, 2**30, 20, on_cpu=True) == 1


def test_rules_that_do_not_compile_together_compile_apart(task, monkeypatch):
    usual = joint.Joint.__init__

    def refused(self, shared, rows, by_place, parts):
        if len(by_place.plans) > 1:
            raise KeyError("a parameter that JAX calls otherwise")
        usual(self, shared, rows, by_place, parts)

    monkeypatch.setattr(joint.Joint, "__init__", refused)
    found = engine_of(task).prepare(dict(zip(NAMES, FIRST, strict=True)))
    assert [one.together for one in found.values()] == [None] * 3
    assert all(one.width.lockstep for one in found.values())


def test_places_of_parts():
    places = Places.of([2, 0, 2, 1])
    assert places.index.tolist() == [0, 0, 1, 0]
    assert places.order.tolist() == [1, 3, 0, 2]
    assert places.members(2).tolist() == [0, 2]
    assert places.taken([3, 2]) == {1: [0], 2: [1]}
    taken = POPULATION.take([4, 1])
    assert [taken.config(i) for i in range(2)] == [CONFIGS[4], CONFIGS[1]]
    assert len(taken) == 2
    assert POPULATION.config(0) == CONFIGS[0]


def test_a_study_is_the_same_in_fewer_calls(task, tmp_path, monkeypatch):
    """All optimizers' trials of a rung, and all seeds of the confirmation, in a call."""
    calls = []
    usual = resident.Resident.train
    monkeypatch.setattr(
        resident.Resident, "train", lambda self, *given: calls.append(1) or usual(self, *given)
    )
    contestants, settings = planned(",".join(NAMES), task.facts.epochs, full_trainings=12, seeds=2)

    def study(name, **patched):
        engine = engine_of(task)
        for attribute, value in patched.items():
            monkeypatch.setattr(engine, attribute, value)
        calls.clear()
        found = search(engine, contestants, settings, tmp_path / name, lambda *_: None)
        return found.trials, len(calls)

    apart, many = study("apart.db", _rules_a_program=lambda _: 1)
    together, few = study("together.db")
    for one, other in zip(together, apart, strict=True):
        curves = (one.curves, other.curves)
        losses = [(c.training_loss, c.validation_loss) for c in curves]
        np.testing.assert_allclose(*losses, rtol=1e-4)
        rounded = {name: getattr(other, name) for name in ("curves", "seconds", "test", "training")}
        assert replace(one, **rounded) == other
    assert 2 * few < many
