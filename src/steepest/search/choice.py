"""The choice: what of an optimizer was tried, which did best, and which of them to confirm."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steepest.search.search_space import SearchSpace, Values

EDGE = 0.5  # decades above a configuration in which the edge of stability makes it unsafe
UNSAFE = 2.0  # times its loss: what a neighbour above ends at, beyond the edge

# Whether a neighbour went wrong, of its score and of one's own.
Worse = Callable[[float, float], bool]


@dataclass(frozen=True)
class Tried:
    """A configuration that was trained, and what it got: lower is better, infinite: lost.

    `half` and `full` are None as long as it was not trained that far.
    """

    number: int  # of its trial
    values: Values
    half: float | None
    full: float | None
    cost: int  # epochs
    waits: bool = False  # whether its state is there, so that it can go on
    again: tuple[float, ...] = ()  # what it got in full, from other seeds

    @property
    def mean(self) -> float:
        """The mean over all seeds that it was trained in full from; infinite if one was lost."""
        every = [*([] if self.full is None else [self.full]), *self.again]
        return math.fsum(every) / len(every) if every else math.inf


def best_of(tried: Sequence[Tried], of: Callable[[Tried], float | None]) -> Tried | None:
    """Return the best that came through; None if none did."""
    able = [(score, t.number, t) for t in tried if (score := of(t)) is not None]
    able = [one for one in able if math.isfinite(one[0])]
    return min(able, key=lambda one: one[:2])[2] if able else None


def hopeful(space: SearchSpace, tried: Sequence[Tried]) -> list[Tried]:
    """Return what came through half a training and was not trained in full.

    Not what has a higher rate than one that was lost in full: it would be lost too.
    """
    lost = [t for t in tried if t.full == math.inf]
    return [
        t
        for t in tried
        if t.full is None
        and t.half is not None
        and math.isfinite(t.half)
        and not any(
            space.family(t.values, one.values) and space.above(t.values, one.values) > 0
            for one in lost
        )
    ]


def choose(space: SearchSpace, tried: Sequence[Tried], worse: Worse) -> Tried | None:
    """Return the configuration to confirm.

    The best mean of those trained from several seeds, else the best of those trained in full, else
    of half length, if there is one that was not lost later.
    """
    most = max((len(one.again) for one in tried), default=0)
    again = [one for one in tried if most and len(one.again) == most and math.isfinite(one.mean)]
    if again:
        return min(again, key=lambda one: (one.mean, one.number))
    full = _safest(space, tried, worse)
    return full[0] if full else best_of(hopeful(space, tried) or tried, lambda t: t.half)


def _safest(space: SearchSpace, tried: Sequence[Tried], worse: Worse) -> list[Tried]:
    """Return those trained in full, the best first, but unsafe ones last.

    Unsafe is one whose neighbour within half a decade above ended at more than twice its loss
    (`worse`), or was lost: the edge of stability of one seed diverges on others.
    """
    full = [t for t in tried if t.full is not None and math.isfinite(t.full)]

    def unsafe(one: Tried) -> bool:
        return any(
            _unsafe(t, one, worse)
            for t in tried
            if space.family(t.values, one.values) and 0 < space.above(t.values, one.values) <= EDGE
        )

    return sorted(full, key=lambda t: (unsafe(t), t.full, t.number))


def _unsafe(above: Tried, one: Tried, worse: Worse) -> bool:
    """Tell whether what has a higher rate went wrong, at the longest length that both have."""
    if above.full is not None and one.full is not None:
        return worse(above.full, one.full)
    if above.half is None:
        return False
    return not math.isfinite(above.half) or (one.half is not None and worse(above.half, one.half))
