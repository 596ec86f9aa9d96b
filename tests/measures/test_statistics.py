"""Intervals held against SciPy and against known coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from steepest.measures.statistics import estimate, paired


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_intervals_are_scipy_s(count):
    values = np.random.default_rng(count).normal(3, 2, count)
    found = estimate(values)
    low, high = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high))


def test_paired_differences_are_scipy_s_paired_test():
    random = np.random.default_rng(0)
    a, b = random.normal(1, 1, 6), random.normal(0, 1, 6)
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    found = paired(a, b)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    wider = paired(a, b, comparisons=3)
    assert wider.half_width > found.half_width
    expected = stats.ttest_rel(a, b).confidence_interval(1 - 0.05 / 3)
    assert (wider.low, wider.high) == pytest.approx((expected.low, expected.high))


def test_one_value_has_no_interval_and_an_infinite_one_no_mean():
    assert estimate([2.0]).mean == 2.0
    assert estimate([2.0]).half_width is None
    assert estimate([]).mean is None
    assert estimate([1.0, math.inf]).mean is None
    assert estimate([1.0, math.nan]).values[0] == 1.0


@pytest.mark.parametrize("count", [3, 5, 10])
def test_coverage_of_normal_and_skewed_values(count):
    """Nominal 95 %: exact for normal values, a little less for skewed ones, never far off."""
    random = np.random.default_rng(1)
    normal = random.normal(size=(4000, count))
    skewed = random.lognormal(sigma=0.5, size=(4000, count))

    def coverage(samples, truth):
        found = [estimate(row) for row in samples]
        return np.mean([e.low <= truth <= e.high for e in found])

    assert coverage(normal, 0.0) == pytest.approx(0.95, abs=0.012)
    assert coverage(skewed, math.exp(0.125)) > 0.90
