"""Numbers for people, in all reports: means with their intervals, and single numbers.

An uncertainty has two significant digits, and its mean ends at the same place: 0.378 ± 0.021, and
6.4e+10 ± 1.2e+10. A number without one has four digits.
"""

import math
from collections.abc import Mapping

from steepest.statistics import ROUNDING, Estimate

MISSING = "–"
SMALL, LARGE = 1e-4, 1e6  # numbers beyond these are written with an exponent
GROUPED = 1e4  # from here on thousands are set apart by commas
TINY = 0.005  # of a difference, below which its interval says nothing to a person
LOPSIDED = 1e-3  # of the half-width by which the mean may lie off the middle, which is rounding


def with_interval(value: Estimate | None, unit: str = "", missing: str = MISSING) -> str:
    """Return a mean ± half its interval, to two digits of that.

    Where the interval is not symmetric, as it ends where the quantity does or is one of a ratio, it
    is "mean (low to high)". Where all seeds agree to rounding, there is nothing behind the mean.
    """
    if value is None or value.mean is None:
        return missing
    mean, reach = value.mean, value.half_width
    if value.low is None or value.high is None or reach is None or reach <= ROUNDING * abs(mean):
        return f"{number(mean)}{unit}"
    place = _exponent(reach, 2) - 1
    size = max(abs(mean), reach)
    if abs(value.high + value.low - 2 * mean) <= LOPSIDED * reach:
        return f"{_to(mean, place, size)}{unit} ± {_to(reach, place, size)}{unit}"
    low, high = _to(value.low, place, size), _to(value.high, place, size)
    return f"{_to(mean, place, size)}{unit} ({low} to {high}{unit})"


def percent(value: Estimate | None) -> str:
    """Return a share with its interval, in per cent."""
    return with_interval(None if value is None else value / 0.01, " %")


def share(value: Estimate | None) -> str:
    """Return a share with its interval in a sentence: in whole per cent where that says it all."""
    if value is None or value.mean is None:
        return MISSING
    mean, reach = value.mean * 100, value.half_width
    if reach is None or reach <= ROUNDING * abs(value.mean):
        return f"{number(mean, 2)} %"
    place = min(0, _exponent(100 * reach, 1))
    return f"{_to(mean, place, LARGE / 2)} % ± {_to(100 * reach, place, LARGE / 2)} %"


def difference(value: Estimate | None) -> str:
    """Return a difference in its own unit; an interval that changes nothing of it is left out."""
    if value is None or value.mean is None or value.half_width is None:
        return with_interval(value)
    fine = value.half_width < TINY * abs(value.mean)
    return number(value.mean, 3) if fine else with_interval(value)


def short_share(value: Estimate | None) -> str:
    """Return the same for a cell, where the sign of per cent stands once: 20 ± 4 %."""
    return share(value).replace(" % ± ", " ± ")


def as_times(value: Estimate) -> str:
    """Return what is more by a share of itself as how many times as much it is."""
    mean, reach = value.mean, value.half_width
    if mean is None or value.low is None or value.high is None:
        return f"{number(None if mean is None else mean + 1, 2)} times"
    if reach is None or reach < TINY * mean:  # an interval that says nothing to a person
        return f"{number(mean + 1, 2)} times"
    ends = (mean + 1, value.low + 1, value.high + 1)
    return f"{with_interval(Estimate(*ends, value.values))} times"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number without uncertainty in four digits, or fewer; a count below a million in all
    of its digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    if float(value).is_integer() and abs(value) < LARGE:
        return f"{value:,.0f}" if abs(value) >= GROUPED else f"{value:.0f}"
    rounded = float(f"{value:.{digits - 1}e}")
    size = abs(rounded)
    if SMALL <= size < LARGE:
        places = max(0, digits - 1 - _exponent(size, digits))
        text = f"{rounded:,.{places}f}" if size >= GROUPED else f"{rounded:.{places}f}"
        return text.rstrip("0").rstrip(".") if places else text
    return f"{rounded:.{digits}g}"


def span(values: Mapping[str, Estimate], unit: str = "") -> str:
    """Return the lowest and the highest mean, with whether their intervals overlap.

    Empty where no mean is known. That intervals overlap does not make two equal; that they do not
    is more than a 95 % test of the pair asks for.
    """
    known = {name: one for name, one in values.items() if one.mean is not None}
    if not known:
        return ""
    ordered = sorted(known, key=lambda name: known[name].mean or 0.0)
    low, high = known[ordered[0]], known[ordered[-1]]
    lowest, highest = with_interval(low), with_interval(high)
    if len(known) == 1:
        return f"{ordered[0]}'s is {lowest}{unit}"
    text = f"runs from {ordered[0]}'s {lowest} to {ordered[-1]}'s {highest}{unit}"
    if low.high is None or high.low is None:
        return f"{text} (no intervals)"
    return f"{text} (the intervals overlap)" if low.high >= high.low else text


def _exponent(value: float, digits: int) -> int:
    """Return the power of ten of the first digit, once rounded to so many digits."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def _to(value: float, place: int, size: float) -> str:
    """Return a number that ends at the digit of 10**place, among numbers of this size."""
    rounded = round(value, -place) + 0.0  # no -0
    if SMALL <= size < LARGE:
        digits = max(0, -place)
        return f"{rounded:,.{digits}f}" if abs(rounded) >= GROUPED else f"{rounded:.{digits}f}"
    if not rounded:
        return "0"
    return f"{rounded:.{max(0, _exponent(abs(rounded), 17) - place)}e}"
