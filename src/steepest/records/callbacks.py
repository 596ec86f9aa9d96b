"""Callbacks of a training that look at its curve after each epoch, as arithmetic of that curve.

What they decide, to stop or another learning rate, follows from the values that they have seen and
the learning rate that training began with. So nothing of them has to be kept: who goes on with a
trial shows its curve to a new `Follower`.

The meanings are Keras' (`keras.callbacks`, version 3.15), where differences are compared in single
precision, as Keras does it on every backend:

    EarlyStopping       stops after `patience` epochs in a row that were no better
    ReduceLROnPlateau   multiplies the learning rate by `factor` after so many, not below `min_lr`
    ModelCheckpoint     keeps the best epoch (`save_best_only`)
    LearningRateScheduler   sets the learning rate before each epoch
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from steepest.records.trials import Curves

STOP, PLATEAU, CHECKPOINT, SCHEDULER = (
    "EarlyStopping",
    "ReduceLROnPlateau",
    "ModelCheckpoint",
    "LearningRateScheduler",
)
KINDS = (STOP, PLATEAU, CHECKPOINT, SCHEDULER)


@dataclass(frozen=True)
class CallbackRecord:
    """One callback. What its kind does not use is as it stands here.

    `monitor` is a curve: "training_loss", "loss" (of validation) or a metric on validation data.
    `rates` are what a scheduler's function gives for each epoch. If it is `relative`, it reads the
    learning rate, and `rates` are those from a rate of `PROBED` on: they say which function it is,
    and the process that trains has it (`FUNCTIONS`).
    """

    kind: str
    monitor: str = ""
    up: bool = False  # whether larger is better
    min_delta: float = 0.0
    patience: int = 0
    baseline: float | None = None  # of EarlyStopping; a checkpoint's initial_value_threshold
    restore: bool = False  # whether the weights of the best epoch are what training gives
    start_from_epoch: int = 0
    factor: float = 1.0
    cooldown: int = 0
    min_lr: float = 0.0
    rates: tuple[float, ...] = ()
    relative: bool = False

    @property
    def peak(self) -> float:
        """The largest rate that a scheduler sets."""
        return max(self.rates)


LARGEST = 3.4028234663852886e38  # in single precision
PROBED = 0.01  # the learning rate that a scheduler's function is asked with
# The functions of relative schedulers, where this process was given them. No file has them.
FUNCTIONS: dict[CallbackRecord, Callable[[int, float], float]] = {}


def monitors(callbacks: Sequence[CallbackRecord]) -> tuple[str, ...]:
    """Return the curves that callbacks look at, each once."""
    return tuple(dict.fromkeys(one.monitor for one in callbacks if one.monitor))


def best_by(callbacks: Sequence[CallbackRecord]) -> CallbackRecord | None:
    """Return the callback that says which epoch's weights training gives; None: the last one's.

    Of several the last EarlyStopping that restores weights, as it comes last in `fit`; without one,
    the last checkpoint, whose file is what people load.
    """
    return next(reversed(_keepers(callbacks)), None)


def _keepers(callbacks: Sequence[CallbackRecord]) -> list[CallbackRecord]:
    """Return those that keep weights; the last one that has some decides."""
    restoring = [one for one in callbacks if one.kind == STOP and one.restore]
    return [*(one for one in callbacks if one.kind == CHECKPOINT), *restoring]


def changes_rate(callbacks: Sequence[CallbackRecord]) -> bool:
    """Return whether any of them sets the learning rate."""
    return any(one.kind in (PLATEAU, SCHEDULER) for one in callbacks)


def stops(callbacks: Sequence[CallbackRecord]) -> bool:
    """Return whether any of them may stop a training before its last epoch."""
    return any(one.kind == STOP for one in callbacks)


class _Watching:
    """One callback, with what it remembers of the values that it has seen."""

    def __init__(self, about: CallbackRecord) -> None:
        self.about = about
        self.best: float | None = about.baseline if about.kind == CHECKPOINT else None
        self.best_epoch = 0  # counted from 1; 0 while there is none
        self.wait = self.cooling = 0

    def improves(self, value: float, reference: float | None) -> bool:
        """Return whether a value is better than another by more than `min_delta`."""
        if reference is None:
            return True
        delta = self.about.min_delta if self.about.up else -self.about.min_delta
        ours, theirs = _single(value - delta), _single(reference)
        return ours > theirs if self.about.up else ours < theirs

    def stop(self, epoch: int, value: float) -> bool:
        """See the value of an epoch, counted from 1; return whether EarlyStopping stops here."""
        about = self.about
        if epoch <= about.start_from_epoch:
            return False
        self.best_epoch = self.best_epoch or epoch
        self.wait += 1
        if self.improves(value, self.best):
            self.best, self.best_epoch = value, epoch
            if about.baseline is None or self.improves(value, about.baseline):
                self.wait = 0
            return False
        return self.wait >= about.patience and epoch > 1

    def reduce(self, value: float, rate: float) -> float:
        """See the value of an epoch; return the learning rate from there on."""
        about = self.about
        if self.cooling:
            self.cooling -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooling:
            self.wait += 1
            if self.wait >= about.patience and rate > _single(about.min_lr):
                self.cooling, self.wait = about.cooldown, 0
                return max(rate * about.factor, about.min_lr)
        return rate

    def keep(self, epoch: int, value: float) -> None:
        """See the value of an epoch: a checkpoint keeps the best."""
        if self.improves(value, self.best):
            self.best, self.best_epoch = value, epoch

    def quiet(self, epoch: int) -> int:
        """Return how many epochs there are at the least until this changes what is trained."""
        about = self.about
        if about.kind == STOP and not about.restore:
            return max(1, max(0, about.start_from_epoch - epoch) + about.patience - self.wait)
        if about.kind == PLATEAU and self.cooling:
            return max(1, self.cooling + about.patience - 1)
        if about.kind == PLATEAU:
            return max(1, about.patience - self.wait)
        if about.kind == SCHEDULER and not about.relative:
            rest = about.rates[epoch:]
            return next((i for i, rate in enumerate(rest) if rate != rest[0]), len(rest)) or 1
        return 1


class Follower:
    """The callbacks of one training, which see its epochs one after the other.

    `rate` is the learning rate of the next epoch, where callbacks set it, as an optimizer in single
    precision has it; `stopped` says that there is none; `best` is the epoch, counted from 1, whose
    weights training gives, 0 where that is the last one.
    """

    def __init__(self, callbacks: Sequence[CallbackRecord], rate: float = 1.0) -> None:
        self.watching = [_Watching(one) for one in callbacks]
        keepers = _keepers(callbacks)
        own = [[each for each in self.watching if each.about is one] for one in keepers]
        self.keepers = [each for some in own for each in some]
        self.begun = self.rate = _single(rate)
        self.epoch = 0
        self.stopped = False
        self._set()

    @property
    def best(self) -> int:
        """The epoch, counted from 1, whose weights training gives; 0: those of the last one."""
        return next((one.best_epoch for one in reversed(self.keepers) if one.best_epoch), 0)

    def see(self, values: Mapping[str, float]) -> None:
        """See what an epoch gave."""
        self.epoch += 1
        for one in self.watching:
            value = values.get(one.about.monitor, math.nan)
            if one.about.kind == STOP:
                self.stopped |= one.stop(self.epoch, value)
            elif one.about.kind == PLATEAU:
                self.rate = _single(one.reduce(value, self.rate))
            elif one.about.kind == CHECKPOINT:
                one.keep(self.epoch, value)
        self._set()

    def quiet(self) -> int:
        """Return how many epochs can be trained before anything is to be decided."""
        return min((one.quiet(self.epoch) for one in self.watching), default=1)

    def _set(self) -> None:
        """Let schedulers set the rate of the next epoch."""
        for one in self.watching:
            about = one.about
            if about.kind != SCHEDULER or self.epoch >= len(about.rates):
                continue
            if not about.relative:
                self.rate = _shaped(self.begun, about.rates[self.epoch], about.peak)
            elif about in FUNCTIONS:
                self.rate = _single(FUNCTIONS[about](self.epoch, self.rate))


def _shaped(begun: float, rate: float, peak: float) -> float:
    """Return a scheduler's rate in a training whose own rate takes the place of the peak."""
    return _single(rate) if begun == _single(peak) else _single(begun * (rate / peak))


