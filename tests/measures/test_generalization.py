"""Gaps between training and validation, on hand-made studies with known answers."""

import math
from dataclasses import replace

import pytest
from curved import curved
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY, study_of

from steepest.measures.generalization import generalization
from steepest.measures.verdict import judge

SMALL = {"validation": (4, 2, 3), "training": (5, 2, 1)}
LARGE = {"validation": (4, 3, 3.5), "training": (5, 2, 0.5)}


def measured(study):
    return generalization(study, judge(study))


def test_the_gap_at_the_end():
    found = measured(curved(3, {"SGD": [SMALL, LARGE]}))["SGD"]
    assert found.gap.values == (2, 3)
    assert (found.training.values, found.validation.values) == ((1, 0.5), (3, 3.5))
    assert not found.measured
    assert found.test_gap is None
    assert found.best_epoch.values == (2, 2)
    assert found.overfit.values == (1, 0.5)
    assert found.overfit.low == 0  # the interval is (−2.4, 3.9) but for that
    assert found.best_epoch.high <= 3


def test_the_training_loss_that_was_measured_is_preferred():
    both = [{**one, "training_": {"loss": 0.25}, "test_": {"loss": 4.0}} for one in (SMALL, LARGE)]
    study = with_measured(curved(3, {"SGD": [SMALL, LARGE]}), both)
    found = measured(study)["SGD"]
    assert found.measured
    assert found.gap.values == (2.75, 3.25)
    assert found.test_gap.values == (3.75, 3.75)
    best = measured(replace(study, settings=replace(study.settings, at="best")))["SGD"]
    assert not best.measured
    assert best.gap.values == (0, 1)  # at the second epoch
    assert best.test_gap.values == (3.75, 3.75)  # at the end all the same
    one = with_measured(study, [both[0], {"training_": None, "test_": {"loss": 4.0}}])
    assert not measured(one)["SGD"].measured  # all seeds or none
    assert measured(one)["SGD"].test_gap.values == (3, 3.5)


def with_measured(study, each):
    trials = [
        replace(trial, training=one["training_"], test=one["test_"])
        for trial, one in zip(study.trials, each, strict=True)
    ]
    return replace(study, trials=tuple(trials))


def test_the_gap_at_equal_training_loss():
    fast = {"validation": (4, 2, 3), "training": (3, 1, 0.1)}
    slow = {"validation": (5, 3, 3), "training": (5, 3, 2)}
    found = measured(curved(3, {"Adam": [fast], "SGD": [slow]}))
    assert {one.level for one in found.values()} == {2}
    assert found["SGD"].at_equal.values == (1,)
    assert found["Adam"].at_equal.values == (1,)  # half-way between 3 and 1, so 3 − 2
    assert found["Adam"].gap.mean == pytest.approx(2.9)  # as it went further


def test_one_that_begins_below_the_level():
    runs = {"Adam": [{"validation": (1, 1), "training": (0.5, 0.1)}], "SGD": [(3, 2)]}
    found = measured(curved(2, runs))
    assert found["Adam"].level == 2
    assert found["Adam"].at_equal.values == (0.5,)


def test_diverged_seeds():
    broken = {"validation": (4, math.nan), "training": (4, math.nan)}
    found = measured(curved(3, {"Adam": [SMALL, broken, broken], "SGD": [SMALL, SMALL, SMALL]}))
    adam = found["Adam"]
    assert adam.level == 1  # which the diverged do not set
    assert adam.at_equal.mean is None
    for one in (adam.gap, adam.training, adam.validation, adam.overfit):
        assert one.mean is None
    assert found["SGD"].at_equal.mean == 2
    most = measured(curved(3, {"Adam": [SMALL, SMALL, broken], "SGD": [SMALL] * 3}))["Adam"]
    assert most.at_equal.values == (2, 2)
    alone = measured(curved(3, {"Adam": [broken], "SGD": [(math.nan,)]}))
    assert alone["Adam"].level is None
    assert alone["Adam"].at_equal is None


def test_a_metric_decides_at_its_best():
    study = curved(3, {"SGD": [SMALL, LARGE]}, decides="mae", maximize=True, at="best")
    assert measured(study)["SGD"].validation.values == (2, 3)


def test_hand_made_and_empty():
    assert measured(STUDY) == {}
    found = measured(study_of(SGD=[0.5], Adam=[math.inf]))
    assert found["SGD"].test_gap.values == (0.0,)
    assert found["Adam"].test_gap is None
    nothing = measured(curved(3, {"SGD": [()]}))["SGD"]
    assert (nothing.gap.mean, nothing.level, nothing.best_epoch.mean) == (None, None, None)


losses = st.lists(st.integers(1, 50).map(float), min_size=4, max_size=4)
runs = st.lists(st.tuples(losses, losses), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(runs, runs, st.sampled_from([-8.0, 4.0]))
def test_shifting_all_losses_changes_no_gap(sgd, adam, shift):
    def study(by):
        def moved(pairs):
            return [
                {"validation": [v + by for v in a], "training": [v + by for v in b]}
                for a, b in pairs
            ]

        return curved(4, {"SGD": moved(sgd), "Adam": moved(adam)})

    before, after = measured(study(0.0)), measured(study(shift))
    for name, one in before.items():
        other = after[name]
        assert other.level == one.level + shift
        for field in ("gap", "at_equal", "overfit", "best_epoch"):
            found = getattr(one, field).values
            assert getattr(other, field).values == pytest.approx(found)
        assert len(one.at_equal.values) == len(one.gap.values)  # every seed gets to the level


@settings(max_examples=40, deadline=None)
@given(runs, st.integers(1, 9))
def test_training_on_does_not_change_the_gap_at_equal_loss(pairs, less):
    """An optimizer that goes on below the level is compared where it passed it."""
    slow = [{"validation": a, "training": b} for a, b in pairs]
    further = [
        {"validation": [*a, a[-1] + less], "training": [*b, min(b) - less]} for a, b in pairs
    ]
    short = measured(curved(4, {"SGD": slow, "Adam": slow}))["Adam"]
    long = measured(curved(5, {"SGD": slow, "Adam": further}))["Adam"]
    assert long.level == short.level
    same = [
        (a, b)
        for a, b, (_, training) in zip(
            short.at_equal.values, long.at_equal.values, pairs, strict=True
        )
        if min(training) <= short.level
    ]
    assert all(a == b for a, b in same)
