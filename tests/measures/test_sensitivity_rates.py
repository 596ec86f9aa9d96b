"""Learning-rate curves whose band and whose cost of a decade are known exactly."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_searches import RATE, flat, mirrored, search_study, sweep_of, trial
from scipy import stats

from steepest.measures.sensitivity import sensitivity
from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage
from steepest.spaces import Float, to_dict

SPACE = {**RATE, "momentum": to_dict(Float(0.0, 0.99, log=True, complement=True))}


def of(study):
    return sensitivity(study, judge(study))["SGD"]


def swept(loss, initial=3.0, sides=4, **more):
    study = search_study(sweep_of(loss, sides, **more), initial=initial, settings={"sweep": sides})
    return replace(study, task=replace(study.task, validation_examples=1000))


def bowl(x, seed):
    """Is within 10 % of its best up to half a decade away, which is a point of the grid."""
    return 1 + 0.4 * x * x


def test_a_sweep_has_its_confirmed_runs_in_the_middle():
    found = of(swept(bowl, seeds=(1, 2))).rates
    assert (found.source, found.epochs, len(found.points)) == ("sweep", 4, 18)
    assert [p.value for p in found.points] == sorted(p.value for p in found.points)
    middle = [p for p in found.points if p.stage is Stage.CONFIRM]
    assert {p.value for p in middle} == {0.01}
    assert {p.result for p in middle} == {1.0}


def test_only_the_seeds_of_the_sweep_count():
    trials = sweep_of(bowl, seeds=(1, 2))
    other = trial(99, {"learning_rate": 0.01}, flat(7.0), Stage.CONFIRM, seed=3)
    found = of(search_study([*trials, other], initial=3.0))
    assert found.rates == of(search_study(trials, initial=3.0)).rates


def test_the_band_of_a_bowl():
    found = of(swept(bowl)).band
    assert (found.low, found.high) == pytest.approx((10**-2.5, 10**-1.5))
    assert found.decades.mean == pytest.approx(1.0)
    assert (found.open_low, found.open_high, found.decades.low) == (False, False, None)
    # Between points it is interpolated in the logarithm.
    found = of(swept(lambda x, seed: 1 + 0.3 * abs(x))).band
    assert found.decades.mean == pytest.approx(2 / 3)


def test_a_tilted_band_is_not_around_the_middle():
    found = of(swept(lambda x, seed: 1 + 0.2 * abs(x - 0.5))).band
    assert (found.low, found.high) == pytest.approx((0.01, 0.1))


def test_an_open_band_is_said_to_be():
    found = of(swept(lambda x, seed: 1.0 + max(0, -x))).band
    assert (found.open_low, found.open_high) == (False, True)
    assert found.high == pytest.approx(0.1)


def test_beyond_the_last_rate_that_trained_nothing_is_assumed():
    found = of(swept(lambda x, seed: 1.0 if x <= 0.25 else math.inf)).band
    assert (found.open_low, found.open_high) == (True, False)
    assert found.high == pytest.approx(10**-1.75)


def test_a_second_floor_is_not_part_of_the_band():
    found = of(swept(lambda x, seed: 1.0 if x in (-1, 0, 1) else 2.0)).band
    assert found.decades.mean < 0.1


def test_seeds_make_the_interval_and_the_ends_agree_with_it():
    slopes = {1: 0.2, 2: 0.25, 3: 0.4}
    found = of(swept(lambda x, seed: 1 + slopes[seed] * abs(x), seeds=(1, 2, 3)))
    widths = [2 * 0.1 / slope for slope in slopes.values()]
    assert found.band.decades.values == pytest.approx(widths)
    limits = stats.ttest_1samp(widths, 0).confidence_interval()
    assert (found.band.decades.low, found.band.decades.high) == pytest.approx(limits)
    assert math.log10(found.band.high / found.band.low) == pytest.approx(found.band.decades.mean)
    costs = [slope * 5 / 9 for slope in slopes.values()]
    assert found.decade.values == pytest.approx(costs)
    limits = stats.ttest_1samp(costs, 0).confidence_interval()
    assert (found.decade.low, found.decade.high) == pytest.approx(limits)


def test_the_cost_of_a_decade_of_a_bowl():
    squares = 2 * (0.25**2 + 0.5**2 + 0.75**2 + 1) / 9
    assert of(swept(bowl)).decade.mean == pytest.approx(0.4 * squares)
    assert of(swept(lambda x, seed: 1.0)).decade.mean == 0
    assert of(swept(bowl, sides=1)).decade.mean == pytest.approx(0.8 / 3)


def test_what_is_worse_than_untrained_counts_as_untrained():
    def loss(x, seed):
        return 1.0 if x < 0 else 2.0 if x == 0 else 1e20 if x < 0.6 else math.inf

    # Four at the best, one 1 worse, four that are capped at 3 − 1.
    assert of(swept(loss, initial=3.0)).decade.mean == pytest.approx((1 + 4 * 2) / 9)


def test_the_cost_of_a_decade_needs_all_its_rates_and_an_initial_loss():
    trials = sweep_of(bowl, seeds=(1, 2))
    assert of(search_study(trials)).decade is None
    assert of(search_study(trials, initial=math.nan)).decade is None
    found = of(search_study(trials[1:], initial=3.0))
    assert len(found.decade.values) == 1  # the first seed lacks a rate
    assert found.band.decades.values  # which the band does not need
    unfinished = replace(trials[0], outcome=Outcome.UNFINISHED)
    assert of(search_study([unfinished, *trials[1:]], initial=3.0)).decade == found.decade
    half = [t for t in sweep_of(bowl) if t.config.hyperparameters["learning_rate"] >= 0.0099]
    assert of(search_study(half, initial=3.0)).decade is None
    assert of(search_study(half, initial=3.0, settings={"sweep": 0})).decade is None


def test_a_seed_that_never_trained_leaves_no_band():
    found = of(swept(lambda x, seed: bowl(x, seed) if seed == 1 else math.inf, seeds=(1, 2)))
    assert found.band is None
    assert found.decade.values[1] == 0  # equally bad everywhere


@given(st.floats(-5, 5), st.floats(0.1, 3), st.floats(-0.9, 0.9))
def test_a_shift_of_all_losses_leaves_the_cost_and_a_scale_scales_it(shift, scale, best):
    def loss(x, seed):
        return (x - best) ** 2

    plain = of(swept(loss, initial=2.0)).decade.mean
    shifted = of(swept(lambda x, s: loss(x, s) + shift, initial=2.0 + shift)).decade.mean
    scaled = of(swept(lambda x, s: loss(x, s) * scale, initial=2.0 * scale)).decade.mean
    assert shifted == pytest.approx(plain, abs=1e-9)
    assert scaled == pytest.approx(scale * plain)


@given(st.floats(0.05, 2), st.floats(0.05, 2), st.floats(1e-3, 1e3))
def test_a_steeper_curve_has_a_narrower_band_and_units_do_not_matter(one, other, unit):
    assume(abs(one - other) > 1e-6)

    def width(slope, unit=1.0):
        study = swept(lambda x, seed: unit * (1 + slope * x * x), initial=100.0 * unit)
        return of(study).band.decades.mean

    assert (width(one) >= width(other)) == (one <= other) or width(one) == width(other)
    assert width(one, unit) == pytest.approx(width(one))


def test_a_metric_that_is_maximized_mirrors_a_loss():
    study = swept(lambda x, seed: 0.3 + 0.2 * x * x, initial=0.9)
    one, other = of(study), of(mirrored(study))
    assert other.band.decades.mean == pytest.approx(one.band.decades.mean)  # a tenth more errors
    assert other.decade.mean == pytest.approx(one.decade.mean)
    assert other.rates.points[0].result == pytest.approx(0.5)


def test_an_accuracy_is_no_finer_than_an_example():
    # 20 examples: .05 is one of them. The best makes no error, so a tenth of its errors is nothing.
    study = mirrored(swept(lambda x, seed: 0.0 if x == 0 else 0.05 if abs(x) < 0.6 else 0.1))
    assert of(study).band.decades.mean < 0.1
    found = of(replace(study, task=replace(study.task, validation_examples=20))).band
    assert (found.low, found.high) == pytest.approx((10**-2.5, 10**-1.5))


# ---- of a search


def test_without_a_sweep_the_search_stands_in():
    rng = np.random.default_rng(0)
    trials = [trial(i, {"learning_rate": 10.0**-i}, flat(1.0 + i)) for i in range(4)]
    found = of(search_study(trials, initial=9.0))
    assert (found.rates.source, len(found.rates.points)) == ("search", 4)
    assert found.band is None  # four are too few
    assert found.decade is None
    grid = np.linspace(-3.5, -0.5, 13)
    trials = [
        trial(i, {"learning_rate": 10**x}, flat(1 + 0.2 * abs(x + 2)))
        for i, x in enumerate(rng.permutation(grid))
    ]
    found = of(search_study(trials)).band
    assert (found.low, found.high) == pytest.approx((10**-2.5, 10**-1.5))
    assert (found.decades.low, found.decades.high) == (None, None)


def test_what_the_others_spoil_does_not_narrow_a_search_s_band():
    good = [(x, 1 + 0.2 * abs(x + 2)) for x in np.linspace(-3.5, -0.5, 13)]
    spoiled = [(x + 0.05, 5.0) for x, _ in good] + [(x + 0.1, math.inf) for x, _ in good]
    trials = [
        trial(i, {"learning_rate": 10**x}, flat(y, 2) if y < 9 else [math.nan])
        for i, (x, y) in enumerate(good + spoiled)
    ]
    found = of(search_study(trials)).band
    clean = of(search_study(trials[:13])).band
    assert found.decades.mean <= clean.decades.mean
    assert found.decades.mean == pytest.approx(clean.decades.mean, abs=0.1)


def test_a_search_s_band_is_no_wider_than_the_true_one():
    """Where the momentum matters, so that a trial shows what its rate allows or worse."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(50):
        trials = []
        for i in range(40):
            x, m = rng.uniform(-4, 0), rng.uniform(0, 2)
            values = {"learning_rate": 10**x, "momentum": 1 - 10**-m}
            loss = 1 + 0.4 * (x + 2) ** 2 + 0.3 * (m - 1) ** 2
            trials.append(trial(i, values, flat(loss)))
        held += of(search_study(trials, SPACE)).band.decades.mean <= 1.1  # truly 1
    assert held >= 45


def test_a_rate_that_is_not_searched_has_no_curve():
    trials = [trial(i, {"learning_rate": 0.1, "momentum": 0.1 * i}, flat(1.0)) for i in range(9)]
    only = {"momentum": SPACE["momentum"]}
    assert of(search_study(trials, only)).rates is None
    assert of(search_study(trials, SPACE)).rates is None