def _single(value: float) -> float:
    if abs(value) > LARGEST:
        return math.copysign(math.inf, value)
    return float(struct.unpack("f", struct.pack("f", value))[0])


def follow(callbacks: Sequence[CallbackRecord], curves: Curves, rate: float = 1.0) -> "Follower":
    """Return callbacks that have seen a whole curve."""
    found = Follower(callbacks, rate)
    for values in _rows(callbacks, curves):
        found.see(values)
    return found


def best_epoch(callbacks: Sequence[CallbackRecord], curves: Curves) -> int:
    """Return the epoch, counted from 1, whose weights a training with this curve gives; 0: the
    last one's. It is asked often, so it is remembered."""
    keepers = tuple(_keepers(callbacks))
    rows = tuple(tuple(values.items()) for values in _rows(keepers, curves))
    return _best_epoch(keepers, rows)


@lru_cache(maxsize=10_000)
def _best_epoch(
    keepers: tuple[CallbackRecord, ...], rows: tuple[tuple[tuple[str, float], ...], ...]
) -> int:
    found = Follower(keepers)
    for values in rows:
        found.see(dict(values))
    return found.best


def rates(callbacks: Sequence[CallbackRecord], curves: Curves, rate: float) -> list[float]:
    """Return the learning rate of each epoch of a curve, in a training that began with `rate`."""
    follower, found = Follower(callbacks, rate), []
    for values in _rows(callbacks, curves):
        found.append(follower.rate)
        follower.see(values)
    return found


def _rows(callbacks: Sequence[CallbackRecord], curves: Curves) -> Iterator[dict[str, float]]:
    """Yield the values of each epoch that callbacks look at."""
    every = {
        **curves.metrics,
        "loss": curves.validation_loss,
        "training_loss": curves.training_loss,
    }
    known = {name: every.get(name, ()) for name in monitors(callbacks)}
    for epoch in range(len(curves.epoch)):
        yield {name: values[epoch] for name, values in known.items() if epoch < len(values)}
