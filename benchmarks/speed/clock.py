"""What was timed: a tool's run of a work, and the stopwatches that fill it."""

import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Run:
    """What one tool needed for one work in one round, as its process tells it."""

    import_seconds: float  # before the clock starts
    seconds: float  # all trials, and all that is done once
    further_seconds: float | None  # of one more trial; None if that cannot be told
    accuracy: dict[int, float]  # of validation, after the last epoch, by trial
    compile_seconds: float | None = None  # part of `seconds`, where the tool tells it
    trial_seconds: list[float] = field(default_factory=list)  # where trials train in turn
    threads: int | None = None  # that PyTorch was given

    @property
    def trials(self) -> int:
        return len(self.accuracy)

    def per_trial(self, count: int) -> float | None:
        """Return the seconds a trial if there were `count`: once-cost + count × further.

        It is what was measured where that many ran. What is done once is what remains of the
        measured time when each trial is charged as a further one.
        """
        if self.trials == count:
            return self.seconds / count
        if self.further_seconds is None:
            return None
        once = max(0.0, self.seconds - self.trials * self.further_seconds)
        return once / count + self.further_seconds

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Run":
        """Return the run that `to_dict` wrote, also after JSON made strings of its keys."""
        accuracy = {int(trial): value for trial, value in found["accuracy"].items()}
        return cls(**{**found, "accuracy": accuracy})


class Stopwatch:
    """Tells the seconds since it was last asked."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self) -> float:
        before, self.last = self.last, time.perf_counter()
        return self.last - before


def further(each: Sequence[float]) -> float | None:
    """Return what a trial took that was not the first."""
    return statistics.fmean(each[1:]) if len(each) > 1 else None


@dataclass
class FitTimes:
    """What a callback saw of many calls of `fit`, one after another."""

    started: float = field(default_factory=time.perf_counter)
    ends: list[float] = field(default_factory=list)
    accuracy: dict[int, float] = field(default_factory=dict)

    def run(self, import_seconds: float, seconds: float) -> Run:
        each = [end - start for start, end in itertools.pairwise([self.started, *self.ends])]
        return Run(import_seconds, seconds, further(each), self.accuracy, trial_seconds=each)


def fit_clock(keras: Any, times: FitTimes) -> Any:
    """Return a callback that writes to `times`, also when it was copied, as KerasTuner does."""

    class FitClock(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            index = int(self.model.name.removeprefix("trial_"))
            times.accuracy[index] = float(logs["val_accuracy"])

        def on_train_end(self, logs: Any = None) -> None:
            times.ends.append(time.perf_counter())

    return FitClock()
