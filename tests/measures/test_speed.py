"""Times to a target: known answers, lifelines, and what must not change them."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from curved import curved
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY

import steepest
from steepest.errors import InputError
from steepest.measures.cost import cost
from steepest.measures.generalization import generalization
from steepest.measures.kaplan_meier import median_time
from steepest.measures.speed import speeds
from steepest.measures.spending import spent
from steepest.measures.verdict import judge
from steepest.records import Outcome

DATA = Path(__file__).parents[1] / "formats"
FAST, SLOW = (4, 2, 1, 1), (4, 3, 2, 1)


def measured(study, **more):
    return speeds(study, judge(study), **more)


def test_the_first_evaluation_as_good_as_the_target():
    study = curved(4, {"SGD": [SLOW, SLOW], "Adam": [{"validation": FAST, "seconds": 2.0}] * 2})
    found = measured(study)
    assert (found.target.value, found.target.reference, found.reference) == (1, "SGD", "SGD")
    sgd, adam = found.optimizers["SGD"], found.optimizers["Adam"]
    assert (sgd.steps.values, adam.steps.values) == ((40, 40), (30, 30))
    assert adam.epochs.values == (3, 3)
    assert adam.seconds.values == (1.5, 1.5)
    assert adam.steps.reached == (True, True)
    assert adam.steps.median == 30
    assert adam.steps.mean.mean == 30
    assert sgd.area.mean == pytest.approx((3.5 + 2.5 + 1.5) / 3)
    assert (adam.ratio.estimate.mean, adam.ratio.bound) == (pytest.approx(4 / 3), "")
    assert sgd.ratio is None


def test_a_target_of_ones_own():
    study = curved(4, {"SGD": [SLOW], "Adam": [FAST]})
    found = measured(study, target=2)
    assert (found.target.value, found.target.reference) == (2.0, None)
    assert found.optimizers["SGD"].epochs.values == (3,)
    assert found.optimizers["Adam"].ratio.estimate.mean == pytest.approx(1.5)
    assert found.optimizers["Adam"].ratio.estimate.low is None
    other = measured(study, target=2, reference="Adam")
    assert other.optimizers["SGD"].ratio.estimate.mean == pytest.approx(2 / 3)
    assert other.optimizers["Adam"].ratio is None


@pytest.mark.parametrize("target", [math.nan, math.inf, "0.1", True])
def test_a_target_is_a_number(target):
    with pytest.raises(InputError, match="finite number"):
        measured(curved(4, {"SGD": [SLOW]}), target=target)


def test_a_reference_took_part():
    with pytest.raises(InputError, match="did you mean Adam"):
        measured(curved(4, {"SGD": [SLOW], "Adam": [FAST]}), reference="Adm")


def test_the_reference_is_the_baseline_then_sgd_then_the_first():
    runs = {"Adam": [FAST], "SGD": [SLOW], "mine": [SLOW]}
    assert measured(curved(4, runs, {"mine": {"baseline": True}})).reference == "mine"
    assert measured(curved(4, runs)).reference == "SGD"
    diverged = {**runs, "SGD": [(4, math.nan)]}
    other = {name: {"rule": "Adam"} for name in ("Adam", "mine")}
    assert measured(curved(4, diverged, other)).reference == "Adam"


def test_runs_that_never_reach_it_are_censored_at_the_end_and_diverged_ones_too():
    runs = {
        "SGD": [SLOW] * 3,
        "Adam": [FAST, (4, 3, 3, 3), {"validation": (4, math.nan), "seconds": 1.0}],
    }
    adam = measured(curved(4, runs)).optimizers["Adam"]
    assert adam.steps.values == (30, 40, 40)
    assert adam.steps.reached == (True, False, False)
    assert adam.seconds.values == (0.75, 1.0, 2.0)  # at the diverged run's own rate
    assert adam.steps.median is None
    assert adam.steps.mean.mean == pytest.approx(110 / 3)
    assert adam.steps.mean.high == 40  # nobody trains longer
    assert adam.area.mean is None


def test_a_run_that_diverges_later_has_reached_it():
    runs = {"SGD": [SLOW], "Adam": [(4, 1, math.inf)]}
    adam = measured(curved(4, runs)).optimizers["Adam"]
    assert (adam.steps.values, adam.steps.reached) == ((20,), (True,))


@pytest.mark.parametrize(
    ("sgd", "adam", "bound"),
    [
        ((SLOW, SLOW), (FAST, FAST), ""),
        ((SLOW, SLOW), (FAST, (4, 4, 4, 4)), "at most"),
        ((SLOW, (4, 4, 4, 4)), (FAST, FAST), "at least"),
        ((SLOW, (4, 4, 4, 4)), (FAST, (4, 4, 4, 4)), "unknown"),
        ((SLOW, (4, 4, 4, 4)), ((4, 4, 4, 4), FAST), "unknown"),
    ],
)
def test_ratios_are_bounds_where_a_seed_never_got_there(sgd, adam, bound):
    ratio = measured(curved(4, {"SGD": sgd, "Adam": adam}), target=1).optimizers["Adam"].ratio
    assert ratio.bound == bound
    assert (ratio.estimate.mean is None) == (bound == "unknown")
    assert (ratio.estimate.low is None) == (bound != "")


def test_a_ratio_of_medians_where_half_of_the_reference_reached_its_own_median():
    worse = (4, 4, 3, 2)
    found = measured(curved(4, {"SGD": [SLOW, SLOW, worse], "Adam": [FAST] * 3}))
    adam, sgd = found.optimizers["Adam"], found.optimizers["SGD"]
    assert sgd.steps.reached == (True, True, False)
    assert adam.ratio.bound == "at least"
    assert (adam.medians, sgd.medians) == (pytest.approx(40 / 30), None)
    never = measured(curved(4, {"SGD": [SLOW], "Adam": [worse]})).optimizers["Adam"]
    assert (never.medians, never.ratio.bound) == (None, "at most")


def test_ratios_are_over_common_seeds_and_geometric():
    runs = {"SGD": [(1, 1, 1, 1), SLOW, SLOW], "Adam": [SLOW, (1, 1, 1, 1)]}
    ratio = measured(curved(4, runs), target=1).optimizers["Adam"].ratio
    assert ratio.estimate.values == (0.25, 4.0)
    assert ratio.estimate.mean == pytest.approx(1)
    assert ratio.estimate.low == pytest.approx(1 / ratio.estimate.high)


def test_larger_may_be_better():
    low, high = ((4, 3, 2, 1), (4, 2, 1, 1))  # the metric is minus the loss
    study = curved(4, {"SGD": [low], "Adam": [high]}, decides="mae", maximize=True, at="best")
    found = measured(study)
    assert found.target.value == -1
    assert found.optimizers["Adam"].epochs.values == (3,)
    assert found.optimizers["Adam"].area.mean < 0


def test_nan_never_reaches_it():
    study = curved(4, {"SGD": [SLOW], "Adam": [(math.nan, -math.inf, 1, 1)]})
    assert measured(study).optimizers["Adam"].epochs.values == (3,)


def test_nothing_to_measure():
    assert measured(STUDY).optimizers == {}
    assert measured(STUDY).target is None
    assert measured(STUDY, reference="SGD").reference is None
    found = measured(curved(4, {"SGD": [(math.nan,)], "Adam": [(4, math.inf)]}))
    assert found.target is None
    assert found.optimizers["SGD"].steps.values == ()
    assert found.optimizers["SGD"].ratio is None
    no_end = measured(curved(4, {"SGD": [(math.nan,)], "Adam": [FAST]}), reference="SGD")
    assert no_end.target is None


def test_what_is_still_in_training_is_left_out():
    study = curved(4, {"SGD": [SLOW, SLOW], "Adam": [FAST, FAST]})
    *rest, last = study.trials
    study = replace(study, trials=(*rest, replace(last, outcome=Outcome.UNFINISHED)))
    assert len(measured(study).optimizers["Adam"].steps.values) == 1


@pytest.mark.parametrize("version", [1, 3])
def test_files_of_older_formats(version):
    found = measured(steepest.read(str(DATA / f"study-format-{version}.db")).record)
    assert found.reference == "SGD"
    for one in found.optimizers.values():
        assert len(one.steps.values) == 2


curve = st.lists(st.integers(-50, 50).map(float), min_size=5, max_size=5)
two = st.lists(curve, min_size=1, max_size=5)


def times(found):
    return {name: (one.steps, one.seconds) for name, one in found.optimizers.items()}


@settings(max_examples=40, deadline=None)
@given(two, two, st.sampled_from([-8.0, 0.0, 16.0]), st.sampled_from([0.5, 1.0, 4.0]))
def test_moved_or_scaled_curves_take_as_long(sgd, adam, shift, scale):
    def moved(curves):
        return [[scale * value + shift for value in curve] for curve in curves]

    study = curved(5, {"SGD": sgd, "Adam": adam})
    other = curved(5, {"SGD": moved(sgd), "Adam": moved(adam)})
    found, again = measured(study), measured(other)
    assert times(found) == times(again)
    assert again.target.value == pytest.approx(scale * found.target.value + shift)
    for name, one in found.optimizers.items():
        area = again.optimizers[name].area.mean
        assert area == pytest.approx(scale * one.area.mean + shift)
        assert one.ratio == again.optimizers[name].ratio


@settings(max_examples=40, deadline=None)
@given(two, st.integers(-50, 50), st.lists(st.integers(0, 9), min_size=5, max_size=5))
def test_a_lower_curve_is_there_no_later(curves, target, less):
    lower = [[v - d for v, d in zip(curve, less, strict=True)] for curve in curves]
    found = measured(curved(5, {"A": curves, "B": lower}), target=target).optimizers
    pairs = zip(found["B"].steps.values, found["A"].steps.values, strict=True)
    assert all(b <= a for b, a in pairs)
    assert found["B"].area.mean <= found["A"].area.mean
    if found["A"].steps.median is not None:
        assert found["B"].steps.median <= found["A"].steps.median


@settings(max_examples=40, deadline=None)
@given(two.flatmap(lambda curves: st.tuples(st.just(curves), st.permutations(curves))))
def test_the_order_of_seeds_changes_nothing(both):
    found, again = (measured(curved(5, {"SGD": curves})) for curves in both)
    assert found.target == again.target
    one, other = found.optimizers["SGD"].steps, again.optimizers["SGD"].steps
    assert (one.median, one.low, one.high) == (other.median, other.low, other.high)
    assert one.mean.mean == pytest.approx(other.mean.mean)
    assert sorted(one.values) == sorted(other.values)


@settings(max_examples=40, deadline=None)
@given(two, st.integers(-60, 60), st.sets(st.integers(0, 4)))
def test_nobody_is_dropped(curves, target, diverged):
    curves = [[*curve[:2], math.nan] if i in diverged else curve for i, curve in enumerate(curves)]
    found = measured(curved(5, {"SGD": curves}), target=target).optimizers["SGD"]
    assert len(found.steps.values) == len(found.steps.reached) == len(curves)
    for value, reached in zip(found.steps.values, found.steps.reached, strict=True):
        assert value <= 50
        assert reached or value == 50


anything = st.lists(
    st.sampled_from([1.0, 2.0, -3.0, 0.0, math.nan, math.inf, -math.inf]), min_size=1, max_size=4
)
some = st.lists(anything, max_size=3)


@settings(max_examples=100, deadline=None)
@given(some, some, st.sampled_from(["end", "best"]), st.booleans(), st.booleans())
def test_whatever_is_in_the_curves_nothing_fails(sgd, adam, at, maximize, finished):
    study = curved(4, {"SGD": sgd, "<b>": adam}, at=at, decides="mae" if maximize else "loss")
    study = replace(study, settings=replace(study.settings, maximize=maximize), finished=finished)
    verdict = judge(study)
    found = speeds(study, verdict).optimizers
    assert list(found) == [n for n, one in verdict.standings.items() if one.seeds]
    assert list(generalization(study, verdict)) == list(cost(study, verdict)) == list(found)
    spent(study)


times_and_events = st.lists(
    st.tuples(st.integers(1, 12).map(float), st.booleans()), min_size=1, max_size=12
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(times_and_events)
def test_the_median_and_its_limits_are_those_of_lifelines(pairs):
    lifelines = pytest.importorskip("lifelines", reason="the oracle, lifelines, is not installed")
    from lifelines.utils import median_survival_times

    values, happened = zip(*pairs, strict=True)
    found = median_time(values, happened)
    fitted = lifelines.KaplanMeierFitter().fit(values, happened)
    survival = fitted.survival_function_.iloc[:, 0]
    # Where nobody is left the limits are not defined; lifelines has 0 there, SciPy and R nothing.
    limits = fitted.confidence_interval_[survival > 0]
    curves = [fitted.survival_function_, limits.iloc[:, [0]], limits.iloc[:, [1]]]
    if any((abs(one - 0.5) < 1e-9).any().any() for one in curves):
        return  # rounding decides there
    expected = [float(median_survival_times(one)) for one in curves]
    got = [found.median, found.low, found.high]
    assert [math.inf if time is None else time for time in got] == expected


def test_known_medians():
    assert median_time([], []).median is None
    assert median_time([3.0], [True]).median == 3
    assert median_time([3.0], [False]).median is None
    six = median_time([1.0, 2, 3, 4, 5, 6], [True] * 6)  # 5/6 · 4/5 · 3/4 is a half
    assert six.median == 3
    assert six.low == 1
    # 14/15 · 13/14 · … · 9/10 · 5/6 is a half; in floating point it is above.
    happened = [*[True] * 6, *[False] * 3, *[True] * 3, False, True, False]
    assert median_time([float(i) for i in range(1, 16)], happened).median == 10
