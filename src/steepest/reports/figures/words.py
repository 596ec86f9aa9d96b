"""What a caption may say of estimates: means and intervals, and no order that they do not show."""

from collections.abc import Mapping

from steepest.reports.summary import interval
from steepest.statistics import Estimate


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
    if len(known) == 1:
        return f"{ordered[0]}'s is {interval(low)}{unit}"
    text = f"runs from {ordered[0]}'s {interval(low)} to {ordered[-1]}'s {interval(high)}{unit}"
    if low.high is None or high.low is None:
        return f"{text} (no intervals)"
    return f"{text} (the intervals overlap)" if low.high >= high.low else text
