"""Learning rates far from the best: what learns late looks worse early than what learns nothing.

The trivial predictor, one answer for every example, says what nothing is. Where the best is hardly
better, higher rates begin above the highest that over-fitted; where it is no better, no lower rate
is tried, as it would learn nothing either.
"""

import math
from collections.abc import Iterator, Sequence

from steepest.search.choice import Tried
from steepest.search.search_space import STEPS, SearchSpace, Values

FAR = (0.8, 1.6, -0.8)  # decades from the best in full to rates that are trained in full too
BEYOND = 0.75  # of such a step: what was trained in full further away than that stands for it
LITTLE = 0.1  # of the trivial predictor's score: what is better by less has hardly learnt
NOTHING = 0.02  # of it: what differs by less has learnt nothing
OFF = 1.0  # of it: what is worse by more, and has not over-fitted, has too high a rate
MEMORIZED = 0.5  # of its loss: who is below in training has learnt, if not what counts


def hardly_learnt(score: float | None, trivial: float) -> bool:
    """Return whether a score is hardly better than the trivial predictor's, or is worse.

    False where either is not known.
    """
    if score is None or not math.isfinite(score):
        return False
    return score > trivial - LITTLE * abs(trivial)


def nothing_learnt(score: float | None, trivial: float) -> bool:
    """Return whether a score is about the trivial predictor's: no lower rate has a better one."""
    return score is not None and abs(score - trivial) <= NOTHING * abs(trivial)


def never_learnt(one: Tried, trivial: float) -> bool:
    """Return whether a training has hardly learnt in full, nor at half its length.

    What had learnt by then, and lost it, has too high a rate.
    """
    learnt = one.half is not None and not hardly_learnt(one.half, trivial)
    return hardly_learnt(one.full, trivial) and not learnt


def memorizes(fitted: float, trivial: float) -> bool:
    """Return whether a loss in training is far below the trivial predictor's."""
    return fitted < trivial - MEMORIZED * abs(trivial)


def steps_from(score: float | None, trivial: float) -> tuple[float, ...]:
    """Return the steps to what lies next to a rate: only higher ones where nothing was learnt."""
    return tuple(s for s in STEPS if s > 0 or not nothing_learnt(score, trivial))


def _too_high(one: Tried, trivial: float) -> bool:
    """Return whether a training did worse than the trivial predictor, and not by over-fitting."""
    off = trivial + OFF * abs(trivial)
    return one.wild or (one.half is not None and one.half > off and not one.memorized)


def far_rates(
    space: SearchSpace, best: Tried, tried: Sequence[Tried], trivial: float
) -> Iterator[Values]:
    """Yield the best with rates far from its own, as far as nothing was trained in full there.

    Not with a higher one than a rate that was lost. The steps up are taken from `top`.
    """
    hardly = never_learnt(best, trivial)
    family = [one for one in tried if space.family(one.values, best.values)]
    away = [space.above(t.values, best.values) for t in family if t.full is not None]
    lost = [t for t in family if t.full == math.inf or (hardly and _too_high(t, trivial))]
    beyond = [space.above(t.values, best.values) for t in lost]
    above = [space.above(t.values, best.values) for t in tried if hardly and t.memorized]
    top = max([0.0, *above])
    for step in FAR:
        if step > 0:
            known = any(by >= top + BEYOND * step for by in away) or any(by > 0 for by in beyond)
        else:
            known = any(by <= BEYOND * step for by in away) or any(by < 0 for by in beyond)
            known |= nothing_learnt(best.full, trivial)
        if not known:
            yield from space.rates(best.values, (top + step if step > 0 else step,))
