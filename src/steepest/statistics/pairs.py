"""A pair: a contestant's difference to the leader, seed by seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from steepest.statistics.estimates import ROUNDING, Estimate, moments

# Seeds from which on runs that are equal but for rounding are as good. They have no spread that
# says what another seed may do: two that differ in one seed of four are equal in ten of a hundred
# such studies at eight seeds, and in more than forty at three.
EQUAL = 8


@dataclass(frozen=True)
class Pair:
    """A contestant's difference to the leader over the seeds that both have.

    Seed by seed with Student's t (Student 1908): what a seed does to both cancels, and nothing is
    assumed of the noise being alike. At two seeds a paired t has one degree of freedom and finds
    next to nothing; there the two are compared as if unpaired (Welch 1947), which has up to two,
    and errs on the safe side where seeds have effects in common.
    """

    differences: tuple[float, ...]
    mean: float
    error: float  # the standard error of the mean
    freedom: float  # degrees of freedom
    scale: float  # the leader's mean
    equal: bool = False  # but for rounding on each seed, while the seeds themselves differ

    @classmethod
    def of(cls, other: Sequence[float], leader: Sequence[float]) -> "Pair":
        """Compare the seeds in common, of which there must be one."""
        n = min(len(other), len(leader))
        a, b = other[:n], leader[:n]
        differences = tuple(x - y for x, y in zip(a, b, strict=True))
        mean, variance = moments(differences)
        scale, of_leader = moments(b)
        freedom = n - 1.0
        if n == 2:
            both = of_leader + moments(a)[1]
            # Welch's degrees of freedom, for two means of as many values.
            squares = of_leader**2 + moments(a)[1] ** 2
            variance, freedom = both, both**2 / squares if squares > 0 else 1.0
        # Runs that no seed changes have no spread, and equal ones differ by rounding alone.
        if abs(mean) <= ROUNDING * abs(scale):
            mean = 0.0
        equal = max(map(abs, differences)) <= ROUNDING * abs(scale)
        if equal:
            variance = 0.0
        varied = max(b) - min(b) > ROUNDING * abs(scale)
        error = math.sqrt(variance / n)
        return cls(differences, mean, error, freedom, scale, equal and varied)

    def reach(self, level: float) -> float:
        """Return half the length of the interval whose two ends are each passed with `level`."""
        if self.freedom >= 1 and self.error == 0:
            return 0.0  # no seed changes the difference
        if self.freedom < 1 or level <= 0:
            return math.inf
        return float(stdtrit(self.freedom, 1 - level)) * self.error

    def interval(self, level: float) -> Estimate:
        """Return the difference with that interval."""
        reach = self.reach(level)
        if not math.isfinite(reach):
            return Estimate(self.mean, None, None, self.differences)
        return Estimate(self.mean, self.mean - reach, self.mean + reach, self.differences)

    def worse(self, level: float, margin: float) -> bool:
        """Tell whether it is worse than the leader, and by as much as matters."""
        return self.mean > 0 and self.mean >= margin and self.mean > self.reach(level)

    def same(self, level: float, margin: float) -> bool:
        """Tell whether the whole interval lies within what does not matter.

        These are two one-sided tests (Schuirmann 1987).
        """
        if self.equal and len(self.differences) < EQUAL:
            return False
        return abs(self.mean) + self.reach(level) <= max(margin, ROUNDING * abs(self.scale))

    def chance(self, level: float, seeds: int, margin: float) -> float:
        """Return the probability that it is settled, either way, if judged again at `seeds`.

        That is the predictive probability after the differences so far, with a flat prior: the
        mean of all is then Student's, around today's mean, with variance s² (1/n − 1/seeds).
        """
        n = len(self.differences)
        if n < 2 or seeds < n or (self.equal and seeds < EQUAL):
            return 0.0
        reach = float(stdtrit(seeds - 1, 1 - level)) * self.error * math.sqrt(n / seeds)
        spread = self.error * math.sqrt(1 - n / seeds)

        def within(limit: float) -> float:
            """Return the probability that the mean lies within ± `limit`."""
            if limit < 0:
                return 0.0
            if not 0 < spread < math.inf:
                return float(abs(self.mean) <= limit)
            high, low = (limit - self.mean) / spread, (-limit - self.mean) / spread
            return float(stdtr(self.freedom, high) - stdtr(self.freedom, low))

        return 1 - within(max(margin, reach)) + within(margin - reach)
