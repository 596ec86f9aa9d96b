"""The space an optimizer is searched in: where its search starts, and what lies next to a point."""

import math

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from planned import planned

from steepest.parse.contestant import contestants
from steepest.priors.start_lists import start_list
from steepest.rules import RULES
from steepest.search.search_space import NEAR, RATE, STARTS, STEPS, SearchSpace
from steepest.spaces import Choice, Float

_, SETTINGS = planned("SGD", 9)
LISTS = {name: start_list(name) for name in RULES if start_list(name)}
UNMEASURED = sorted(RULES.keys() - LISTS.keys())


def make_space(wanted, trials=8):
    (found,) = contestants(wanted, trials)
    return SearchSpace(found)


def starts(wanted, trials=8, settings=SETTINGS):
    return make_space(wanted, trials).starts(settings)


# Starts


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("trials", [1, 60])
def test_a_search_starts_at_the_rule_s_list(name, trials):
    """However few its trials: what the list has several values of is searched."""
    found = starts(name, trials)
    usual = make_space(name, trials).contestant.defaults()
    assert found == [pytest.approx({**usual, **entry}) for entry in LISTS[name]]
    assert {"SGD", "Adam", "RMSprop"} <= LISTS.keys()


@pytest.mark.parametrize("name", UNMEASURED)
def test_without_a_list_it_starts_at_the_default_and_a_decade_to_either_side(name):
    found = starts(name)
    usual = make_space(name).contestant.defaults()
    assert [one[RATE] / usual[RATE] for one in found] == pytest.approx([1.0, 0.1, 10.0])
    assert all({**one, RATE: 0} == {**usual, RATE: 0} for one in found)


@pytest.mark.parametrize("name", sorted(RULES))
def test_starts_are_configurations_and_no_two_are_the_same(name):
    one = make_space(name)
    found = one.starts(SETTINGS)
    for i, values in enumerate(found):
        assert set(values) == {*one.contestant.fixed, *one.ranges}
        for key, value in values.items():
            if key in RULES[name]:
                RULES[name].check(key, value)  # raises what is out of bounds
        assert not any(one.same(values, other) for other in found[:i])


def test_what_a_person_fixed_stays():
    for values in starts("Adam(beta_1=0.7)"):
        assert values["beta_1"] == 0.7
    for values in starts("SGD(learning_rate=0.3)"):
        assert values[RATE] == 0.3
    (alone,) = starts("SGD(learning_rate=0.3, momentum=0.5)")
    assert (alone[RATE], alone["momentum"]) == (0.3, 0.5)


@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_with_a_momentum_of_one_s_own_the_steps_stay_as_long(name, momentum):
    """With momentum μ a step goes on as 1/(1 − μ) steps."""
    found = starts(f"{name}(momentum={momentum})")
    listed = [entry[RATE] / (1 - entry["momentum"]) for entry in LISTS[name]]
    lengths = [values[RATE] / (1 - momentum) for values in found]
    assert lengths == pytest.approx(listed[: len(lengths)], rel=6e-3)  # rates have three digits


def test_beta_1_changes_no_rate_as_its_average_is_no_sum():
    found = starts("Adam(beta_1=0.5)")
    assert [one[RATE] for one in found] == [entry[RATE] for entry in LISTS["Adam"]]


def test_in_a_range_of_rates_that_a_person_gave_starts_are_spread_over_it():
    space = Float(1e-8, 1e-6, log=True)
    found = [values[RATE] for values in starts({"Adam": {RATE: space}})]
    assert found[0] == pytest.approx(1e-7)
    assert found[1] < found[0] < found[2]
    assert all(space.low <= rate <= space.high for rate in found)
    assert len(found) == len(set(found)) == 5


def test_in_other_ranges_that_a_person_gave_points_are_spread_from_the_default_on():
    one = make_space({"Adam": {"beta_2": Float(0.9, 0.9999, log=True, complement=True)}})
    found = one.starts(SETTINGS)
    assert found[0]["beta_2"] == 0.999
    assert len(found) == STARTS
    assert len({values["beta_2"] for values in found}) == STARTS
    assert all(0.9 <= values["beta_2"] <= 0.9999 for values in found)
    assert one.starts(SETTINGS) == found
    assert one.starts(planned("SGD", 9, seed=1)[1]) != found  # another seed, other points


def test_a_choice_of_rates_or_of_flags_starts_with_its_values():
    rates = [
        values[RATE] for values in starts({"SGD": {RATE: Choice((0.5, 0.1)), "momentum": 0.0}})
    ]
    assert rates == [0.5, 0.1]
    flags = starts({"Adam": {"amsgrad": Choice((False, True))}})
    assert {values["amsgrad"] for values in flags} == {False, True}
    assert not flags[0]["amsgrad"]  # the default first
    both = {"amsgrad": Choice((False, True)), "schedule": Choice(("constant", "cosine", "step"))}
    turns = [(values["schedule"], values["amsgrad"]) for values in starts({"Adam": both})]
    assert turns[0] == ("constant", False)
    assert len(set(turns[:6])) == 6  # each combination before any comes again
    (only,) = {values["amsgrad"] for values in starts({"Adam": {"amsgrad": Choice((True,))}})}
    assert only is True


