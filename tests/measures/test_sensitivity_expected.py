"""The expected best against every choice of trials there is, and SciPy."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_searches import flat, mirrored, search_study, trial
from scipy import stats

from steepest.measures.expected import DRAWS, counts_of, expected_best
from steepest.measures.sensitivity import sensitivity
from steepest.measures.verdict import judge

scores = arrays(np.float64, st.integers(1, 30), elements=st.floats(-100, 100))


def explored(*losses, initial=None, **settings):
    trials = [
        trial(i, {"learning_rate": 0.1 / (i + 1)}, [v] if math.isfinite(v) else [math.nan])
        for i, v in enumerate(losses)
    ]
    return search_study(trials, initial=initial, settings=settings)


def of(study):
    return sensitivity(study, judge(study))["SGD"].expected


def test_it_is_the_mean_over_all_choices():
    values = np.random.default_rng(0).exponential(size=7)
    means = expected_best(values, range(1, 8))
    for n, mean in enumerate(means, 1):
        assert mean == pytest.approx(np.mean([min(some) for some in combinations(values, n)]))


def test_it_is_tang_s_formula():
    values = np.sort(np.random.default_rng(1).normal(size=60))
    for n in (1, 5, 30, 60):
        weights = [math.comb(60 - i, n - 1) / math.comb(60, n) for i in range(1, 61)]
        assert expected_best(values, [n])[0] == pytest.approx(values @ weights)


@given(scores)
def test_more_trials_never_worsen_it(values):
    means = expected_best(values, range(1, len(values) + 1))
    assert (np.diff(means) <= 1e-9).all()
    assert means[0] == pytest.approx(values.mean(), abs=1e-9)
    assert means[-1] == values.min()


@given(scores, st.floats(-10, 10), st.floats(0.1, 10))
def test_shifts_and_scales_go_through(values, shift, scale):
    counts = counts_of(len(values))
    expected = scale * expected_best(values, counts) + shift
    assert expected_best(scale * values + shift, counts) == pytest.approx(expected, abs=1e-6)


def test_two_thousand_trials_are_told_at_fifty_numbers():
    counts = counts_of(2000)
    assert (counts[0], counts[-1]) == (1, 2000)
    assert 30 < len(counts) <= 50
    means = expected_best(np.random.default_rng(0).normal(size=2000), counts)
    assert (np.diff(means) < 0).all()


def test_of_a_study():
    found = of(explored(3.0, 1.0, 2.0))
    assert (found.epochs, found.counts) == (1, (1, 2, 3))
    assert found.mean == pytest.approx((2.0, 4 / 3, 1.0))
    assert all(
        low <= mean <= high
        for low, mean, high in zip(found.low, found.mean, found.high, strict=True)
    )


def test_where_larger_is_better_it_rises():
    study = explored(0.3, 0.1, 0.2, 0.15, initial=0.25)
    plain, turned = of(study), of(mirrored(study))
    assert turned.mean == pytest.approx([1 - v for v in plain.mean])
    assert turned.low == pytest.approx([1 - v for v in plain.high])
    assert turned.high == pytest.approx([1 - v for v in plain.low])


def test_the_band_is_scipy_s_bootstrap():
    values = np.random.default_rng(2).exponential(size=40)
    found = of(explored(*values))
    for n in (1, 3, 10):
        expected = stats.bootstrap(
            (values,),
            lambda x, axis, n=n: expected_best(x, [n])[..., 0],
            n_resamples=20_000,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        spread = expected.high - expected.low
        assert found.low[n - 1] == pytest.approx(expected.low, abs=0.15 * spread)
        assert found.high[n - 1] == pytest.approx(expected.high, abs=0.15 * spread)
    assert DRAWS == 500


def test_diverged_trials_count_as_untrained_or_as_the_worst():
    assert of(explored(1.0, 2.0, math.inf, 1e20, initial=4.0)).mean[0] == pytest.approx(11 / 4)
    assert of(explored(1.0, 2.0, math.inf)).mean[0] == pytest.approx(5 / 3)
    assert of(explored(math.inf, math.inf, math.inf, initial=4.0)) is None


def test_few_trials_say_nothing():
    assert of(explored(1.0, 2.0)) is None
    assert of(explored(1.0, 2.0, 3.0)) is not None


def test_only_explored_trials_count_at_their_first_rung():
    trials = list(explored(3.0, 2.0, 1.0).trials)
    trials[2] = replace(trial(2, {"learning_rate": 0.01}, [1.0, 0.8, 0.7, 0.6]))
    refined = trial(3, {"learning_rate": 0.011}, flat(0.1))
    found = of(search_study([*trials, refined], settings={"trials": 3}))
    assert (found.epochs, found.counts) == (1, (1, 2, 3))
    assert found.mean[0] == pytest.approx(2.0)
