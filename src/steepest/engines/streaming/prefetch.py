"""A stream read ahead in a thread of its own: batches arrive on the device while it computes.

Batches of one shape travel together in a block, as a call of a program costs about as much as a
step of a small model. Arrays that a streamed task has beside its stream are on the device once.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.data.disk import rows_stream
from steepest.data.stream import Data, Stream

BLOCK_BYTES = 2**22  # what the batches of a block take at most, where there is more than one
BLOCK_BATCHES = 64
AHEAD = 2  # blocks that wait on the device, besides the one in use and the one being read
POLL_SECONDS = 0.1  # how soon a reader notices that it is no longer wanted


@dataclass(frozen=True)
class Block:
    """Batches of one shape on the device: arrays `[length, examples, ...]`, of which `count` are
    real."""

    batches: Batch
    count: int
    examples: int  # in all real batches
    last: bool  # of its epoch


def block_length(batch: Batch, steps: int) -> int:
    """Return how many batches like `batch` travel together, of `steps` an epoch."""
    size = sum(int(array.nbytes) for array in jax.tree.leaves(batch))
    return max(1, min(BLOCK_BATCHES, steps, BLOCK_BYTES // max(1, size)))


def make_block(some: list[Batch], length: int, last: bool) -> Block:
    """Put batches of one shape on the device, with room for `length`."""

    def stacked(*parts: Any) -> Any:
        # New memory each time, as JAX may use it in place.
        made = np.zeros((length, *parts[0].shape), parts[0].dtype)
        for i, part in enumerate(parts):
            made[i] = part
        return made

    batches = jax.device_put(jax.tree.map(stacked, *some))
    count = len(some)
    return Block(batches, count, count * jax.tree.leaves(some[0])[0].shape[0], last)


def blocks_of(batches: Iterator[Batch], first: Batch, steps: int) -> Iterator[Block]:
    """Group `batches`, of `steps` an epoch, into blocks; those unlike `first` travel alone."""
    usual, length = _shape(first), block_length(first, steps)
    some: list[Batch] = []
    for number, batch in enumerate(batches, start=1):
        last = number % steps == 0
        alike = _shape(batch) == usual
        if some and not alike:
            yield make_block(some, length, False)
            some = []
        some.append(batch)
        if last or not alike or len(some) == length:
            yield make_block(some, length if alike else 1, last)
            some = []


def _shape(batch: Batch) -> Any:
    return [array.shape for array in jax.tree.leaves(batch)]


@contextmanager
def ahead(
    stream: Stream, seed: int, epoch: int, stop: int, heed: Callable[[], None]
) -> Iterator[Iterator[Block]]:
    """Give the blocks of those epochs, read in a thread that ends with the context.

    What reading raises is raised where the next block is asked for. `heed` is called for each
    block and while there is none; it may raise.
    """
    waiting: queue.Queue[Block | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()

    def put(item: Block | BaseException | None) -> bool:
        while not left.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=POLL_SECONDS)
                return True
        return False

    def read() -> None:
        try:
            batches = stream.read(seed, epoch, stop)
            try:
                for block in blocks_of(batches, stream.first, stream.steps):
                    if not put(block):
                        return
            finally:
                batches.close()  # type: ignore[attr-defined]
            put(None)
        except BaseException as error:
            put(error)

    def found() -> Iterator[Block]:
        while True:
            heed()
            try:
                item = waiting.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    # A daemon, so that a source that hangs does not keep Python from ending.
    thread = threading.Thread(target=read, name="steepest-reader", daemon=True)
    thread.start()
    try:
        yield found()
    finally:
        left.set()
    thread.join()  # not after Ctrl-C or an error; else the source is free for the next reading


class Examples:
    """Data that is only measured: arrays are on the device once, a stream is read each time."""

    def __init__(self, data: Data, batch_size: int) -> None:
        self.stream = data if isinstance(data, Stream) else None
        self.parallel = self.stream is None or self.stream.parallel
        self.held = () if isinstance(data, Stream) else tuple(_held(data, batch_size))
        self.usual = self.held if self.stream is None else tuple(usual_blocks(self.stream))

    @contextmanager
    def blocks(self, heed: Callable[[], None]) -> Iterator[Iterator[Block]]:
        """Give all blocks, in order; `heed` is called while they are waited for."""
        if self.stream is None:
            yield iter(self.held)
            return
        with ahead(self.stream, 0, 0, 1, heed) as blocks:
            yield blocks


def usual_blocks(stream: Stream) -> list[Block]:
    """Return blocks of the shapes that an epoch surely has, with examples of the first batch."""
    found = [make_block([stream.first], block_length(stream.first, stream.steps), False)]
    rest = stream.examples % stream.batch_size
    if rest:
        found.append(make_block([arrays.rows(stream.first, slice(0, rest))], 1, True))
    return found


def shuffled_arrays(data: Batch, batch_size: int, shuffle: bool = True) -> Stream:
    """Return arrays in memory as a stream, for tasks of which another part is one."""
    kinds = [array.dtype for array in arrays.leaves(data[0], "x").values()]
    floatx = next((kind.name for kind in kinds if kind.kind == "f"), "float32")
    return rows_stream(data, "training data", floatx, batch_size, shuffled=shuffle)


def _held(data: Batch, batch_size: int) -> list[Block]:
    """Return arrays as blocks on the device: of all full batches, and of what remains."""
    size = arrays.size(data)
    batch_size = min(size, batch_size)
    places = range(0, size, batch_size)
    full = [arrays.rows(data, slice(i, i + batch_size)) for i in places[: size // batch_size]]
    found = [make_block(full, len(full), size % batch_size == 0)]
    if size % batch_size:
        found.append(make_block([arrays.rows(data, slice(places[-1], size))], 1, True))
    return found
