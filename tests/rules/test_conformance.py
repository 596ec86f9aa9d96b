"""What every rule must do, whatever it is: a table of checks over RULES."""

import numpy as np
import pytest

from steepest.engines.population import Population
from steepest.records import Config, Parameter
from steepest.rules import FRAMEWORKS, RULES, step
from steepest.rules.descriptions import MEANINGS
from steepest.rules.recipe import completed
from steepest.spaces import Choice, Float

pytestmark = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
MATRIX = Parameter("hidden/kernel", (3, 2), "kernel")
# A matrix, a bias and a convolution's kernel, all in float32.
PARAMETERS = (MATRIX, Parameter("hidden/bias", (2,), "bias"), Parameter("c/k", (3, 2, 4), "kernel"))


def config(rule, dialect="keras", **changes):
    values = {**rule.settings(dialect), **changes}
    values |= completed(rule.name, values, rule.dialect(dialect).decay, "constant")
    return Config(rule.name, dialect, values, "constant", 0)


def walk(one, weights, gradient, count, parameters=PARAMETERS):
    """Return weights and memory after `count` steps in NumPy."""
    plan = step.make_plan(one, parameters)
    numbers, complements = step.prepare("constant", one.numbers, 100)
    memory = step.begin(plan, weights, numbers, complements)
    for done in range(count):
        gradients = [gradient(w) for w in weights]
        weights, memory = step.step(
            plan, gradients, weights, memory, np.float32(done), numbers, complements
        )
    return weights, memory


def ones():
    return [np.full(p.shape, 1.5, np.float32) for p in PARAMETERS]


def each_setting(rule):
    """Yield configurations: every dialect, and each flag of it turned the other way."""
    for dialect in FRAMEWORKS:
        settings = rule.settings(dialect)
        yield config(rule, dialect)
        for flag, value in settings.items():
            if isinstance(value, bool):
                yield config(rule, dialect, **{flag: not value})


RATES = {
    "Adadelta": 30.0,
    "Ftrl": 1.0,
    "Adagrad": 0.3,
    "Lamb": 0.02,
    "Adafactor": 0.3,
    "Prodigy": 1.0,
}


def test_goes_downhill_on_a_bowl(rule, unchecked):  # the next test has the same steps, checked
    for one in each_setting(rule):
        rate = RATES.get(rule.name, 0.05)
        asked = config(rule, one.dialect, **one.hyperparameters | {"learning_rate": rate})
        random = np.random.default_rng(0)
        start = [(2 + random.normal(size=p.shape)).astype("float32") for p in PARAMETERS]
        after, _ = walk(asked, start, lambda w: w, 200)  # the gradient of w²/2 is w
        for a, b in zip(after, start, strict=True):
            assert np.square(a).sum() < 0.3 * np.square(b).sum(), one


def test_memory_keeps_shape_and_dtype(rule):
    for one in each_setting(rule):
        plan = step.make_plan(one, PARAMETERS)
        numbers, complements = step.prepare("constant", one.numbers, 100)
        before = step.begin(plan, ones(), numbers, complements)
        weights, after = walk(one, ones(), lambda w: w, 2)
        for p, w, old, new in zip(PARAMETERS, weights, before["rule"], after["rule"], strict=True):
            assert w.shape == p.shape
            assert w.dtype == np.float32
            assert [m.shape for m in old] == [m.shape for m in new]
            assert {m.dtype for m in (*old, *new)} == {np.dtype("float32")}
            if rule.begin is None:
                assert len(old) == len(rule.memory(plan.flags[0]))


def test_a_zero_learning_rate_moves_nothing(rule):
    if rule.divides_by_rate:
        pytest.skip("it divides by the learning rate")
    if rule.name == "Rprop":
        pytest.skip("its steps have a least length, whatever the rate")
    one = config(rule, learning_rate=0.0)
    before = ones()
    after, _ = walk(one, before, lambda w: w + 1, 3)
    for a, b in zip(after, before, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-7)


def test_weight_decay_shrinks_kernels_and_spares_biases(rule):
    """With no gradient, decoupled decay is all that moves; FTRL and Adafactor move in any case."""
    if rule.name in ("Ftrl", "ScheduleFreeAdamW", "ScheduleFreeSGD", "Prodigy"):
        pytest.skip(
            "its weights are made from sums of gradients or averages, or its rate from gradients"
        )
    if rule.name == "SOAP":
        pytest.skip("its first step does nothing")
    if rule.name == "ASGD":
        pytest.skip("it shrinks all weights by itself too")
    one = config(rule, learning_rate=0.1, weight_decay=0.5)
    after, _ = walk(one, ones(), lambda w: w * 0, 1)
    np.testing.assert_allclose(after[0], 1.5 * 0.95, rtol=1e-6)
    np.testing.assert_allclose(after[1], 1.5)
    every = config(rule, learning_rate=0.1, weight_decay=0.5, decay_on="all")
    after, _ = walk(every, ones(), lambda w: w * 0, 1)
    np.testing.assert_allclose(after[1], 1.5 * 0.95, rtol=1e-6)


def test_every_hyperparameter_has_a_range_bounds_a_meaning_and_a_spelling(rule):
    assert next(iter(rule.spaces)) == "learning_rate"
    assert set(rule.spaces) <= set(rule.bounds) == set(rule.defaults)
    for name in (*rule.defaults, *rule.flags):
        assert MEANINGS[name]
    for framework in FRAMEWORKS:
        dialect = rule.dialects[framework]
        settings = rule.settings(framework)
        for name, value in settings.items():
            rule.check(name, value)
        assert set(dialect.twists) == set(rule.twists)
        if dialect.call is None:
            continue
        silent = {"amsgrad", "routing", "match_rms_adamw", "weight_decay"}
        if rule.name == "Muon" and framework == "torch":  # which has no AdamW side
            silent |= {"adam_beta_1", "adam_beta_2", "epsilon"}
        assert set(settings) - set(dialect.arguments) <= silent
    for name, space in rule.spaces.items():
        for value in (space.low, space.high):
            rule.check(name, value)


def test_the_space_grows_with_the_trials(rule):
    for framework in FRAMEWORKS:
        able = [name for name in rule.spaces if name in rule.settings(framework)]
        for trials, count in ((4, 1), (5, 2), (14, 2), (15, 3), (49, 3), (50, len(able))):
            assert list(rule.space(trials, framework)) == able[:count]


def test_a_population_keeps_every_number(rule):
    configs = [
        Config(
            rule.name,
            "keras",
            {**rule.flags, **{k: s.at(u) for k, s in rule.spaces.items()}},
            "constant",
            int(100 * u),
        )
        for u in (0.1, 0.9)
    ]
    population = Population.of(configs)
    for i, one in enumerate(configs):
        assert population.config(i) == one
        assert {k: v[i] for k, v in population.numbers.items()} == one.numbers


def test_it_is_described(rule):
    assert rule.title.startswith(f"{rule.name}: ")
    assert rule.paper
    assert "=" in rule.formula
    about = rule.about
    assert about.does.count(". ") + about.does.endswith(".") >= 2
    assert all((about.strengths, about.weaknesses, about.when, about.tune))
    assert all(isinstance(space, Float | Choice) for space in rule.spaces.values())
