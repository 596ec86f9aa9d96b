"""A stream read ahead in a thread of its own: batches arrive on the device while it computes.

Batches of one shape travel together in a block, as a call of a program costs about as much as a
step of a small model.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steepest.tasks.stream import Stream
from steepest.tasks.task import Batch

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
