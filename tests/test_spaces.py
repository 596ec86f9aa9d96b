"""A space maps the unit interval onto its range, and says what it cannot be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.errors import InputError
from steepest.spaces import Choice, Float, from_dict, to_dict

SPACES = [
    Float(1e-4, 1e-1, log=True),
    Float(0.0, 0.99, log=True, complement=True),
    Float(-2.0, 3.0),
    Float(0.5, 0.9, complement=True),
]


@pytest.mark.parametrize("space", SPACES)
@given(unit=st.floats(0, 1))
def test_position_is_the_inverse_of_at(space, unit):
    value = space.at(unit)
    assert space.low <= value <= space.high
    assert space.position(value) == pytest.approx(unit, abs=1e-9)


@pytest.mark.parametrize("space", SPACES)
def test_the_ends_are_reached(space):
    assert {space.at(0), space.at(1)} == {space.low, space.high}


def test_the_scale_of_momentum_spreads_nines_evenly():
    space = Float(0.9, 0.999, log=True, complement=True)
    assert space.at(0.5) == pytest.approx(0.99)


@given(unit=st.floats(0, 1))
def test_a_choice_gives_one_of_its_values(unit):
    assert Choice((1, 2, 3)).at(unit) in (1, 2, 3)


@pytest.mark.parametrize("space", [*SPACES, Choice((True, False)), Choice((0.9, 0.99))])
def test_a_space_comes_back_from_its_dictionary(space):
    assert from_dict(to_dict(space)) == space


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Float(1, 1), "empty"),
        (lambda: Float(2, 1), "empty"),
        (lambda: Float(0, math.inf), "empty"),
        (lambda: Float(math.nan, 1), "empty"),
        (lambda: Float(0, 1, log=True), "above 0"),
        (lambda: Float(0, 1, log=True, complement=True), "below 1"),
        (lambda: Choice(()), "at least one"),
    ],
)
def test_an_impossible_range_is_said(make, said):
    with pytest.raises(InputError, match=said):
        make()
