"""Student's interval knows no bounds, but some quantities do."""

import math

from steepest.statistics import Estimate


def within(found: Estimate, low: float = 0.0, high: float = math.inf) -> Estimate:
    """Return an estimate whose interval ends where the quantity itself does; it covers as often."""
    mean, below, above = (
        None if end is None else min(high, max(low, end))
        for end in (found.mean, found.low, found.high)
    )
    return Estimate(mean, below, above, found.values)
