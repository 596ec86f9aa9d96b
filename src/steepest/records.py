"""The nouns: frozen dataclasses that go into the study file and come back unchanged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from steepest.spaces import Value

FORMAT_VERSION = 5  # of the study file and of the JSON output; see docs/how-it-works.md


class Outcome(Enum):
    """How a trial ended, as a sentence."""

    FINISHED = "trained to the end"
    HALVED = "stopped at a rung, where other trials were ahead"
    SHORT = "trained to the end of a schedule as long as its rung"
    DIVERGED = "stopped because the loss was no longer a finite number; try a lower learning rate"
    EXPLODED = (
        "stopped at a rung, where its loss was more than a thousand times what trials begin with; "
        "try a lower learning rate"
    )
    CONSTANT = (
        "stopped at a rung, where its loss had never changed; try a higher learning rate, and see "
        "whether gradients reach the weights"
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


@dataclass(frozen=True)
class Parameter:
    """What is known of one weight array without its values."""

    path: str  # such as "dense_1/kernel"
    shape: tuple[int, ...]
    role: str  # one of ROLES


# A head is a kernel that makes the model's output. Biases and the scales and shifts of
# normalization are not decayed; what has fewer than two axes and no known layer is "other".
ROLES = ("kernel", "head", "embedding", "bias", "norm", "other")


@dataclass(frozen=True)
class Population:
    """Many configurations of one rule, dialect, schedule and choices, as arrays.

    What is compiled once, trained together and shipped to a worker. `numbers` maps each
    hyperparameter to float64 `[members]`; `seeds` is int64 `[members]`.
    """

    rule: str
    dialect: str
    schedule: str
    choices: Mapping[str, Value]
    numbers: Mapping[str, np.ndarray[Any, Any]]
    seeds: np.ndarray[Any, Any]

    @classmethod
    def of(cls, configs: Sequence[Config]) -> "Population":
        """Stack `configs`, which must agree in all but numbers and seed."""
        first = configs[0]
        names = list(first.numbers)
        return cls(
            first.rule,
            first.dialect,
            first.schedule,
            first.choices,
            {n: np.array([c.numbers[n] for c in configs], np.float64) for n in names},
            np.array([c.seed for c in configs], np.int64),
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def config(self, member: int) -> Config:
        """Return the configuration of one member."""
        numbers = {name: float(values[member]) for name, values in self.numbers.items()}
        values = {**self.choices, **numbers}
        return Config(self.rule, self.dialect, values, self.schedule, int(self.seeds[member]))

    def take(self, members: "Sequence[int] | np.ndarray[Any, Any]") -> "Population":
        """Return the population of those members alone."""
        index = np.asarray(members, np.int64)
        numbers = {name: values[index] for name, values in self.numbers.items()}
        return Population(
            self.rule, self.dialect, self.schedule, self.choices, numbers, self.seeds[index]
        )


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

    @property
    def lost(self) -> bool:
        """Whether it diverged or failed, and so gave nothing to compare by."""
        return self.outcome in (Outcome.DIVERGED, Outcome.FAILED)

    def watched(self, name: str) -> tuple[float, ...]:
        """Return the validation loss ("loss") or a metric, one value an evaluation."""
        return self.curves.validation_loss if name == "loss" else self.curves.metrics.get(name, ())


@dataclass(frozen=True)
class TaskFacts:
    """What is known of a task without its arrays."""

    name: str
    loss: str
    metrics: tuple[str, ...]
    parameters: int
    training_examples: int
    validation_examples: int
    test_examples: int
    epochs: int
    batch_size: int
    notes: tuple[str, ...] = ()
    weights: tuple[Parameter, ...] = ()  # each trainable array; empty in files of format 1
    # Of the metrics whose class says so, whether larger is better ("up") or smaller ("down").
    directions: Mapping[str, str] = field(default_factory=dict)
    # A digest of each part: "model", "training data", ...; what is the same has the same.
    fingerprint: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, the last of which may be smaller."""
        return -(-self.training_examples // self.batch_size)

    @property
    def steps(self) -> int:
        """Batches in a full training, over which a schedule runs."""
        return self.steps_per_epoch * self.epochs


@dataclass(frozen=True)
class Settings:
    """What a person asked for, all of it: with the task, enough to repeat the study."""

    trials: int  # configurations explored for each optimizer
    seeds: int  # confirmed runs for each optimizer, at most
    seed: int
    schedule: str
    rungs: tuple[int, ...]  # epochs after which a part of the trials goes on
    dialect: str = "keras"  # whose arithmetic and defaults the tuned numbers have
    survivors: tuple[int, ...] = ()  # how many go on after each rung but the last
    refined: tuple[int, ...] = ()  # how many new ones start then, where the best are expected
    own_horizon: bool = False  # whether a schedule's end is the rung, and trials start anew there
    race: bool = False  # whether seeds are added only for those between which it is still open
    full_trainings: float | None = None  # that the whole study may cost
    seconds: float | None = None  # of wall time that it may take
    decides: str = "loss"  # the validation loss, or the metric that decides
    maximize: bool = False  # whether larger is better
    at: str = "end"  # of training, or "best": at the best epoch
    practical: float = 0.0  # the relative difference that would matter
    sweep: int = 0  # learning rates on either side of the best, within a decade, trained in full

    def value(self, trial: Trial) -> float:
        """Return what decides, in its own unit; NaN without an evaluation, or if it was lost."""
        values = trial.watched(self.decides)
        if trial.lost or not values:
            return float("nan")
        best = max if self.maximize else min
        return values[-1] if self.at == "end" else best(values, key=_known(self.maximize))

    def score(self, trial: Trial) -> float:
        """Return what trials are compared by: lower is better, infinite where there is nothing."""
        value = self.value(trial)
        return float("inf") if value != value else -value if self.maximize else value


def _known(maximize: bool) -> Callable[[float], float]:
    """Return a key by which NaN is never the best."""
    worst = float("-inf") if maximize else float("inf")
    return lambda value: worst if value != value else value


@dataclass(frozen=True)
class Study:
    """A whole comparison: what was asked, what was done. What it means is for `measures` to say."""

    task: TaskFacts
    settings: Settings
    optimizers: Mapping[str, Mapping[str, Any]]  # name → rule, fixed, space
    versions: Mapping[str, str]
    hardware: Mapping[str, str]
    started: str
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0  # wall time from start to end, compiling counted
    compile_seconds: float = 0.0
    finished: bool = False  # whether there is a verdict
    complete: bool = False  # whether nothing is left to do, measures beside the verdict too
    stopped: str = ""  # what cut the study short, if something did
    # Loss and metrics on the validation set before any training, of the first seed that confirms.
    initial: Mapping[str, float] = field(default_factory=dict)
    # Of the update alone, a repetition each; for optimizers of which a run was confirmed.
    update_seconds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    # What the command line was asked, from which `steepest resume` asks again; empty from Python.
    asked: Mapping[str, Any] = field(default_factory=dict)
    resumed: tuple[str, ...] = ()  # a sentence for each time that it went on after a stop

    def confirmed(self, optimizer: str) -> tuple[Trial, ...]:
        """Return the trials of `optimizer` on fresh seeds, in order of seed."""
        trials = (t for t in self.trials if t.optimizer == optimizer and t.stage is Stage.CONFIRM)
        return tuple(sorted(trials, key=lambda t: t.config.seed))

    @property
    def full_trainings(self) -> float:
        """What all trials cost, in trainings of the whole number of epochs."""
        return sum(trial.epochs for trial in self.trials) / self.task.epochs


def facts_to_dict(facts: TaskFacts | Settings) -> dict[str, Any]:
    """Return a record of plain values as a dictionary."""
    return asdict(facts)
