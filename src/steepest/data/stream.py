"""Streams: data that is read batch by batch, as it is too large or generated.

A stream says how many batches an epoch has, and reads them for a seed, from one epoch to another.
Where the order is ours (arrays on disk, a `PyDataset`), `by_seed` is True and the order is that of
`epoch_order`. Other streams order themselves, and any seed is given the same.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.errors import InputError, TaskError

# Each shape of a batch is compiled. A full one and a smaller last one are two; lengths that are
# padded to a few sizes make a few more. A stream with more compiles instead of training.
MAX_SHAPES = 4


@dataclass(frozen=True)
class Stream:
    """Batches `(x, y, sample_weight)`, each nested NumPy arrays `[examples, ...]`.

    `open(seed, epoch)` gives what is in the source from the first batch of `epoch` on, without
    end or until the source has no more; `read` cuts and checks it.
    """

    name: str  # as a person knows it, for errors
    steps: int  # batches an epoch
    batch_size: int  # examples in each batch, of which the last of an epoch may have fewer
    examples: int  # an epoch; steps × batch_size where the source does not say
    first: Batch  # a batch as it comes, for its shapes and types
    open: Callable[[int, int], Iterator[Any]]
    floatx: str = "float32"
    by_seed: bool = False  # the order is a function of seed and epoch
    parallel: bool = False  # several threads may read at the same time
    changes: tuple[Callable[[Batch], Batch], ...] = ()  # made to each batch, such as weights
    kind: str = ""  # what class of thing is read
    rows: Batch | None = None  # the arrays on disk that are read, where there are any
    most: int | None = MAX_SHAPES  # shapes of batches that there may be; None: any number
    shapes: set[Any] = field(default_factory=set, compare=False)
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def read(self, seed: int, epoch: int, stop: int | None = None) -> Iterator[Batch]:
        """Read `steps` batches for each of the epochs from `epoch` to before `stop`.

        Epochs count from 0; without `stop` one epoch is read. An epoch's batches can be told by
        counting.

        Raises:
            TaskError: reading fails, ends too early, or gives what is not like the first batch.
        """
        stop = epoch + 1 if stop is None else stop
        with closing(_closable(self.open(seed, epoch))) as batches:
            for now, step in itertools.product(range(epoch, stop), range(self.steps)):
                where = f"{self.name}, batch {step + 1} of epoch {now + 1}"
                try:
                    found = next(batches)
                except StopIteration:
                    raise TaskError(
                        f"{where}: there is no more data, but an epoch was to have {self.steps} "
                        "batches; give fewer as steps_per_epoch or validation_steps"
                    ) from None
                except InputError:
                    raise
                except Exception as error:
                    raise TaskError(
                        f"{where} cannot be read: {type(error).__name__}: {error}"
                    ) from error
                yield self._checked(found, where)

    def changed(self, change: Callable[[Batch], Batch]) -> "Stream":
        """Return the stream with `change` made to each batch."""
        return replace(self, first=change(self.first), changes=(*self.changes, change))

    def _checked(self, found: Any, where: str) -> Batch:
        batch = as_stream_batch(found, where, self.floatx, finite=False)
        for change in self.changes:
            batch = change(batch)
        shape, first = arrays.shapes(batch), arrays.shapes(self.first)
        if [one[::2] for one in shape] != [one[::2] for one in first]:
            raise TaskError(
                f"{where} holds {arrays.said(shape)}, but the first batch {arrays.said(first)}; "
                "all batches must have the same parts and types"
            )
        with self.lock:
            self.shapes.add(shape)
            if self.most is not None and len(self.shapes) > self.most:
                raise TaskError(
                    f"{where} has one more shape, {arrays.said(shape)}; each is compiled, so there "
                    f"may be {self.most}; make batches of one size, and pad to a few lengths"
                )
        return batch


Data = Batch | Stream


def as_stream_batch(found: Any, name: str, floatx: str, *, finite: bool) -> Batch:
    """Return what a source gave, `x`, `(x, y)` or `(x, y, sample_weight)`, as checked arrays."""
    parts = tuple(found) if isinstance(found, list | tuple) else (found,)
    if not 1 <= len(parts) <= 3:
        raise TaskError(f"{name} has {len(parts)} parts, but must be (x, y, sample_weight) at most")
    return arrays.as_batch(parts, name, floatx, finite=finite)


def _closable(iterator: Iterator[Any]) -> Any:
    """Return `iterator` as one that can be closed, which lets a generator clean up."""
    return iterator if hasattr(iterator, "close") else (one for one in iterator)
