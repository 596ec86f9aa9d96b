"""What a streamed population meets besides its stream: arrays on the device, and usual shapes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from steepest.engines.prefetch import Block, ahead, block_length, make_block
from steepest.tasks import arrays
from steepest.tasks.disk import rows_stream
from steepest.tasks.stream import Data, Stream
from steepest.tasks.task import Batch


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


def shuffled_arrays(data: Batch, batch_size: int) -> Stream:
    """Return arrays in memory as a stream, for tasks of which another part is one."""
    kinds = [array.dtype for array in arrays.leaves(data[0], "x").values()]
    floatx = next((kind.name for kind in kinds if kind.kind == "f"), "float32")
    return rows_stream(data, "training data", floatx, batch_size, shuffled=True)


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
