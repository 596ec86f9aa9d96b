"""Means with their intervals, and the race: who is best, or who cannot be told apart.

The search asks `race` after every round of seeds whom to train once more, and the verdict asks it
the last time, so there is one rule. Scores are lower-is-better.

**One pair.** Seed by seed differences with Student's t (Student 1908): what a seed does to both
cancels, and nothing is assumed of the noise being alike. Pooling the noise of all optimizers would
find more at three seeds, but names a winner in 16 to 36 % of studies where two equal noisy ones
lead others that vary less. At two seeds a paired t has one degree of freedom and finds next to
nothing; there the two are compared as if unpaired (Welch 1947), which has up to two, and errs on
the safe side where seeds have effects in common.

**Several contestants.** To call X the best, each pair with X has to be rejected, at a pair's own
level (an intersection-union test, Berger 1982). Only the choice of X is multiple. As there is one
winner, the worst case is two equal ones far ahead of all others: tested on one side at 2.5 %, two
can win wrongly, which makes 5 % (Gutmann and Maymin 1987 prove it for equal normal noise; for other
noise it is simulated). So more contestants have no price. Where nobody wins, what is called behind
is rejected at 5 % / (k − 1), so the best is among the rest with 95 % (Gupta 1965).

**Several looks.** Of a pair's 2.5 %, a fifth is spent evenly on the looks before the last, and the
rest at the last, so that by Bonferroni they come to 2.5 %, whatever depends on what. Each pair is
judged at the seeds that both have. Intervals of differences have the same levels, so they hold at
all looks at once (repeated intervals, Jennison and Turnbull 1984).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import stdtrit  # Student's t, without the second that scipy.stats takes

ALPHA = 0.05  # of studies may name a winner that is not the best, or only one of several equal ones
LAST = 0.8  # the share of a pair's level that is kept for the last look
ROUNDING = 1e-6  # relative; two losses in float32 that are closer are the same
HOPE = 0.9  # how far up the difference may lie when asked whether more seeds could decide
DRAWS = 20_000  # of the posterior, in `probabilities`


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


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the mean of `values` with Student's interval: mean ± t · s/√n.

    Exact for normal values (Student 1908); tests check coverage at three to ten skewed ones.
    """
    known = tuple(float(v) for v in values)
    if not known or not all(math.isfinite(v) for v in known):
        return Estimate(None, None, None, known)
    mean, variance = _moments(known)
    if len(known) < 2 or not math.isfinite(variance):
        return Estimate(mean, None, None, known)
    reach = float(stdtrit(len(known) - 1, 0.5 + confidence / 2)) * math.sqrt(variance / len(known))
    return Estimate(mean, mean - reach, mean + reach, known)


class State(Enum):
    """How a contestant stands, as a sentence."""

    LEADER = "has the lowest mean"
    OPEN = "cannot be told from the leader yet"
    BEHIND = "is worse than the leader, by as much as matters"
    SAME = "differs from the leader by less than what matters"
    DIVERGED = "diverged or failed on a seed, so it cannot win"


@dataclass(frozen=True)
class Race:
    """How all stand at one look.

    `winner` is the leader if all others are behind or diverged. `behind` has each other's
    difference to the leader, positive where it is worse, in the scores' unit, with its interval;
    `scale` is the leader's mean over the same seeds, which relative differences refer to. `more`
    are those to train on one more seed, the leader among them: empty when all is settled, or when
    no number of seeds up to the most would settle it.
    """

    leader: str | None
    winner: str | None
    states: Mapping[str, State]
    behind: Mapping[str, Estimate]
    scale: Mapping[str, float]
    more: tuple[str, ...]

    @property
    def worth_more(self) -> bool:
        """Whether another seed could change what is known."""
        return bool(self.more)


