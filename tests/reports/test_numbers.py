"""Numbers for people: two digits of their uncertainty, and no order that intervals do not show."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.reports.numbers import number, percent, span, with_interval
from steepest.statistics import Estimate, estimate


def one(mean, reach):
    return Estimate(mean, mean - reach, mean + reach, ())


@pytest.mark.parametrize(
    ("mean", "reach", "text"),
    [
        (0.378, 0.0213, "0.378 ± 0.021"),
        (0.378, 0.0996, "0.38 ± 0.10"),
        (63917770752.0, 12432079245.503, "6.4e+10 ± 1.2e+10"),
        (-7671420928.0, 1381810540.0, "-7.7e+09 ± 1.4e+09"),
        (3.0e-7, 2.1e-8, "3.00e-07 ± 2.1e-08"),
        (12345.6, 321.0, "12,350 ± 320"),
        (1e8, 3e10, "0 ± 3.0e+10"),
        (-0.0004, 0.5, "0.00 ± 0.50"),
        (2.0, 0.0, "2"),
        (0.512345, 1e-9, "0.5123"),
    ],
)
def test_a_mean_ends_where_its_uncertainty_does(mean, reach, text):
    assert with_interval(one(mean, reach)) == text


def test_an_interval_that_is_cut_is_given_by_its_ends():
    cut = estimate([0.0, 0.1, 0.5]).clipped()
    assert with_interval(cut) == "0.20 (0.00 to 0.86)"
    assert with_interval(cut, " ms") == "0.20 ms (0.00 to 0.86 ms)"
    assert percent(cut) == "20 % (0 to 86 %)"
    assert with_interval(estimate([0.4, 0.5]).clipped(), missing="none") == "0.45 (0.00 to 1.09)"


def test_what_is_not_known():
    assert with_interval(None) == with_interval(Estimate(None, None, None, ())) == "–"
    assert percent(None) == number(None) == number(math.nan) == number(math.inf) == "–"
    assert with_interval(Estimate(0.123456, None, None, (0.123456,))) == "0.1235"


@given(st.floats(-1e30, 1e30, allow_subnormal=False), st.floats(1e-30, 1e30, allow_subnormal=False))
def test_both_numbers_read_back_to_two_digits_of_the_uncertainty(mean, reach):
    text = with_interval(one(mean, reach))
    if "±" not in text:
        return  # smaller than rounding
    first, second = (float(part.replace(",", "")) for part in text.split(" ± "))
    half = (one(mean, reach).high - one(mean, reach).low) / 2
    assert second == float(f"{half:.1e}")
    place = 10.0 ** (math.floor(math.log10(second) + 1e-9) - 1)
    assert abs(first - mean) <= 0.51 * place + 1e-15 * abs(mean)
    assert len(re.sub(r"e.*|\D", "", text.split(" ± ")[1]).strip("0")) <= 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (114883602624230.0, "1.149e+14"),
        (0.5, "0.5"),
        (12345.0, "12,345"),
        (12345.6, "12,350"),
        (0.00031234, "0.0003123"),
        (0.000031234, "3.123e-05"),
        (0.0, "0"),
        (-3.14159, "-3.142"),
    ],
)
def test_a_number_alone_has_four_digits(value, text):
    assert number(value) == text


@given(st.floats(-1e12, 1e12))
def test_a_number_alone_is_right_to_four_digits(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=5.01e-4, abs=1e-300)


def test_clear_ones_are_ordered():
    assert (
        span({"A": one(2, 0.1), "B": one(1, 0.1)}) == "runs from B's 1.00 ± 0.10 to A's 2.00 ± 0.10"
    )


def test_overlap_is_said():
    assert span({"A": one(2, 1), "B": one(1, 1)}, " ms").endswith(
        "2.0 ± 1.0 ms (the intervals overlap)"
    )


def test_one_and_none():
    assert span({"A": one(2, 1)}) == "A's is 2.0 ± 1.0"
    assert span({"A": Estimate(None, None, None, ())}) == ""
    single = Estimate(1.0, None, None, (1.0,))
    assert span({"A": single, "B": one(2, 1)}).endswith("(no intervals)")
