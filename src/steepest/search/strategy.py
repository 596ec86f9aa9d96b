"""The strategy of a search: from what was tried of an optimizer, what to train next.

1. **Starts.** The first of the optimizer's list, for half the epochs: shorter trainings mislead,
   half-length ones rank configurations about as well as two seeds do.
2. **Bracket.** The best so far with another learning rate, half-length too, as long as that
   improves: 10^0.4 times, 10^-0.4, 10^0.2, 10^-0.2, the first that is untried. There are no bounds.
   Then the best with each other schedule that is searched, at rates of its own.
3. **To the end.** The best goes on to the whole length; then a rate of 10^-0.2 of it, as the best
   rate of half a training is rather too high for a whole one. Where the budget allows, so do rates
   far from it: what learns late looks worse at half the length than what hardly learns at all.
   In a small budget, where nothing does by the trivial predictor, these take the bracket's place.
4. **Refinement** of the best in full, in the same way, while the budget lasts.
5. **Other seeds.** Where the budget allows, those that ended best train again from other seeds, as
   the best of many on one seed is a lucky one: eight from one more, the best four of them from two
   more, the best two from four more. The choice is by the mean.

A strategy is a function: the same trials so far give the same next one, so a study that was stopped
goes on as if it had not been.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from steepest.budget import ALONE, RATES, trainings_again, trainings_far
from steepest.search.choice import Tried, best_of, hopeful
from steepest.search.far_rates import (
    far_rates,
    hardly_learnt,
    never_learnt,
    nothing_learnt,
    steps_from,
)
from steepest.search.search_space import SearchSpace, Values

STARTS = 3  # of the list, before the first look
BRACKET = 0.6  # of the budget, for trainings of half length
AFTER = (-0.2,)  # decades of the learning rate from the first training in full to the second
LOWEST = 10.0  # decades below the first start, where what is lost is not lost by its rate
STRIDE = 0.8  # decades, where the best rate is the outmost of three that improve in a row


@dataclass(frozen=True)
class Ask:
    """What to train next: new, or a trial that goes on."""

    values: Values
    epochs: int
    goes_on: int | None = None  # the number of the trial
    seed: int = 0  # which of the search's seeds; the first but for those that train again


@dataclass(frozen=True)
class Lengths:
    """How long trials of the search are, in epochs, and what all of one optimizer's may cost."""

    half: int
    whole: int
    budget: float
    # Trainings in full from other seeds; beside the budget, as one of the defaults is before them.
    again: int = 0
    most: int = 0  # configurations at most; 0: any number
    far: float = 0.0  # of the budget, for rates far from the best in full; 0: they are not trained
    restart: bool = False  # whether what goes on is trained anew, with a schedule of another length
    trivial: float = math.nan  # score of the trivial predictor, where it is known

    @property
    def finish(self) -> int:
        """What it costs to train a half-length trial to the end."""
        return self.whole - (0 if self.restart else min(self.half, self.whole))


def with_budget(lengths: Lengths, trainings: float) -> Lengths:
    """Return the lengths of a search that may take so many full trainings."""
    again = trainings_again(trainings)
    usual = bool(again)  # the framework's defaults, which train beside those from other seeds
    budget = (trainings - again - usual) * lengths.whole
    # A pilot of less than a half-length training each has the length that it can have.
    half = max(1, min(lengths.half, math.floor(budget + 1e-9)))
    far = trainings_far(trainings) * lengths.whole
    return replace(lengths, budget=budget, half=half, again=again, far=far)


def first_asks(starts: Sequence[Values], lengths: Lengths) -> list[Ask]:
    """Return what is trained first."""
    half, room = lengths.half, lengths.budget - lengths.finish
    count = min(STARTS, len(starts), max(1, math.floor(room / half + 1e-9)))
    if half >= lengths.whole:  # one epoch: a start is a training in full
        count = min(STARTS, len(starts), max(1, math.floor(lengths.budget / half + 1e-9)))
    return [Ask(values, half) for values in starts[: min(count, lengths.most or count)]]