# Neighbours


def test_another_schedule_is_tried_at_rates_of_its_own():
    space = make_space({"SGD": {"schedule": Choice(("constant", "cosine", "linear"))}})
    at = {**space.contestant.defaults(), RATE: 0.1, "schedule": "constant"}
    found = [(one["schedule"], one[RATE]) for one in space.scheduled(at)]
    assert found == [("cosine", 0.251), ("cosine", 0.1), ("linear", 0.251), ("linear", 0.1)]
    found = [(one["schedule"], one[RATE]) for one in space.scheduled({**at, "schedule": "linear"})]
    assert found == [("constant", 0.0398), ("constant", 0.1), ("cosine", 0.1)]
    assert not [*make_space("SGD").scheduled({RATE: 0.1, "schedule": "constant"})]


def test_learning_rates_next_to_one_have_no_bounds_of_ours():
    one = make_space("SGD")
    for rate in (1e-12, 0.01, 1e6):
        values = {**one.starts(SETTINGS)[0], RATE: rate}
        found = list(one.rates(values))
        away = [math.log10(each[RATE] / rate) for each in found]
        assert away == pytest.approx(STEPS, abs=2e-3)
        assert all(one.family(each, values) for each in found)


def test_ranges_that_a_person_gave_hold():
    space = Float(1e-3, 1e-2, log=True)
    one = make_space({"SGD": {RATE: space, "momentum": Float(0.0, 0.9)}})
    for values in one.starts(SETTINGS):
        every = [*one.rates(values), *one.rates(values, (-5.0, 5.0)), *one.aside(values)]
        assert every
        for each in every:
            assert space.low <= each[RATE] <= space.high
            assert 0.0 <= each["momentum"] <= 0.9


def test_a_choice_of_rates_has_its_other_values_as_neighbours():
    one = make_space({"SGD": {RATE: Choice((0.5, 0.1, 0.2))}})
    assert [each[RATE] for each in one.rates(one.starts(SETTINGS)[0])] == [0.5, 0.1, 0.2]


def test_a_rate_that_is_fixed_has_no_neighbours():
    one = make_space("SGD(learning_rate=0.1)")
    assert list(one.rates(one.starts(SETTINGS)[0])) == []


def test_aside_is_one_other_hyperparameter_at_a_time():
    one = make_space({"Adam": {"amsgrad": Choice((False, True))}})
    values = one.starts(SETTINGS)[1]
    seen = set()
    for each in one.aside(values):
        changed = {name for name in values if each[name] != values[name]}
        assert len(changed) <= 1
        assert RATE not in changed
        seen |= changed
    assert seen >= {"beta_1", "epsilon", "amsgrad"}


def test_another_momentum_keeps_the_length_of_steps_unless_the_rate_is_the_person_s():
    one = make_space("SGD")
    values = one.starts(SETTINGS)[0]
    length = values[RATE] / (1 - values["momentum"])
    moved = list(one.aside(values))
    assert {each["momentum"] for each in moved} - {values["momentum"]}
    for each in moved:
        assert each[RATE] / (1 - each["momentum"]) == pytest.approx(length, rel=1e-2)
    own = make_space({"SGD": {RATE: Float(1e-3, 1.0, log=True)}})
    values = own.starts(SETTINGS)[0]
    assert {each[RATE] for each in own.aside(values)} == {values[RATE]}


@pytest.mark.parametrize("name", sorted(RULES))
@given(data=st.data())
@example_settings(max_examples=10, deadline=None)
def test_neighbours_make_sense_however_far_a_search_walks(name, data):
    one = make_space(name, trials=60)
    values = data.draw(st.sampled_from(one.starts(SETTINGS)))
    for _ in range(6):
        near = [*one.rates(values), *one.aside(values)]
        values = data.draw(st.sampled_from(near))
        for key, value in values.items():
            RULES[name].check(key, value)  # raises what is out of bounds


# What is the same


def test_same_is_what_a_search_cannot_tell_apart():
    one = make_space("SGD")
    values = one.starts(SETTINGS)[0]
    rate = values[RATE]
    assert one.same(values, {**values, RATE: rate * 10 ** (0.9 * NEAR)})
    assert not one.same(values, {**values, RATE: rate * 10 ** (1.1 * NEAR)})
    assert not one.same(values, {**values, "momentum": 0.5})
    assert one.above({**values, RATE: 10 * rate}, values) == pytest.approx(1.0)
    assert one.above({**values, RATE: 0.0}, values) == math.inf


def test_a_family_differs_in_the_learning_rate_alone():
    one = make_space("SGD")
    values = one.starts(SETTINGS)[0]
    assert one.family(values, {**values, RATE: 100.0})
    assert not one.family(values, {**values, "nesterov": True})


def test_the_seed_of_a_configuration_is_the_search_s():
    one = make_space("SGD")
    config = one.config(one.starts(SETTINGS)[0], planned("SGD", 9, seed=3)[1])
    assert (config.rule, config.seed) == ("SGD", 3000)