@dataclass(frozen=True)
class Pair:
    """A contestant's difference to the leader over the seeds that both have."""

    differences: tuple[float, ...]
    mean: float
    error: float  # the standard error of the mean
    freedom: float  # degrees of freedom
    scale: float  # the leader's mean

    @classmethod
    def of(cls, other: Sequence[float], leader: Sequence[float]) -> "Pair":
        """Compare the seeds in common, of which there must be one."""
        n = min(len(other), len(leader))
        a, b = other[:n], leader[:n]
        differences = tuple(x - y for x, y in zip(a, b, strict=True))
        mean, variance = _moments(differences)
        scale, of_leader = _moments(b)
        freedom = n - 1.0
        if n == 2:
            both = of_leader + _moments(a)[1]
            # Welch's degrees of freedom, for two means of as many values.
            squares = of_leader**2 + _moments(a)[1] ** 2
            variance, freedom = both, both**2 / squares if squares > 0 else 1.0
        # Runs that no seed changes have no spread, and equal ones differ by rounding alone.
        if abs(mean) <= ROUNDING * abs(scale):
            mean = 0.0
        if max(map(abs, differences)) <= ROUNDING * abs(scale):
            variance = 0.0
        return cls(differences, mean, math.sqrt(variance / n), freedom, scale)

    def reach(self, level: float) -> float:
        """Return half the length of the interval whose two ends are each passed with `level`."""
        if self.freedom < 1 or level <= 0:
            return math.inf
        return float(stdtrit(self.freedom, 1 - level)) * self.error

    def worse(self, level: float, practical: float) -> bool:
        """Tell whether it is worse than the leader, and by as much as matters."""
        margin = practical * abs(self.scale)
        return self.mean > 0 and self.mean >= margin and self.mean > self.reach(level)

    def same(self, level: float, practical: float) -> bool:
        """Tell whether the whole interval lies within what does not matter."""
        margin = max(practical, ROUNDING) * abs(self.scale)
        return abs(self.mean) + self.reach(level) <= margin

    def hopeful(self, level: float, most: int, practical: float) -> bool:
        """Tell whether it could be settled at `most` seeds, with the spread that was seen.

        The difference may be as large or as small as its 90 % limits.
        """
        n = len(self.differences)
        if n < 3:
            return True
        margin = practical * abs(self.scale)
        room = float(stdtrit(self.freedom, HOPE)) * self.error
        then = float(stdtrit(most - 1, 1 - level)) * self.error * math.sqrt(n / most)
        return self.mean + room > max(margin, then) or max(0.0, self.mean - room) + then < margin


def race(
    scores: Mapping[str, Sequence[float]], practical: float, most: int, first: int = 2
) -> Race:
    """Judge contestants by their scores, in order of seeds; lower is better.

    Args:
        scores: of each contestant; those settled earlier may have fewer, infinite or NaN where a
            run diverged.
        practical: the difference that would matter, as a share of the leader's mean.
        most: the number of seeds at the last look; where the budget ends before, what `reached`
            returns.
        first: the number of seeds at the first look; the same as `most` where there is only one.
    """
    able = {n: v for n, v in scores.items() if v and all(map(math.isfinite, v))}
    states = {n: State.OPEN if n in able or not v else State.DIVERGED for n, v in scores.items()}
    waiting = tuple(n for n, v in scores.items() if not v)
    if not able:
        return Race(None, None, states, {}, {}, waiting)
    leader = _leader(able)
    states[leader] = State.LEADER
    pairs = {n: Pair.of(v, able[leader]) for n, v in able.items() if n != leader}
    shares = {n: _share(len(p.differences), first, most) for n, p in pairs.items()}
    level = ALPHA / 2
    wins = all(p.worse(level * shares[n], practical) for n, p in pairs.items()) and not waiting
    if not wins:
        level = ALPHA / max(2, len(pairs))
    for name, pair in pairs.items():
        if pair.worse(level * shares[name], practical):
            states[name] = State.BEHIND
        elif len(pair.differences) > 1 and pair.same(level * shares[name], practical):
            states[name] = State.SAME
    alone = len(scores) == 1
    decided = wins and (alone or len(able[leader]) > 1)
    last = level * (1.0 if first >= most else LAST)
    more = [
        name
        for name, pair in pairs.items()
        if states[name] is State.OPEN
        and len(able[name]) < most
        and pair.hopeful(last, most, practical)
    ]
    # The leader goes on with those that have caught up with it.
    ahead = any(len(able[name]) >= len(able[leader]) for name in more)
    if len(able[leader]) < most and (ahead or alone or len(able[leader]) < 2):
        more.append(leader)
    return Race(
        leader,
        leader if decided else None,
        states,
        {n: _interval(p, level * shares[n]) for n, p in pairs.items()},
        {n: p.scale for n, p in pairs.items()},
        tuple(n for n in scores if n in more or n in waiting),
    )


