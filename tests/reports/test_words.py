"""Captions say no order that the intervals do not show."""

from steepest.reports.figures.words import span
from steepest.statistics import Estimate


def one(mean, reach):
    return Estimate(mean, mean - reach, mean + reach, ())


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
