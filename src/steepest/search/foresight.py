"""Foresight: what a strategy may ask for next, the likeliest first.

A strategy is a function of what was tried. So what it asks for after the trainings that are on
their way is known for each way in which these may end: better than all others, or worse.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steepest.search.choice import Tried
from steepest.search.strategy import Ask

BETTER = 0.35  # how likely a new configuration is the best so far; chosen
LOOKS = 8  # times as many ways are looked at as guesses are wanted

Next = Callable[[Sequence[Tried]], Sequence[Ask]]


@dataclass(frozen=True)
class _Way:
    """One way in which it may go: what is tried then, and what is not known of it yet."""

    chance: float
    tried: tuple[Tried, ...]
    open: tuple[tuple[int, bool], ...]  # numbers of trials, and whether they end in full


def foresee(
    tried: Sequence[Tried],
    pending: Sequence[Ask],
    asks: Next,
    whole: int,
    count: int,
    restart: bool = False,
) -> list[tuple[float, Ask]]:
    """Return up to `count` asks beside the pending ones, each with its chance to be made.

    Args:
        tried: what was tried, in which the pending ones are without their score.
        pending: what is trained now.
        asks: the strategy.
        whole: the epochs of a training in full.
        count: how many at most.
        restart: whether what goes on is trained anew.
    """
    numbers = [_number(tried, ask) for ask in pending]
    first = tuple((n, ask.epochs == whole) for n, ask in zip(numbers, pending, strict=True))
    fresh = itertools.count(max((t.number for t in tried), default=0) + 1)
    ways = [(-1.0, 0, _Way(1.0, tuple(tried), first))]
    order, found = itertools.count(1), list[tuple[float, Ask]]()
    known = {one.number for one in tried}
    for _ in range(LOOKS * count):
        if not ways or len(found) >= count:
            break
        way = heapq.heappop(ways)[-1]
        if way.open:
            new = _ended(way)
        else:
            some = list(asks(way.tried))
            for ask in some:
                made = [mine for _, mine in found]
                if ask not in (*pending, *made) and (ask.goes_on is None or ask.goes_on in known):
                    found.append((way.chance, ask))
            # Seeds of a round are asked for together, and what follows them hangs on all.
            alone = len(some) == 1 and not some[0].seed
            new = [_with(way, some[0], whole, next(fresh), restart)] if alone else []
        for one in new:
            heapq.heappush(ways, (-one.chance, next(order), one))
    return found[:count]


def _number(tried: Sequence[Tried], ask: Ask) -> int:
    if ask.goes_on is not None:
        return ask.goes_on
    return next(one.number for one in tried if one.values == ask.values)


def _with(way: _Way, ask: Ask, whole: int, number: int, restart: bool) -> _Way:
    """Return what is tried after an ask, whose score is open."""
    before = next((t for t in way.tried if t.values == ask.values), None)
    full = ask.epochs == whole
    if before is not None:
        cost = whole if ask.goes_on is not None else before.cost + ask.epochs
        number = before.number
        tried = tuple(replace(t, cost=cost, waits=False) if t is before else t for t in way.tried)
    else:
        one = Tried(number, ask.values, None, None, ask.epochs, waits=not (full or restart))
        tried = (*way.tried, one)
    return _Way(way.chance, tried, ((number, full),))


def _ended(way: _Way) -> list[_Way]:
    """Return the two ways in which the first of the open trials may end."""
    (number, full), *left = way.open
    found = []
    for better, chance in ((True, BETTER), (False, 1 - BETTER)):
        half_score = _score(way.tried, better, lambda t: t.half)
        full_score = _score(way.tried, better, lambda t: t.full)

        def ended(one: Tried, half: float = half_score, whole: float = full_score) -> Tried:
            if one.number != number:
                return one
            half = half if one.half is None else one.half
            return replace(one, half=half, full=whole if full else one.full)

        tried = tuple(map(ended, way.tried))
        found.append(_Way(way.chance * chance, tried, tuple(left)))
    return found


def _score(tried: Sequence[Tried], better: bool, of: Callable[[Tried], float | None]) -> float:
    """Return a score below all others, or above all that are finite."""
    known = [score for t in tried if (score := of(t)) is not None and math.isfinite(score)]
    if not known:
        return 0.0
    return min(known) - 1.0 if better else max(known) + 1.0
