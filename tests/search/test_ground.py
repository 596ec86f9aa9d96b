"""The box an optimizer is searched in: what is where, and when it grows."""

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from steepest.question import make_question
from steepest.rules import RULES
from steepest.rules.contestant import contestants
from steepest.search.ground import Ground
from steepest.spaces import Choice, Float


def ground(wanted, trials=60):
    (found,) = contestants(wanted, trials)
    return Ground(found)


GROUNDS = [
    ground("SGD"),
    ground("RMSprop"),
    ground("Adam"),
    ground("SGD(momentum=0.9)"),
    ground({"Adam": {"amsgrad": Choice((False, True)), "learning_rate": Float(0.1, 0.5)}}),
    ground({"SGD": {"learning_rate": Float(1e-3, 1.0, log=True)}}),
]


@pytest.mark.parametrize("one", GROUNDS, ids=lambda one: one.contestant.name)
@given(data=st.data())
@example_settings(max_examples=30, deadline=None)
def test_a_point_is_the_inverse_of_its_values(one, data):
    point = [data.draw(st.floats(0, 1)) for _ in one.space]
    values = one.values(point)
    assert set(values) == {*one.contestant.fixed, *one.space}
    back = one.values(one.point(values))
    assert back == pytest.approx(values, rel=1e-6, abs=1e-9)
    for u, v, space in zip(point, one.point(values), one.space.values(), strict=True):
        if isinstance(space, Float):
            assert v == pytest.approx(u, abs=1e-6)


def test_the_range_of_our_learning_rate_is_that_of_the_step_with_momentum():
    one = ground("SGD")
    assert one.effective
    range_ = one.space["learning_rate"]
    for u in (0.0, 0.3, 1.0):
        for v in (0.0, 0.5, 1.0):
            values = one.values([u, v])
            assert values["learning_rate"] / (1 - values["momentum"]) == pytest.approx(range_.at(u))
    assert ground("SGD(momentum=0.9)").effective  # a momentum that is fixed counts too
    assert not ground("Adam").effective  # its momentum is an average
    assert not ground({"SGD": {"learning_rate": Float(1e-3, 1.0, log=True)}}).effective


def test_a_point_knows_what_lies_outside():
    one = ground("RMSprop")
    values = {**one.values([0.5] * len(one.space)), "epsilon": 1e6}
    assert one.point(values)[list(one.space).index("epsilon")] > 1
    assert one.point({**values, "centered": True}) is None
    few = ground("RMSprop", trials=1)
    assert few.point({**few.values([0.5]), "epsilon": 1e6}) is None


def test_a_rung_s_own_horizon_is_no_other_place():
    one = ground("SGD(schedule='cosine')")
    values = one.values([0.5, 0.5])
    assert one.point({**values, "decay_steps": 10.0}) == one.point(values)
    theirs = ground("SGD(schedule='cosine',decay_steps=50)")
    assert theirs.point(theirs.values([0.5, 0.5])) == pytest.approx([0.5, 0.5])


def test_spread_starts_at_the_framework_s_defaults():
    _, settings = make_question("SGD", 9, trials=20)
    one = ground("SGD")
    points = one.spread(settings)
    assert len(points) == settings.trials
    assert points[0] == {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    assert all(points.count(values) == 1 for values in points)
    assert one.spread(settings) == points


def test_an_edge_is_a_place_to_grow():
    one = ground("SGD")
    assert one.edges([0.5, 0.5]) == {}
    assert one.edges([0.99, 0.5]) == {"learning_rate": True}
    assert one.edges([0.01, 0.99]) == {"learning_rate": False, "momentum": True}
    before = one.space["learning_rate"]
    one.expand("learning_rate", upper=True)
    after = one.space["learning_rate"]
    assert (after.low, after.log) == (before.low, True)
    assert after.high > 3 * before.high


def test_below_a_momentum_of_zero_there_is_nothing():
    one = ground("SGD")
    lower = {"momentum": False}
    assert one.space["momentum"].at(0.0) in (0.0, one.space["momentum"].high)
    ends = [one.edges([0.5, u]) for u in (0.0, 1.0)]
    assert lower not in ends
    assert {} in ends


def test_what_a_person_gave_never_grows():
    given_ = {"learning_rate": Float(1e-3, 1.0, log=True), "momentum": Float(0.0, 0.9)}
    one = ground({"SGD": given_})
    for point in ([0.0, 0.0], [1.0, 1.0]):
        assert one.edges(point) == {}


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Lion"])
@pytest.mark.parametrize("upper", [False, True])
def test_ranges_stop_at_the_bounds_of_what_makes_sense(name, upper):
    one = ground(name)
    for key in one.space:
        for _ in range(4):
            one.expand(key, upper)
        space, (low, high) = one.space[key], RULES[name].bounds[key]
        assert max(low, 0.0) <= space.low < space.high < high
