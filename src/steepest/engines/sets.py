"""What trained weights are measured on at the end: the training, validation and test set."""

from collections.abc import Mapping

import numpy as np

from steepest.tasks import arrays
from steepest.tasks.fitted import FitTask
from steepest.tasks.stream import Data, Stream
from steepest.tasks.task import Task

MOST = 10_000  # training examples that are measured; more would cost like training does
SETS = ("training", "validation", "test")


def sets_of(task: Task | FitTask) -> Mapping[str, Data]:
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
            batch = arrays.rows(batch, np.linspace(0, count - 1, MOST).astype(np.int64))
        found["training"] = batch
    return found
