"""A population equals its members trained alone, in one program, however it is cut."""

from dataclasses import FrozenInstanceError, replace

import jax
import numpy as np
import pytest
from small import classes_data, make_model, make_task

from steepest.engines import eval_sets
from steepest.engines.compiled import engine as engines
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.state import State, begin
from steepest.records import Config
from steepest.rules import RULES

pytestmark = pytest.mark.slow


def config(rate, seed=0, rule="Adam"):
    values = {**RULES[rule].defaults, **RULES[rule].flags, "learning_rate": rate}
    return Config(rule, "keras", values, "constant", seed)


RATES = (1e-3, 1e-2, 3e-2, 1e-4, 5e-3)
CONFIGS = [config(rate, seed=i % 2) for i, rate in enumerate(RATES)]


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(dropout=0.2))


@pytest.fixture(scope="module")
def program(task):
    return CompiledEngine(task).compile(CONFIGS[0])


def same(a: State, b: State):
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_population_equals_a_loop_over_its_members(task, program):
    population = Population.of(CONFIGS)
    together, measured = program.advance(population, begin(task, population), 4)
    for i, one in enumerate(CONFIGS):
        alone = Population.of([one])
        state, curve = program.advance(alone, begin(task, alone), 4)
        same(state, together.take([i]))
        for name, values in curve.values.items():
            np.testing.assert_array_equal(values[0], measured.values[name][i])


def many_rules():
    """Return configs whose memories have other counts and forms, and other weights to show."""
    averaged = replace(config(1e-2), schedule="exponential")
    return {
        "SGD": config(1e-2, rule="SGD"),
        "Adam": config(1e-2),
        "Lion": config(1e-3, rule="Lion"),
        "Adafactor": config(1e-2, rule="Adafactor"),
        "averaged and decaying": replace(
            averaged, hyperparameters={**averaged.hyperparameters, "ema": 0.9}
        ),
        "schedule-free": config(1e-2, rule="ScheduleFreeAdamW"),
    }


def test_rules_that_share_a_program_equal_each_alone_to_the_bit(task, monkeypatch):
    monkeypatch.setattr(engines, "cores", lambda: 2)
    configs, engine = many_rules(), CompiledEngine(task)
    programs = engine.prepare(configs)
    assert len({id(program.executable.run) for program in programs.values()}) == 1
    for name, one in configs.items():
        population = Population.of([one, replace(one, seed=1)])
        alone = engine.compile(one)
        expected, measured = alone.advance(population, alone.begin(population), 3)
        shared = programs[name]
        half, _ = shared.advance(population, shared.begin(population), 1)
        whole, curves = shared.advance(population, half, 3)
        same(whole, expected)
        loss = measured.values["loss"]
        np.testing.assert_array_equal(curves.values["loss"], loss[:, 1:])
        assert np.isfinite(loss).all()


def test_a_rule_that_cannot_share_a_program_leaves_the_others_theirs(task, monkeypatch):
    whole = engines.compile_programs

    def alone(shared, configs, width):
        if len(configs) > 1:
            raise ValueError("not together")
        return whole(shared, configs, width)

    monkeypatch.setattr(engines, "cores", lambda: 1)
    monkeypatch.setattr(engines, "compile_programs", alone)
    told = []
    configs = {"SGD": config(1e-2, rule="SGD"), "Adam": config(1e-2)}
    programs = CompiledEngine(task).prepare(configs, ready=lambda: told.append(1))
    assert [program.config.rule for program in programs.values()] == ["SGD", "Adam"]
    assert len(told) == 2


def test_stopping_cutting_and_going_on_equals_the_long_run(task, program):
    population = Population.of(CONFIGS)
    whole, measured = program.advance(population, begin(task, population), 4)
    half, first = program.advance(population, begin(task, population), 1)
    survivors = [3, 1]
    after, second = program.advance(population.take(survivors), half.take(survivors), 4)
    same(after, whole.take(survivors))
    for name, values in measured.values.items():
        pieces = np.concatenate([first.values[name][survivors], second.values[name]], axis=1)
        np.testing.assert_array_equal(pieces, values[survivors])


def test_nothing_is_compiled_twice(task, program):
    """Other counts of members and epochs, other numbers and seeds: the same program."""
    with jax.log_compiles(False):
        counter = []
        jax.monitoring.register_event_duration_secs_listener(
            lambda name, *_, **__: counter.append(name) if "backend_compile" in name else None
        )
        start = begin(task, Population.of(CONFIGS))
        counter.clear()
        for members, stop in (([0], 1), ([0, 1, 2], 2), ([4, 2], 4)):
            population = Population.of(CONFIGS).take(members)
            program.advance(population, start.take(members), stop)
    assert counter == []


