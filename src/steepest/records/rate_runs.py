"""Short trainings of one optimizer at many learning rates, and a range test beside them."""

from collections.abc import Mapping
from dataclasses import dataclass

from steepest.records.task import TaskFacts
from steepest.records.trials import Config


@dataclass(frozen=True)
class RangeTest:
    """A learning-rate range test: one run in which the rate grows from batch to batch.

    `losses` are the batches' training losses, a rate each, and `smoothed` the same as a moving
    average; the run ends where that is four times its lowest.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    seed: int


@dataclass(frozen=True)
class RateRuns:
    """What was trained: `losses[rate][seed]` is the validation loss at the end, NaN where there is
    none: the run diverged, or the model raised an error."""

    task: TaskFacts
    optimizer: str  # as it was asked for
    config: Config  # its hyperparameters, with the framework's default of the rate
    usual: float  # the framework's default rate
    yours: float | None  # the rate that the person has today, if it is another
    epochs: int  # of each training
    seeds: tuple[int, ...]
    losses: Mapping[float, Mapping[int, float]]
    untrained: float  # the validation loss before any training
    range_test: RangeTest | None
    device: str
    seconds: float  # of all, by the clock
    compile_seconds: float
