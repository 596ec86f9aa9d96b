"""The batches of a person's data as tensors: arrays go to the device once, streams as they come."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from steepest.data import arrays
from steepest.data.stream import Data, Stream
from steepest.tasks.torch.loop_task import LoopTask

Leaves = tuple[Tensor, ...]


class Batches:
    """Gives the batches of one of a task's sets, each with how many examples it holds."""

    def __init__(self, task: LoopTask, data: Data, device: torch.device) -> None:
        self.task, self.data, self.device = task, data, device
        self._all: Leaves | None = None

    def training(self, seed: int, epoch: int) -> Iterator[tuple[Leaves, int]]:
        """Return those of an epoch, in the order that the seed draws."""
        if isinstance(self.data, Stream):
            yield from self._read(self.data, seed, epoch)
            return
        facts = self.task.facts
        order = self.task.order(seed, epoch)
        if facts.drop_last:
            order = order[: facts.steps_per_epoch * facts.batch_size]
        yield from self._rows(order)

    def every(self) -> Iterator[tuple[Leaves, int]]:
        """Return all that there are, in their own order."""
        if isinstance(self.data, Stream):
            yield from self._read(self.data, 0, 0)
            return
        yield from self._rows(np.arange(arrays.size(self.data)))

    def _read(self, stream: Stream, seed: int, epoch: int) -> Iterator[tuple[Leaves, int]]:
        for batch in stream.read(seed, epoch):
            yield self.task.step.tensors(batch, self.device), arrays.size(batch)

    def _rows(
        self, order: np.ndarray[tuple[int], np.dtype[np.integer]]
    ) -> Iterator[tuple[Leaves, int]]:
        if self._all is None:
            assert not isinstance(self.data, Stream)
            self._all = self.task.step.tensors(self.data, self.device)
        places = torch.from_numpy(order.astype(np.int64)).to(self.device)
        # Copies of rows, as a module may write to what it is given.
        for rows in torch.split(places, self.task.facts.batch_size):
            yield tuple(one.index_select(0, rows) for one in self._all), len(rows)