def reached(scores: Mapping[str, Sequence[float]]) -> int:
    """Return the most seeds that two contestants share, which is where the last look is.

    Where the budget ends within a round, one may be a seed ahead of all others.
    """
    counts = sorted((len(values) for values in scores.values()), reverse=True)
    return counts[min(1, len(counts) - 1)] if counts else 0


def probabilities(scores: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return for each contestant the probability that it is the best; they sum to 1.

    Differences to the leader have their Student distribution, as under a flat prior, and are
    correlated by ½, as they share the leader. Drawn with a seed of its own, so the same scores
    give the same. Diverged contestants have 0. With one seed nothing is known of chance, and all
    others are as likely.
    """
    able = {n: v for n, v in scores.items() if v and all(map(math.isfinite, v))}
    found = dict.fromkeys(scores, 0.0)
    if not able:
        return found
    leader = _leader(able)
    names = [leader, *(n for n in able if n != leader)]
    if any(len(v) < 2 for v in able.values()):
        return {**found, **dict.fromkeys(names, 1 / len(names))}
    random = np.random.default_rng(0)
    shared = random.standard_normal(DRAWS)
    drawn = np.zeros((len(names), DRAWS))
    for row, name in zip(drawn[1:], names[1:], strict=True):
        pair = Pair.of(able[name], able[leader])
        normal = (random.standard_normal(DRAWS) - shared) / math.sqrt(2)
        spread = np.sqrt(random.chisquare(pair.freedom, DRAWS) / pair.freedom)
        row += pair.mean + pair.error * normal / spread
    best = drawn == drawn.min(axis=0)
    shares = (best / best.sum(axis=0)).mean(axis=1)
    return {**found, **{n: float(share) for n, share in zip(names, shares, strict=True)}}


def _leader(able: Mapping[str, Sequence[float]]) -> str:
    """Return who has the lowest mean, over common seeds, of those with a seed less than most."""
    longest = max(len(values) for values in able.values())
    names = [n for n, values in able.items() if len(values) >= longest - 1]
    common = min(len(able[name]) for name in names) or 1
    return min(names, key=lambda name: _moments(able[name][:common])[0])


def _share(seeds: int, first: int, most: int) -> float:
    """Return the share of a pair's level that is spent at so many seeds."""
    if first >= most:
        return 1.0
    if seeds >= most:
        return LAST
    return (1 - LAST) / (most - first) if seeds >= first else 0.0


def _interval(pair: Pair, level: float) -> Estimate:
    reach = pair.reach(level)
    if not math.isfinite(reach):
        return Estimate(pair.mean, None, None, pair.differences)
    return Estimate(pair.mean, pair.mean - reach, pair.mean + reach, pair.differences)


def _moments(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and variance, which is 0 of one value and infinite beyond all floats."""
    try:
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) ** 2 for value in values)
    except OverflowError:  # of losses beyond 1e154
        mean, squares = math.fsum(value / len(values) for value in values), math.inf
    return mean, squares / max(1, len(values) - 1)
