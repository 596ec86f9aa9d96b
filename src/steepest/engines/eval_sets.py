"""What trained weights are measured on at the end: the training, validation and test set."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from steepest.data import arrays
from steepest.data.stream import Data, Stream
from steepest.records import TaskFacts

MOST = 10_000  # training examples that are measured; more would cost like training does


class Divided(Protocol):
    """A task of any kind, for its data."""

    @property
    def facts(self) -> TaskFacts:
        """What is known of it."""

    @property
    def training(self) -> Data:
        """What weights are trained on."""

    @property
    def validation(self) -> Data:
        """What is measured after each epoch."""

    @property
    def test(self) -> Data | None:
        """What is measured at the end alone."""


def sets_of(task: Divided) -> Mapping[str, Data]:
    """Return the data that can be measured, by name.

    Of large training arrays, rows evenly apart. Training weights are left away where validation has
    none, so that the losses can be compared. A training stream is not read once more.
    """
    found: dict[str, Data] = {"validation": task.validation}
    if task.test is not None:
        found["test"] = task.test
    training = task.training
    if not isinstance(training, Stream):
        weighed = isinstance(task.validation, Stream) or task.validation[2] is not None
        batch = training if weighed else (training[0], training[1], None)
        count = arrays.size(batch)
        if count > MOST:
            # In full batches where training has no others: a model may take no smaller one.
            size = task.facts.batch_size
            most = max(1, MOST // size) * size if count % size == 0 else MOST
            batch = arrays.rows(batch, np.linspace(0, count - 1, most).astype(np.int64))
        found["training"] = batch
    return found
