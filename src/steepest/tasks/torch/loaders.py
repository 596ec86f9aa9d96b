"""Loaders as streams: a person's own batches, read once for a whole population.

The random states of the process are lent to the loader while it makes a batch, from a seed for each
epoch: so every optimizer meets the same batches, and the person's own states stay as they were.
"""

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import torch

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.data.stream import MAX_SHAPES, Data, Stream
from steepest.errors import InputError, TaskError
from steepest.tasks.torch.checks import gist
from steepest.tasks.torch.randomness import lent, set_seed, set_states, states

Convert = Callable[[Any, str], Batch]  # a batch, and where it is from, to arrays
LOOKED = 64  # batches whose shapes are looked at
SECONDS = 2.0  # for which they are read
_END = object()


def loader_stream(
    source: Any, name: str, convert: Convert, steps: int | None, label: str
) -> Stream:
    """Return the stream of the batches of `source`: a loader, an iterable or a function.

    Raises:
        TaskError: it has none, cannot be read again, or does not say how many there are.
    """
    kind = type(source).__name__
    if steps is not None:
        arrays.check_counts(**{label: steps})
    if isinstance(source, Iterator):
        raise TaskError(
            f"{name}: a {kind} can be read once, but each population reads the data again; give "
            f"the function that makes it, and {label}"
        )
    length = _length(source)
    count = steps if steps is not None else length
    if count is None:
        raise TaskError(
            f"{name}: the {kind} does not say how many batches it has; give {label}, the number of "
            "batches in an epoch"
        )

    def opened(_seed: int, epoch: int) -> Generator[Any]:
        first, skipped = divmod(epoch * count, length) if length else (0, epoch * count)
        for number in itertools.count(first):
            found = False
            for batch in _batches(source, number):
                found = True
                if skipped:
                    skipped -= 1
                else:
                    yield _trimmed(convert(batch, name))
            if not found:
                return

    try:
        batches = opened(0, 0)
        found = next(batches)
        batches.close()
    except StopIteration:
        raise TaskError(
            f"{name}: the {kind} has no batches; give one that has at least one"
        ) from None
    except InputError:
        raise
    except Exception as error:
        raise TaskError(
            f"{name}: the first batch of the {kind} cannot be read: {type(error).__name__}: "
            f"{gist(error)}"
        ) from error
    first = arrays.as_batch(found, f"{name}, first batch")
    size = arrays.size(first)
    return Stream(
        name=name,
        steps=int(count),
        batch_size=size,
        examples=_examples(source, int(count), size),
        first=first,
        open=opened,
        kind=kind,
    )


def too_many_shapes(data: Data, found: Sequence[Batch]) -> str:
    """Return a sentence where `shapes_of` a stream are more than are compiled, else ""."""
    if not isinstance(data, Stream) or len(found) <= MAX_SHAPES:
        return ""
    return f"batches of {data.name} have more than {MAX_SHAPES} shapes, and each would be compiled"


def shapes_of(stream: Stream) -> list[Batch]:
    """Return a batch of each shape, among as many as can be looked at; one too many is enough.

    What remains of an epoch is among them, as far as the number of examples tells it.
    """
    found = {arrays.shapes(stream.first): stream.first}
    started = time.perf_counter()
    any_shapes = replace(stream, most=None, shapes=set())
    with closing(any_shapes.read(0, 0)) as batches:  # type: ignore[type-var]
        for batch in itertools.islice(batches, LOOKED):
            found.setdefault(arrays.shapes(batch), batch)
            if len(found) > MAX_SHAPES or time.perf_counter() - started > SECONDS:
                return list(found.values())
    rest = stream.examples % stream.batch_size
    if rest and stream.steps > LOOKED:
        cut = arrays.rows(stream.first, slice(0, rest))
        found.setdefault(arrays.shapes(cut), cut)
    return list(found.values())


def any_shape(data: Data) -> Data:
    """Return data whose batches may have any number of shapes, for who compiles nothing."""
    return replace(data, most=None) if isinstance(data, Stream) else data


def _trimmed(batch: Batch) -> tuple[Any, ...]:
    """Return a batch as a source gives it, without y where there is none."""
    return batch[:1] if batch[1] is None else batch[:2]


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # a function, a loader of an IterableDataset
        return None


def _batches(source: Any, number: int) -> Iterator[Any]:
    """Yield the batches of one pass, which is the same whenever it is read again."""
    makers = _generators(source)
    with lent():
        before = [one.get_state() for one in makers]
        set_seed(number)
        for one in makers:
            one.manual_seed(number)
        batches = _iterator(source)
        mine, after = states(), [one.get_state() for one in makers]
        _set(makers, before)
    while True:
        with lent():
            before = [one.get_state() for one in makers]
            set_states(mine)
            _set(makers, after)
            try:
                batch = next(batches, _END)
            finally:
                mine, after = states(), [one.get_state() for one in makers]
                _set(makers, before)
        if batch is _END:
            return
        yield batch


def _set(makers: list[torch.Generator], values: list[Any]) -> None:
    for one, value in zip(makers, values, strict=True):
        one.set_state(value)


def _generators(source: Any) -> list[torch.Generator]:
    """Return the generators that a loader and its samplers draw from."""
    parts = (source, getattr(source, "sampler", None), getattr(source, "batch_sampler", None))
    found = [getattr(part, "generator", None) for part in parts]
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())


def _iterator(source: Any) -> Iterator[Any]:
    if getattr(source, "persistent_workers", False) and hasattr(source, "_get_iterator"):
        found: Iterator[Any] = source._get_iterator()  # not the one that the person goes through
        return found
    return iter(source if hasattr(source, "__iter__") else source())


def _examples(source: Any, steps: int, batch_size: int) -> int:
    """Return how many examples an epoch has, as far as that is known without reading them."""
    try:
        found = len(source.sampler)
    except (AttributeError, TypeError):
        return steps * batch_size
    return int(found) if -(-found // batch_size) == steps else steps * batch_size
