"""Means over seeds with Student's intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit  # Student's t, without the second that scipy.stats takes

ALPHA = 0.05  # of studies may name a winner that is not the best, or only one of several equal ones
ROUNDING = 1e-6  # relative; two losses in float32 that are closer are the same


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with an interval that holds the true mean with the stated confidence.

    `low` and `high` are None with fewer than two values, `mean` too where a value is not finite.
    """

    mean: float | None
    low: float | None
    high: float | None
    values: tuple[float, ...]

    @property
    def half_width(self) -> float | None:
        """Half the interval's length, which stands behind ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def __truediv__(self, unit: float) -> "Estimate":
        """Return the estimate in another unit, which is above 0."""
        mean, low, high = (
            None if end is None else end / unit for end in (self.mean, self.low, self.high)
        )
        return Estimate(mean, low, high, tuple(value / unit for value in self.values))

    def __neg__(self) -> "Estimate":
        """Return the estimate with its sign turned."""
        mean, low, high = (
            None if end is None else -end for end in (self.mean, self.high, self.low)
        )
        return Estimate(mean, low, high, tuple(-value for value in self.values))

    def clipped(self, low: float = 0.0, high: float = math.inf) -> "Estimate":
        """Return the estimate with an interval that ends where the quantity does, such as at 0."""
        ends = (self.mean, self.low, self.high)
        mean, below, above = (e if e is None else min(high, max(low, e)) for e in ends)
        return Estimate(mean, below, above, self.values)


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the mean of `values` with Student's interval: mean ± t · s/√n.

    Exact for normal values (Student 1908); tests check coverage at three to ten skewed ones.
    """
    known = tuple(float(v) for v in values)
    if not known or not all(math.isfinite(v) for v in known):
        return Estimate(None, None, None, known)
    mean, variance = moments(known)
    if len(known) < 2 or not math.isfinite(variance):
        return Estimate(mean, None, None, known)
    reach = float(stdtrit(len(known) - 1, 0.5 + confidence / 2)) * math.sqrt(variance / len(known))
    return Estimate(mean, mean - reach, mean + reach, known)


def moments(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and variance, which is 0 of one value and infinite beyond all floats."""
    try:
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) ** 2 for value in values)
    except OverflowError:  # of losses beyond 1e154
        mean, squares = math.fsum(value / len(values) for value in values), math.inf
    return mean, squares / max(1, len(values) - 1)
