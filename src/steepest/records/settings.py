"""What a person asked for, and what was planned for it; what decides, and how much matters."""

from collections.abc import Callable
from dataclasses import dataclass

from steepest.records.callbacks import CallbackRecord, best_by, best_epoch
from steepest.records.trials import Trial


@dataclass(frozen=True)
class Settings:
    """What a person asked for, all of it: with the task, enough to repeat the study."""

    trials: int  # configurations tried for each optimizer, at most; 0: as its trainings allow
    seeds: int  # confirmed runs for each optimizer, at most
    seed: int
    schedule: str
    rungs: tuple[int, ...]  # the lengths of the search's trials, in epochs: a half and the whole
    dialect: str = "keras"  # whose arithmetic and defaults the tuned numbers have
    survivors: tuple[int, ...] = ()  # in files before format 7: how many went on after each rung
    refined: tuple[int, ...] = ()  # alike: how many new ones started then
    own_horizon: bool = False  # whether a schedule ends with the trial, half-length ones too
    race: bool = False  # whether seeds are added only for those between which it is still open
    # What the whole study may cost, in trainings of all epochs, at the least; None: as many as the
    # seeds take.
    full_trainings: float | None = None
    search: float = 0.0  # of them, for the search of one optimizer, at the least
    searched: float = 0.0  # and at the most, where `buys` gives more
    buys: float | None = None  # seconds of training: as many trainings as that, if it is more
    seconds: float | None = None  # of wall time that it may take
    decides: str = "loss"  # the validation loss, or the metric that decides
    maximize: bool = False  # whether larger is better
    at: str = "end"  # of training, or "best": at the best epoch
    practical: float = 0.0  # the difference that would matter, as a share of a loss
    # The same of a metric that goes up to 1, as a share of what is missing to 1; None: of the value
    # itself, as in files before version 0.7.
    practical_errors: float | None = None
    sweep: int = 0  # learning rates on either side of the best, within a decade, trained in full
    callbacks: tuple[CallbackRecord, ...] = ()  # what stops trials or sets their learning rates
    start_lists: int = 1  # the version of the lists that searches started from; 1 in older files

    def place(self, trial: Trial) -> int:
        """Return which evaluation decides, as an index from the end; 0 without one.

        The last one, the best, or the one whose weights a callback keeps (`best_by`).
        """
        values = trial.watched(self.decides)
        if not values or self.at == "end":
            return -1 if values else 0
        if best_by(self.callbacks) is not None:
            kept = best_epoch(self.callbacks, trial.curves)
            return kept - 1 - len(values) if kept else -1
        best, known = max if self.maximize else min, _known(self.maximize)
        return best(range(len(values)), key=lambda i: known(values[i])) - len(values)

    def value(self, trial: Trial) -> float:
        """Return what decides, in its own unit; NaN without an evaluation, or if it was lost."""
        place = self.place(trial)
        return trial.watched(self.decides)[place] if place and not trial.lost else float("nan")

    def matters(self, value: float) -> float:
        """Return the difference that would matter at a value of what decides, in its unit."""
        if self.maximize and self.practical_errors is not None and 0 < value <= 1:
            return self.practical_errors * (1 - value)
        return self.practical * abs(value)

    def margin(self, score: float) -> float:
        """Return the same at a score, as `race` asks for it."""
        return self.matters(-score if self.maximize else score)

    def score(self, trial: Trial) -> float:
        """Return what trials are compared by: lower is better, infinite where there is nothing."""
        value = self.value(trial)
        return float("inf") if value != value else -value if self.maximize else value


def _known(maximize: bool) -> Callable[[float], float]:
    """Return a key by which NaN is never the best."""
    worst = float("-inf") if maximize else float("inf")
    return lambda value: worst if value != value else value


@dataclass(frozen=True)
class Planned:
    """What a study spends, in trainings of all epochs, once the clock was asked."""

    search: float  # for the search of each optimizer
    full_trainings: float | None  # in all; None: as many as the seeds take
    training_seconds: float = 0.0  # that one takes beside others, as measured; 0: not measured
