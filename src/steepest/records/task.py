"""What is known of a task without its arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Parameter:
    """What is known of one weight array without its values."""

    path: str  # such as "dense_1/kernel"
    shape: tuple[int, ...]
    role: str  # one of ROLES
    # The names of Keras' layers that hold it, from the outermost in; paths need not have them.
    layers: tuple[str, ...] = ()


# A head is a kernel that makes the model's output. Biases and the scales and shifts of
# normalization are not decayed; what has fewer than two axes and no known layer is "other".
ROLES = ("kernel", "head", "embedding", "bias", "norm", "other")


@dataclass(frozen=True)
class Trivial:
    """What is reached without learning: one answer for every example, from the training labels."""

    answer: str  # what it is, in words such as "the mean of y"
    values: Mapping[str, float]  # loss and metrics on the validation set, those that are known
    # Of inputs and targets that are numbers, the lowest and highest: of the widest of its columns.
    spans: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    # Whether training is weighed and validation is not: then a model that learns nothing does worse
    # than this answer, so it says nothing of how far one has learnt.
    weighed: bool = False


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
    trivial: Trivial | None = None  # follows from the data, so no two tasks differ by it alone
    shuffle: bool = True  # whether each epoch has an order of its own, or all the given one
    drop_last: bool = False  # whether what remains of an epoch, less than a batch, is left out
    framework: str = "keras"  # whose model it is: "keras" or "torch"

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, the last of which may be smaller."""
        if self.drop_last:
            return self.training_examples // self.batch_size
        return -(-self.training_examples // self.batch_size)

    @property
    def steps(self) -> int:
        """Batches in a full training, over which a schedule runs."""
        return self.steps_per_epoch * self.epochs
