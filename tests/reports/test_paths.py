"""Paths are the rules' own, and go downhill."""

import numpy as np
import pytest

from steepest.reports.explain.paths import LAST, RATES, SURFACES, matrices_only, tuned, walk
from steepest.rules import RULES, has_formula

pytestmark = pytest.mark.slow

EVERY = list(RULES.values())
VALLEY = SURFACES["narrow valley"]


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
@pytest.mark.parametrize("rule", EVERY, ids=RULES)
def test_paths_go_down_and_stay_in_the_picture(rule, surface, unchecked):
    path = tuned(rule, surface)
    assert path.points.shape == (surface.steps + 1, 2)
    assert np.array_equal(path.points[0], surface.start)
    assert np.allclose(path.values, surface.value(path.points))
    assert path.values[-1] < path.values[0] / 2
    assert path.values[-LAST:].mean() < path.values[:LAST].mean()
    left, right, low, high = surface.window
    assert ((left <= path.points[:, 0]) & (path.points[:, 0] <= right)).all()
    assert ((low <= path.points[:, 1]) & (path.points[:, 1] <= high)).all()
    assert RATES[0] < path.rate < RATES[-1]  # the grid is wide enough for its choice


@pytest.mark.parametrize("rule", EVERY, ids=RULES)
def test_steps_on_numpy_s_arrays_are_as_annotated(rule):
    path = walk(rule, VALLEY, 0.01)
    assert path.points.shape == (VALLEY.steps + 1, 2)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_gradients_and_minima_are_those_of_the_surface(surface):
    random = np.random.default_rng(0)
    for point in random.uniform(-1, 3, (20, 2)):
        found = [
            (surface.value(point + h) - surface.value(point - h)) / 2e-6 for h in 1e-6 * np.eye(2)
        ]
        assert np.allclose(surface.gradient(point), found, rtol=1e-4, atol=1e-4)
    for minimum in surface.minima:
        assert np.allclose(surface.gradient(np.array(minimum)), 0)
        assert np.allclose(surface.value(np.array(minimum)), 0)


def test_sgd_in_the_valley_is_its_closed_form():
    rate = 0.03
    path = walk(RULES["SGD"], VALLEY, rate)
    t = np.arange(VALLEY.steps + 1)[:, None]
    shrinks = (1 - rate * np.array([1.0, 50.0])) ** t
    expected = 1 + shrinks * (np.array(VALLEY.start) - 1)
    assert np.allclose(path.points, expected, atol=1e-6)


def test_momentum_and_defaults_are_passed_on():
    sgd = RULES["SGD"]
    path = walk(sgd, VALLEY, 0.01, {"momentum": 0.9})
    w, m = np.array(VALLEY.start), np.zeros(2)
    for expected in path.points[1:]:
        m = 0.9 * m - 0.01 * VALLEY.gradient(w)
        w = w + m
        assert np.allclose(w, expected, atol=1e-5)


def test_adams_first_step_is_the_rate_along_each_axis():
    path = walk(RULES["Adam"], VALLEY, 0.1)
    assert np.allclose(path.points[1] - path.points[0], [0.1, -0.1], atol=1e-5)


def test_the_same_every_time_and_the_best_of_the_grid():
    one, other = (tuned(RULES["RMSprop"], VALLEY) for _ in range(2))
    assert one.rate == other.rate
    assert np.array_equal(one.points, other.points)
    i = RATES.index(one.rate)
    for rate in (RATES[i - 1], RATES[i + 1]):
        near = walk(RULES["RMSprop"], VALLEY, rate)
        assert near.values[-LAST:].mean() >= one.values[-LAST:].mean()


def test_a_rate_that_is_too_large_is_no_error():
    path = walk(RULES["SGD"], SURFACES["Rosenbrock"], 10.0)
    assert not np.isfinite(path.values).all()


def test_muon_alone_does_something_else_to_a_vector():
    assert [rule.name for rule in EVERY if matrices_only(rule)] == ["Muon", "MARSAdamW", "SOAP"]
    ours, theirs = (walk(RULES[name], VALLEY, 0.1).points for name in ("Muon", "AdamW"))
    assert np.allclose(ours, theirs, atol=1e-6)
    assert all(map(has_formula, EVERY))
