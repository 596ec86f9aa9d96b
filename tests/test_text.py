"""Hyperparameters as text: no digits of single precision, and the same training."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.codegen.spelling import literal
from steepest.text import listed, many, setting, shortest


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0010000000474974513, "0.001"),  # 1e-3 in float32
        (9.999999747378752e-05, "0.0001"),
        (1e-7, "1e-07"),
        (0.9, "0.9"),
        (0.999, "0.999"),
        (0.1 + 0.2, "0.3"),
        (0.0036482910342116, "0.003648291"),
        (0.0, "0.0"),
        (1e300, "1e+300"),
        (1e-60, "1e-60"),
        (3.0526096500000004e16, "3.0526096e+16"),  # its neighbour below, as the one above differs
    ],
)
def test_digits_that_change_nothing_are_left_out(value, text):
    assert shortest(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_in_single_precision_it_is_the_same_and_so_is_its_distance_from_1(value):
    read = float(shortest(value))
    with np.errstate(over="ignore"):
        assert np.float32(read) == np.float32(value)
        assert np.float32(1 - read) == np.float32(1 - value)
    assert len(shortest(value)) <= len(repr(value))
    assert shortest(read) == shortest(value)


@given(st.floats(0.9, 1, exclude_max=True))
def test_a_beta_keeps_its_distance_from_1(value):
    assert 1 - float(shortest(value)) == pytest.approx(1 - value, rel=1.2e-7)


def test_source_gives_the_value():
    assert literal(0.0010000000474974513) == "0.001"
    assert literal(math.inf) == "float('inf')"
    assert literal([1, 0.10000000149011612]) == "[1, 0.1]"
    assert literal(True) == "True"


def test_counts_and_lists_in_words():
    assert (many(1, "epoch"), many(2000, "epoch")) == ("1 epoch", "2,000 epochs")
    assert listed(["A"]) == "A"
    assert listed(["A", "B", "C"]) == "A, B and C"


def test_a_hyperparameter_is_written_as_a_person_writes_it():
    cases = {0.0010000000474974513: "0.001", 1e-7: "1e-7", 0.99912345: "0.999123", 0.5: "0.5"}
    assert {value: setting(value) for value in cases} == cases
    assert [setting(v) for v in (True, 32, "cosine", math.inf)] == ["True", "32", "cosine", "∞"]
