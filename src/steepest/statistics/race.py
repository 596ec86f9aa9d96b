"""The race: who is best, who is as good, and who gets more seeds.

The search asks `race` after every look whom to train further, and the verdict asks it the last
time, so there is one rule. Scores are lower-is-better.

**Several contestants.** To call X the best, each pair with X has to be rejected, at a pair's own
level (an intersection-union test, Berger 1982). Only the choice of X is multiple. As there is one
winner, the worst case is two equal ones far ahead of all others: tested on one side at 2.5 %, two
can win wrongly, which makes 5 % (Gutmann and Maymin 1987 prove it for equal normal noise; for other
noise it is simulated). So more contestants have no price. Where nobody wins, what is called behind,
or as good as the leader, is tested at 5 % / (k − 1), so that none of k is called so wrongly with
95 % (Gupta 1965).

**Several looks.** Each pair is judged at the seeds that both have, at the level of that look
(`steepest.statistics.looks`). Intervals of differences have the same levels, so they hold at all
looks at once (repeated intervals, Jennison and Turnbull 1984).

**No pooling.** The noise of all optimizers together would find more at three seeds, but names a
winner in 16 to 36 % of studies where two equal noisy ones lead others that vary less.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from steepest.statistics.estimates import ALPHA, Estimate, moments
from steepest.statistics.looks import LOOKS, look_level
from steepest.statistics.pairs import Pair

HOPE = 0.1  # a pair that is settled at the last look with less probability gets no more seeds
ALONE = 5  # seeds of a contestant without others; they narrow its interval and decide nothing
DRAWS = 20_000  # of the posterior in `probabilities`: a probability is off by 0.004 at most


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
    are those to train up to their next look, the leader among them: empty when all is settled, or
    when no number of seeds up to the most would settle it.
    """

    leader: str | None
    winner: str | None
    states: Mapping[str, State]
    behind: Mapping[str, Estimate]
    scale: Mapping[str, float]
    more: tuple[str, ...]


def race(
    scores: Mapping[str, Sequence[float]],
    practical: float | Callable[[float], float],
    most: int,
    first: int = LOOKS[0],
    judged: Sequence[int] = (),
    alike: Mapping[str, object] | None = None,
) -> Race:
    """Judge contestants by their scores, in order of seeds; lower is better.

    Args:
        scores: of each contestant; those settled earlier may have fewer, infinite or NaN where a
            run diverged.
        practical: the difference that would matter, as a share of the leader's mean or as a
            function of that mean, such as `Settings.margin`.
        most: the number of seeds at the last look; where the budget ends before, what `reached`
            returns.
        first: the number of seeds at the first look; the same as `most` where there is only one.
        judged: the numbers of seeds at last looks before this, after which the study went on.
        alike: what each contestant is; those that are the same train the same on every seed, and
            are as good at once where what they got is equal.
    """
    able = {n: v for n, v in scores.items() if v and all(map(math.isfinite, v))}
    states = {n: State.OPEN if n in able or not v else State.DIVERGED for n, v in scores.items()}
    waiting = tuple(n for n, v in scores.items() if not v)
    if not able:
        return Race(None, None, states, {}, {}, waiting)
    leader = _leader(able)
    states[leader] = State.LEADER
    pairs = {n: Pair.of(v, able[leader]) for n, v in able.items() if n != leader}
    what = alike or {}
    pairs = {
        n: replace(p, equal=False) if leader in what and what[leader] == what.get(n) else p
        for n, p in pairs.items()
    }
    margins = {n: _margin(practical, p.scale) for n, p in pairs.items()}

    def levels(level: float) -> dict[str, float]:
        counts = {n: len(p.differences) for n, p in pairs.items()}
        return {n: look_level(c, level, most, first, judged) for n, c in counts.items()}

    level = ALPHA / 2
    at = levels(level)
    wins = all(p.worse(at[n], margins[n]) for n, p in pairs.items()) and not waiting
    if not wins:
        level = ALPHA / max(2, len(pairs))
        at = levels(level)
    for name, pair in pairs.items():
        if pair.worse(at[name], margins[name]):
            states[name] = State.BEHIND
        elif len(pair.differences) > 1 and pair.same(at[name], margins[name]):
            states[name] = State.SAME
    alone = len(scores) == 1
    decided = wins and (alone or len(able[leader]) > 1)
    last = look_level(most, level, most, first, judged)
    more = [
        name
        for name, pair in pairs.items()
        if states[name] is State.OPEN
        and len(able[name]) < most
        and (len(pair.differences) < LOOKS[0] or pair.chance(last, most, margins[name]) >= HOPE)
    ]
    # The leader goes on with those that have caught up with it.
    ahead = any(len(able[name]) >= len(able[leader]) for name in more)
    least = min(most, ALONE if alone else 2)
    if len(able[leader]) < (most if ahead else least):
        more.append(leader)
    return Race(
        leader,
        leader if decided else None,
        states,
        {n: p.interval(at[n]) for n, p in pairs.items()},
        {n: p.scale for n, p in pairs.items()},
        tuple(n for n in scores if n in more or n in waiting),
    )


def _margin(practical: float | Callable[[float], float], scale: float) -> float:
    return practical(scale) if callable(practical) else practical * abs(scale)


def reached(scores: Mapping[str, Sequence[float]]) -> int:
    """Return the most seeds that two contestants share, which is where the last look is: where the
    budget ends within a round, one may be a seed ahead of all others."""
    counts = sorted((len(values) for values in scores.values()), reverse=True)
    return counts[min(1, len(counts) - 1)] if counts else 0


def probabilities(scores: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return for each contestant the probability that it is the best; they sum to 1.

    Differences to the leader have their Student distribution, as under a flat prior, and are
    correlated by ½, as they share the leader. Drawn with a seed of its own, so the same scores
    give the same. Diverged contestants have 0. Where one has a single seed or none, nothing is
    known of its chance, and all that did not diverge are as likely.
    """
    able = {n: v for n, v in scores.items() if all(map(math.isfinite, v))}
    found = dict.fromkeys(scores, 0.0)
    if not any(able.values()):
        return found
    if any(len(v) < 2 for v in able.values()):
        return {**found, **dict.fromkeys(able, 1 / len(able))}
    leader = _leader(able)
    names = [leader, *(n for n in able if n != leader)]
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
    """Return who has the lowest mean, of those with a seed less than most.

    Those with the most seeds are compared on all of these, and the first of them with each that has
    a seed less on what both have: nobody's seed is left out because a third has not had it.
    """
    longest = max(len(values) for values in able.values())
    lead = min((n for n in able if len(able[n]) == longest), key=lambda n: moments(able[n])[0])
    fewer = [n for n in able if len(able[n]) == longest - 1]
    gaps = {n: Pair.of(able[n], able[lead]).mean for n in fewer}
    best = min(fewer, key=lambda n: gaps[n], default=lead)
    return best if gaps.get(best, 0.0) < 0 else lead
