"""One trial: its configuration, its learning curve, how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from steepest.spaces import Value


class Outcome(Enum):
    """How a trial ended, as a sentence."""

    FINISHED = "trained to the end"  # or to where its callbacks ended it
    HALVED = "stopped at half the epochs, where other trials were ahead"
    SHORT = "trained to the end of a schedule of half the epochs"
    DIVERGED = "stopped because the loss was no longer a finite number; try a lower learning rate"
    EXPLODED = (
        "stopped at half the epochs, where its loss was more than a thousand times what trials "
        "begin with; try a lower learning rate"
    )
    CONSTANT = (
        "stopped at half the epochs, where its loss had never changed; try a higher learning rate, "
        "and see whether gradients reach the weights"
    )
    FAILED = "stopped because the model raised an error with this configuration"
    UNFINISHED = "was still in training when the study file was last written"


class Stage(Enum):
    """What a trial was for."""

    SEARCH = "search"  # to find an optimizer's good configurations
    REPEAT = "repeat"  # in files before format 3: a finisher once more, from a second seed
    CONFIRM = "confirm"  # to measure the best one on fresh seeds
    SWEEP = "sweep"  # the best one with a higher or lower learning rate, on the same fresh seeds
    DEFAULT = "default"  # the framework's defaults, on the same fresh seeds


@dataclass(frozen=True)
class Config:
    """One configuration: with the task, all that a training run depends on."""

    rule: str
    dialect: str
    hyperparameters: Mapping[str, Value]
    schedule: str
    seed: int  # of the weights, the data order and dropout

    @property
    def choices(self) -> dict[str, Value]:
        """The flags, words and whole numbers, which change the formula and so the program."""
        return {k: v for k, v in self.hyperparameters.items() if not isinstance(v, float)}

    @property
    def numbers(self) -> dict[str, float]:
        """The hyperparameters that may differ from member to member of one program."""
        return {k: v for k, v in self.hyperparameters.items() if isinstance(v, float)}

    @property
    def unseeded(self) -> tuple[object, ...]:
        """All but the seed, to compare by."""
        return self.rule, self.dialect, self.schedule, sorted(self.hyperparameters.items())


@dataclass(frozen=True)
class Curves:
    """A trial's learning curve: one entry an evaluation, which is at the end of each epoch.

    `training_loss` is the mean over the epoch's batches while the weights moved, as Keras prints
    it; `validation_loss` and `metrics` are over the whole validation set at the epoch's end.
    """

    epoch: tuple[int, ...] = ()
    step: tuple[int, ...] = ()
    training_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __add__(self, later: "Curves") -> "Curves":
        return Curves(
            self.epoch + later.epoch,
            self.step + later.step,
            self.training_loss + later.training_loss,
            self.validation_loss + later.validation_loss,
            {name: self.metrics.get(name, ()) + values for name, values in later.metrics.items()},
        )

    def upto(self, epochs: int) -> "Curves":
        """Return the curve as it was after so many evaluations."""
        return Curves(
            self.epoch[:epochs],
            self.step[:epochs],
            self.training_loss[:epochs],
            self.validation_loss[:epochs],
            {name: values[:epochs] for name, values in self.metrics.items()},
        )


@dataclass(frozen=True)
class Trial:
    """One configuration, its curve, its outcome, its cost."""

    number: int
    optimizer: str  # the contestant's name
    stage: Stage
    config: Config
    curves: Curves = field(default_factory=Curves)
    outcome: Outcome = Outcome.UNFINISHED
    seconds: float = 0.0  # of training and evaluation, compiling not counted
    # Loss and metrics of the weights at the end, of confirmed trials: on the test set, and on the
    # training set, where the curve has the mean over an epoch in which the weights moved.
    test: Mapping[str, float] | None = None
    training: Mapping[str, float] | None = None
    reason: str = ""  # of a trial that failed, the error in a sentence

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.curves.epoch)

    def stopped_early(self, epochs: int) -> bool:
        """Whether callbacks ended it before so many epochs."""
        return self.outcome is Outcome.FINISHED and self.epochs < epochs

    @property
    def lost(self) -> bool:
        """Whether it diverged or failed, and so gave nothing to compare by."""
        return self.outcome in (Outcome.DIVERGED, Outcome.FAILED)

    def watched(self, name: str) -> tuple[float, ...]:
        """Return the validation loss ("loss") or a metric, one value an evaluation."""
        return self.curves.validation_loss if name == "loss" else self.curves.metrics.get(name, ())