def test_a_diverged_member_stops_and_harms_nobody(task, program):
    wild = config(1e37)
    population = Population.of([CONFIGS[0], wild, CONFIGS[1]])
    state, measured = program.advance(population, begin(task, population), 4)
    assert state.alive.tolist() == [True, False, True]
    assert measured.trained.tolist() == [4, 1, 4]
    assert not np.isfinite(measured.values["loss"][1, 0])
    assert np.isnan(measured.values["loss"][1, 1:]).all()
    calm = Population.of([CONFIGS[0], CONFIGS[1]])
    same(program.advance(calm, begin(task, calm), 4)[0], state.take([0, 2]))


def test_of_a_large_training_set_rows_evenly_apart_are_measured(task, monkeypatch):
    monkeypatch.setattr(eval_sets, "MOST", 11)
    x, y, _ = eval_sets.sets_of(task)["training"]
    np.testing.assert_array_equal(x, task.training[0][np.linspace(0, 99, 11).astype(int)])
    assert len(y) == 11


def test_the_update_alone_is_timed_and_the_state_is_left(task, program):
    population = Population.of(CONFIGS)
    state = begin(task, population)
    seconds = [one for _ in range(3) for one in program.update_seconds(population, state)]
    assert len(seconds) == 3  # one a call, so that optimizers are timed in turns
    assert all(0 < each < 1 for each in seconds)
    same(state, begin(task, population))


def test_members_of_one_seed_start_alike_and_seeds_differ(task):
    state = begin(task, Population.of(CONFIGS))
    np.testing.assert_array_equal(state.weights[0][0], state.weights[0][2])
    assert np.abs(state.weights[0][0] - state.weights[0][1]).max() > 0.01


def test_programs_share_a_frozen_value(task):
    engine = CompiledEngine(task)
    program = engine.compile(CONFIGS[0])
    assert program.shared is engine.shared
    with pytest.raises(FrozenInstanceError):
        engine.shared.memory = 1


# The last of the file, as what is compiled after them is compiled quickly as well.


@pytest.mark.usefixtures("compiled_quickly")
def test_lockstep_equals_one_after_another(task, program):
    population = Population.of(CONFIGS)
    _, expected = program.advance(population, begin(task, population), 4)
    side_by_side = CompiledEngine(task, lockstep=True).compile(CONFIGS[0])
    _, measured = side_by_side.advance(population, begin(task, population), 4)
    for name, values in expected.values.items():
        np.testing.assert_allclose(measured.values[name], values, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("compiled_quickly")
def test_the_test_set_is_measured_as_keras_does(task, program):
    model = make_model(dropout=0.2)
    task = make_task(model)
    state = begin(task, Population.of(CONFIGS[:1]))
    for variable, value in zip(model.trainable_variables, state.weights, strict=True):
        variable.assign(value[0])
    for variable, value in zip(model.non_trainable_variables, state.variables, strict=True):
        variable.assign(value[0])
    population = Population.of(CONFIGS)
    program = CompiledEngine(task).compile(CONFIGS[0])
    x, y, _ = task.test
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert program.measure(population, state, "test")[0] == pytest.approx(
        {"loss": loss, "accuracy": accuracy}, rel=1e-5
    )
    assert "test" in CompiledEngine(task).sets
    assert "test" not in CompiledEngine(replace(task, test=None)).sets


@pytest.mark.usefixtures("compiled_quickly")
def test_the_training_set_is_measured_as_keras_does_without_class_weights():
    model = make_model(batch_norm=False, dropout=0.2)
    task = make_task(model, class_weight={0: 5.0, 1: 1.0, 2: 0.1})
    program = CompiledEngine(task).compile(CONFIGS[0])
    population = Population.of(CONFIGS[:1])
    state, _ = program.advance(population, program.begin(population), 2)
    for variable, value in zip(model.trainable_variables, state.weights, strict=True):
        variable.assign(value[0])
    loss, accuracy = model.evaluate(*classes_data(), verbose=0)
    found = program.measure(population, state, "training")[0]
    assert found == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-5)


@pytest.mark.usefixtures("compiled_quickly")
def test_with_cores_for_each_of_them_rules_have_programs_of_their_own(task, monkeypatch):
    monkeypatch.setattr(engines, "cores", lambda: 4)
    configs, told = dict(list(many_rules().items())[:3]), []
    programs = CompiledEngine(task).prepare(configs, ready=lambda: told.append(1))
    found = [id(program.executable.run) for program in programs.values()]
    assert (len(set(found)), len(told)) == (2, 3)
    monkeypatch.setattr(engines, "cores", lambda: 6)
    programs = CompiledEngine(task).prepare(configs)
    assert len({id(program.executable.run) for program in programs.values()}) == 3
