"""What trained weights are measured on at the end: the sets, and parts of validation."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from steepest.data import arrays
from steepest.data.stream import Data, Stream
from steepest.records import TaskFacts

MOST = 10_000  # training examples that are measured; more would cost like training does
PARTS = 20  # of validation, measured one by one; their spread has 19 degrees of freedom
FEWEST = 2  # examples of a part
FULL = 10  # full batches of validation from which on a part is whole batches


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
    if not isinstance(task.validation, Stream):
        found |= _parts_of(task.validation, task.facts.batch_size)
    return found


def part_name(number: int) -> str:
    """Return the name of a part of the validation set, by its number from 0."""
    return f"part {number + 1} of validation"


def _parts_of(validation: arrays.Batch, size: int) -> Mapping[str, Data]:
    """Return parts of the validation set, none of too few examples: how they differ from each other
    says how other examples would differ.

    Each is of rows that follow each other, as examples of a class or of a time often do: rows
    far apart would be more alike than new ones are. Where there are batches enough, a part is of
    full ones: a model may take no others. Of a large set, a part is the first rows of a twentieth.
    """
    count = arrays.size(validation)
    batches = count // size
    parts = min(PARTS, batches) if batches >= FULL else PARTS
    rows = min(count // parts, MOST // parts)
    if batches >= FULL and rows >= size:
        rows = rows // size * size
    if rows < FEWEST:
        return {}
    firsts = [count // parts * i for i in range(parts)]
    return {
        part_name(i): arrays.rows(validation, slice(first, first + rows))
        for i, first in enumerate(firsts)
    }