def next_asks(
    space: SearchSpace,
    starts: Sequence[Values],
    tried: Sequence[Tried],
    lengths: Lengths,
) -> list[Ask]:
    """Return what to train next; nothing when the budget is spent, or nothing is left to try."""
    ask = _next(space, starts, tried, lengths)
    return [ask] if ask is not None else _again(space, tried, lengths)


def _again(space: SearchSpace, tried: Sequence[Tried], lengths: Lengths) -> list[Ask]:
    """Return trainings of the best from other seeds, as many in each round, half as many of them.

    Successive halving over seeds (Jamieson & Talwalkar 2016), for which the framework's defaults
    qualify, so that they are beaten where they are not the choice.
    """
    count, seeds = rounds_again(lengths.again), max((len(one.again) for one in tried), default=0)
    turn = next((i for i in range(count) if seeds == 2**i - 1), None)
    if turn is None:
        return []
    usual = space.contestant.defaults()
    alike = [t for t in tried if space.same(t.values, usual)]
    mine = next((t for t in alike if t.full is not None), None)
    if not seeds and mine is None:
        begun = _finish(alike[0], lengths, lengths.whole) if alike else None
        return [begun or Ask(usual, lengths.whole)]
    able = [one for one in tried if len(one.again) == seeds and math.isfinite(one.mean)]
    best = sorted(able, key=lambda t: (t.mean, t.number))  # other seeds tell what is unsafe
    some = best[: 2 ** (count - turn)]
    if not seeds and mine in best and mine not in some:
        some = [*some[:-1], mine]
    if len(some) < 2:
        return []
    new = range(seeds + 1, 2 * seeds + 2)
    return [Ask(one.values, lengths.whole, seed=seed) for one in some for seed in new]


def rounds_again(trainings: int) -> int:
    """Return the rounds over seeds that so many trainings pay for: of 2, 4 or 8 configurations."""
    return max((rounds for rounds in (1, 2, 3) if rounds * 2**rounds <= trainings), default=0)


def _next(
    space: SearchSpace, starts: Sequence[Values], tried: Sequence[Tried], lengths: Lengths
) -> Ask | None:
    left = lengths.budget - sum(one.cost for one in tried) + 1e-9
    full = [one for one in tried if one.full is not None]
    if not full or lengths.half >= lengths.whole:
        if lengths.half >= lengths.whole:
            return _in_full(space, starts, tried, lengths, left)
        spent, best = lengths.budget - left, best_of(tried, lambda t: t.half)
        more = left >= lengths.half + lengths.finish  # room for one, and to finish one
        short = more and (best is None or len(tried) < RATES)
        room = spent + lengths.half <= BRACKET * (lengths.budget - lengths.far)
        if (room or short) and not _instead(best, lengths):
            around = _around(space, starts, tried, lambda t: t.half, lengths.trivial)
            new = _untried(space, tried, around, lengths)
            if new is not None:
                return Ask(new, lengths.half)
        return None if best is None else _finish(best, lengths, left)
    return _in_full(space, starts, tried, lengths, left)


