"""What every rule must do, whatever it is: a table of checks over RULES."""

import numpy as np
import pytest

from steepest.records import Config, Population
from steepest.rules import RULES, Hyperparameters
from steepest.spaces import Choice, Float

pytestmark = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def hyperparameters(rule, **changes):
    values = {**rule.defaults, **rule.flags, **changes}
    numbers = {k: np.float32(v) for k, v in values.items() if not isinstance(v, bool)}
    return Hyperparameters(
        {**numbers, **{k: v for k, v in values.items() if isinstance(v, bool)}},
        {k: np.float32(1 - values[k]) for k in numbers},
    )


def each_flag(rule):
    yield {}
    for flag in rule.flags:
        yield {flag: True}


def test_goes_downhill_on_a_bowl(rule):
    for flags in each_flag(rule):
        w = np.array([3.0, -2.0], np.float32)
        memory = tuple(np.zeros_like(w) for _ in rule.memory({**rule.flags, **flags}))
        h = hyperparameters(rule, learning_rate=0.05, **flags)
        for t in range(1, 201):
            w, memory = rule.update(w, w, memory, np.float32(t), h)  # the gradient of w²/2 is w
        assert np.abs(w).max() < 0.5


def test_memory_keeps_shape_and_dtype(rule):
    for flags in each_flag(rule):
        w = np.ones((2, 3), np.float32)
        names = rule.memory({**rule.flags, **flags})
        memory = tuple(np.zeros_like(w) for _ in names)
        after, memory = rule.update(w, w, memory, np.float32(1), hyperparameters(rule, **flags))
        assert len(memory) == len(names)
        assert {a.shape for a in (after, *memory)} == {(2, 3)}
        assert {a.dtype for a in (after, *memory)} == {np.dtype("float32")}


def test_a_zero_learning_rate_moves_nothing(rule):
    w = np.array([1.0, 2.0], np.float32)
    memory = tuple(np.zeros_like(w) for _ in rule.memory(rule.flags))
    h = hyperparameters(rule, learning_rate=0.0)
    for t in range(1, 4):
        after, memory = rule.update(w + 1, w, memory, np.float32(t), h)
        np.testing.assert_array_equal(after, w)


def test_every_hyperparameter_has_a_range_bounds_and_a_spelling(rule):
    assert set(rule.spaces) == set(rule.bounds) == set(rule.defaults)
    assert next(iter(rule.spaces)) == "learning_rate"
    for dialect in rule.dialects.values():
        assert set(dialect.arguments) == {*rule.defaults, *rule.flags}
    for name, space in rule.spaces.items():
        for value in (space.low, space.high, rule.defaults[name]):
            rule.check(name, value)


def test_the_space_grows_with_the_trials(rule):
    assert list(rule.space(5)) == ["learning_rate"]
    assert len(rule.space(10)) == 2
    assert len(rule.space(25)) == min(3, len(rule.spaces))
    assert rule.space(100) == dict(rule.spaces)


def test_a_population_keeps_every_number(rule):
    space = {**rule.spaces}
    configs = [
        Config(
            rule.name,
            "keras",
            {**rule.flags, **{k: s.at(u) for k, s in space.items()}},
            "constant",
            int(100 * u),
        )
        for u in (0.1, 0.9)
    ]
    population = Population.of(configs)
    for i, config in enumerate(configs):
        assert {k: v[i] for k, v in population.numbers.items()} == config.numbers
        assert population.seeds[i] == config.seed


def test_ranges_are_floats_or_choices(rule):
    assert all(isinstance(space, Float | Choice) for space in rule.spaces.values())
    assert rule.paper
