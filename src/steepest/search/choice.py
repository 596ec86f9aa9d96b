"""The choice: what of an optimizer was tried, which did best, and which of them to confirm."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steepest.records import Settings, Trial
from steepest.records.callbacks import PLATEAU, SCHEDULER
from steepest.search.search_space import SearchSpace, Values

EDGE = 0.5  # decades above a configuration in which the edge of stability makes it unsafe
UNSAFE = 2.0  # times its loss: what a neighbour above ends at, beyond the edge
NEARLY = 1.3  # times the loss of a best whose rate nobody went beyond: what is safe is preferred
LAST = 0.1  # of the evaluations of a training: the last ones, by whose mean seeds are averaged
FEW = 4  # evaluations from which on it is a mean, of two at the least

# Whether a score is more than so many times another one.
Worse = Callable[[float, float, float], bool]


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
    steady: float | None = None  # its `steady_score` in full
    again: tuple[float, ...] = ()  # and those from other seeds
    wild: bool = False  # whether it ended above the trivial predictor's loss in training too
    memorized: bool = False  # whether it ended far below it in training

    @property
    def mean(self) -> float:
        """The mean over all seeds that it was trained in full from; infinite if one was lost."""
        own = self.full if self.steady is None else self.steady
        every = [*([] if own is None else [own]), *self.again]
        return math.fsum(every) / len(every) if every else math.inf


def steady_score(settings: Settings, trial: Trial) -> float:
    """Return what trials of several seeds are compared by: lower is better, infinite if lost.

    The mean of the last evaluations: much of the noise between seeds is noise between epochs. What
    is told, and the verdict, have the last evaluation, as its weights are those that people get.
    Where the best epoch decides, or a falling learning rate makes the noise small at the end, that
    one is compared here too.
    """
    score, values = settings.score(trial), trial.watched(settings.decides)
    falling = trial.config.schedule != "constant"
    falling |= any(one.kind in (PLATEAU, SCHEDULER) for one in settings.callbacks)
    if len(values) < FEW or settings.at != "end" or falling or not math.isfinite(score):
        return score
    last = values[-max(2, round(LAST * len(values))) :]
    mean = math.fsum(last) / len(last)
    return math.inf if not math.isfinite(mean) else -mean if settings.maximize else mean


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

    The best mean of those trained from several seeds, else the best and safe one of those trained
    in full, else of half length, if there is one that was not lost later.
    """
    most = max((len(one.again) for one in tried), default=0)
    again = [one for one in tried if most and len(one.again) == most and math.isfinite(one.mean)]
    if again:
        return min(again, key=lambda one: (one.mean, one.number))
    full = _safest(space, tried, worse)
    if full:
        return _within(space, tried, full, worse)
    return best_of(hopeful(space, tried) or tried, lambda t: t.half)


def _safest(space: SearchSpace, tried: Sequence[Tried], worse: Worse) -> list[Tried]:
    """Return those trained in full, the best first, but unsafe ones last.

    Unsafe is one whose neighbour within half a decade above ended at more than twice its loss
    (`worse`), or was lost: the edge of stability of one seed diverges on others. What ended at more
    than twice the best loss went wrong itself, and comes after all: nothing is known above the
    highest rate, and it is no way out of the edge that it lies beyond.
    """
    full = [t for t in tried if t.full is not None and math.isfinite(t.full)]
    best = min((t.full for t in full if t.full is not None), default=math.inf)

    def unsafe(one: Tried) -> bool:
        return any(_unsafe(t, one, worse) for t in _above(space, tried, one))

    def wrong(one: Tried) -> bool:
        return worse(one.full or 0.0, best, UNSAFE)

    return sorted(full, key=lambda t: (wrong(t), unsafe(t), t.full, t.number))


def _within(
    space: SearchSpace, tried: Sequence[Tried], full: Sequence[Tried], worse: Worse
) -> Tried:
    """Return the first, or where no higher rate near it was tried, the first that has such.

    What lies beyond the highest rate is not known, and may be the edge of stability. So the next
    lower one is preferred where it is nearly as good.
    """
    best = full[0]
    if _above(space, tried, best):
        return best
    for one in full[1:]:
        near = _above(space, tried, one)
        if near and not any(_unsafe(t, one, worse) for t in near):
            return best if worse(one.full or 0.0, best.full or 0.0, NEARLY) else one
    return best


def _above(space: SearchSpace, tried: Sequence[Tried], one: Tried) -> list[Tried]:
    """Return what was tried with higher rates within half a decade."""
    return [
        t
        for t in tried
        if space.family(t.values, one.values) and 0 < space.above(t.values, one.values) <= EDGE
    ]


def _unsafe(above: Tried, one: Tried, worse: Worse) -> bool:
    """Tell whether what has a higher rate went wrong, at the longest length that both have."""
    if above.full is not None and one.full is not None:
        return worse(above.full, one.full, UNSAFE)
    if above.half is None:
        return False
    return not math.isfinite(above.half) or (
        one.half is not None and worse(above.half, one.half, UNSAFE)
    )