def _in_full(
    space: SearchSpace,
    starts: Sequence[Values],
    tried: Sequence[Tried],
    lengths: Lengths,
    left: float,
) -> Ask | None:
    """Return the next training of the whole length."""
    full = [one for one in tried if one.full is not None]
    best = best_of(full, lambda t: t.full)
    if best is None:  # all were lost: what did best at half length, or lower rates
        best = min(full, key=lambda t: (math.inf if t.half is None else t.half, t.number))
    trivial = lengths.trivial
    nothing, hardly = nothing_learnt(best.full, trivial), never_learnt(best, trivial)
    first = space.rates(best.values, AFTER) if len(full) == 1 and not nothing else iter(())
    able = math.isfinite(best.full or 0.0)
    pays = lengths.far or (hardly and _pays(lengths))
    far = far_rates(space, best, tried, trivial) if able and pays else iter(())
    near = space.rates(best.values, steps_from(best.full, trivial)) if able else iter(())
    # Who did best at half length is next, before configurations of which nothing is known.
    begun_well = sorted(hopeful(space, tried), key=lambda t: (t.half, t.number))
    rest = _around(space, starts, full, lambda t: t.full, trivial)
    soon = (*far, *first) if hardly else (*first, *far)
    others = space.scheduled(best.values)  # before their rates are left
    for values in (*soon, *others, *near, *(t.values for t in begun_well), *rest):
        if any(space.same(values, one.values) for one in full):
            continue
        begun = next((t for t in tried if space.same(values, t.values) and t.full is None), None)
        if begun is not None:
            return _finish(begun, lengths, left)
        enough = lengths.most and len(tried) >= lengths.most
        return Ask(values, lengths.whole) if left >= lengths.whole and not enough else None
    return None


def _instead(best: Tried | None, lengths: Lengths) -> bool:
    """Return whether far rates take the bracket's place, as half a training says nothing.

    Not where the budget pays for both.
    """
    small = _pays(lengths) and lengths.budget < ALONE * lengths.whole
    return small and best is not None and hardly_learnt(best.half, lengths.trivial)


def _pays(lengths: Lengths) -> bool:
    """Return whether there is room for three far rates: fewer found less than the bracket does."""
    return lengths.budget >= STARTS * lengths.half + lengths.finish + 3 * lengths.whole


def _finish(one: Tried, lengths: Lengths, left: float) -> Ask | None:
    """Return how a configuration of half length gets to the end: it goes on, or starts anew."""
    if one.waits and left >= lengths.finish:
        return Ask(one.values, lengths.whole, one.number)
    return Ask(one.values, lengths.whole) if left >= lengths.whole else None


def _around(
    space: SearchSpace,
    starts: Sequence[Values],
    tried: Sequence[Tried],
    of: Callable[[Tried], float | None],
    trivial: float,
) -> Iterator[Values]:
    """Yield what lies next to the best, then the rest of the list, then other hyperparameters."""
    best = best_of(tried, of)
    if best is None:  # nothing came through: lower rates
        lowest = min(tried, key=lambda t: (space.above(t.values, tried[0].values), t.number))
        if space.above(lowest.values, starts[0]) > -LOWEST:
            yield from space.rates(lowest.values, (-1.0,))
        yield from starts
        return
    steps, stride = steps_from(of(best), trivial), _stride(space, best, tried, of)
    allowed = stride > 0 or (stride < 0 and min(steps) < 0)
    yield from space.rates(best.values, (stride,) if allowed else ())
    yield from space.rates(best.values, steps)
    yield from space.scheduled(best.values)
    yield from starts
    yield from space.aside(best.values)


def _stride(
    space: SearchSpace,
    best: Tried,
    tried: Sequence[Tried],
    of: Callable[[Tried], float | None],
) -> float:
    """Return the longer step that is taken where three rates in a row improve outwards, or 0."""
    family = [t for t in tried if space.family(t.values, best.values) and of(t) is not None]
    family.sort(key=lambda t: space.above(t.values, best.values))
    scores = [score for t in family if (score := of(t)) is not None]
    if len(scores) >= 3 and scores[-1] < scores[-2] < scores[-3]:
        return STRIDE
    if len(scores) >= 3 and scores[0] < scores[1] < scores[2]:
        return -STRIDE
    return 0.0


def _untried(
    space: SearchSpace, tried: Sequence[Tried], around: Iterator[Values], lengths: Lengths
) -> Values | None:
    """Return the first that was not trained yet."""
    if lengths.most and len(tried) >= lengths.most:
        return None
    for values in around:
        if not any(space.same(values, one.values) for one in tried):
            return values
    return None
