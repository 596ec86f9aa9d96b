"""Arrays on disk, read a batch of rows at a time: NumPy's memmaps, and what h5py and zarr have."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Batch, Tree
from steepest.data.order import epoch_order
from steepest.data.stream import Stream, as_stream_batch
from steepest.errors import TaskError

# What takes less is read into memory once and lives on the device, where it is faster. More could
# need the same again while it is converted, and there may be no device to hold it.
MEMORY_BYTES = 2**30


@dataclass(frozen=True)
class Rows:
    """The rows of an array on disk from `start` to before `stop`, read when they are asked for."""

    source: Any
    start: int
    stop: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, of which the first is the number of rows."""
        return (len(self), *self.source.shape[1:])

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: Any) -> Any:
        """Return fewer `Rows` for a slice, and the rows themselves for an array of places."""
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return Rows(self.source, self.start + start, self.start + stop)
        # In the order of the disk, which h5py insists on.
        ascending = np.argsort(index, kind="stable")
        source = getattr(self.source, "oindex", self.source)  # zarr's way to say rows
        found = np.asarray(source[index[ascending] + self.start])
        rows = np.empty_like(found)
        rows[ascending] = found
        return rows


def is_on_disk(array: Any) -> bool:
    """Whether `array` is on disk and read when it is sliced."""
    package = type(array).__module__.split(".")[0]
    return isinstance(array, np.memmap) or (package in ("h5py", "zarr") and hasattr(array, "shape"))


def is_large(data: Any) -> bool:
    """Whether the arrays of `data` that are on disk take more than memory should hold of them."""
    found = [one for tree in data for one in arrays.leaves(tree, "").values() if is_on_disk(one)]
    return sum(int(np.prod(one.shape)) * int(one.dtype.itemsize) for one in found) > MEMORY_BYTES


def open_rows(data: tuple[Tree, Tree, Tree], name: str, floatx: str) -> Batch:
    """Return x, y and sample_weight with `Rows` for arrays on disk, and checked arrays else.

    Raises:
        TaskError: they do not hold the same number of examples.
    """
    prefix = arrays.prefix_of(name)

    def rows(key: str, one: Any, finite: bool) -> Any:
        if not is_on_disk(one):
            return arrays.as_arrays(one, key, floatx, finite=finite, copy=True)
        if not one.shape or not one.shape[0]:
            raise TaskError(f"{key} has shape {one.shape}, but must hold at least one example")
        return Rows(one, 0, one.shape[0])

    x, y, weight = (
        arrays.map_arrays(partial(rows, finite=part != "y"), tree, f"{prefix}{part}")
        for tree, part in zip(data, ("x", "y", "sample_weight"), strict=True)
    )
    arrays.check_sizes((x, y, weight), prefix)
    return x, y, weight


def rows_stream(data: Batch, name: str, floatx: str, batch_size: int, *, shuffled: bool) -> Stream:
    """Return batches of `data`, arrays or `Rows`, as `fit` would cut them.

    Shuffled by seed and epoch in the order that arrays in memory would be met in.

    Raises:
        TaskError: the first examples are no finite numbers.
    """
    size = arrays.size(data)
    batch_size = min(batch_size, size)
    steps = -(-size // batch_size)

    def batches(seed: int, epoch: int) -> Iterator[Batch]:
        for now in itertools.count(epoch):
            order = epoch_order(seed, now, size) if shuffled else np.arange(size)
            for step in range(steps):
                yield arrays.rows(data, order[step * batch_size : (step + 1) * batch_size])

    first = arrays.rows(data, np.arange(batch_size))
    return Stream(
        name=name,
        steps=steps,
        batch_size=batch_size,
        examples=size,
        first=as_stream_batch(first, name, floatx, finite=True),
        open=batches,
        floatx=floatx,
        by_seed=shuffled,
        parallel=True,
        kind="rows",
        rows=data,
    )
