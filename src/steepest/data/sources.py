"""All kinds of data that a person may give, as arrays or as a stream of batches.

Libraries are told by the names of their modules, so that none is imported for its name alone.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.data.disk import is_large, open_rows, rows_stream
from steepest.data.order import epoch_order
from steepest.data.stream import Data, Stream, as_stream_batch
from steepest.errors import TaskError

OWN_ORDER = (
    "the data is a stream that orders itself: optimizers meet the same batches if it gives the "
    "same ones each time it is read from the start"
)
COUNTED = "examples of a stream are counted as full batches"


def open_all(
    training: tuple[Any, Any, Any],
    validation: Any,
    test: Any,
    *,
    share: float,
    floatx: str,
    batch_size: int,
    steps: int | None,
    validation_steps: int | None,
    shuffle: bool = True,
) -> tuple[Data, Data, Data | None]:
    """Return training, validation and test data; `share` of training is for validation without.

    Raises:
        TaskError: something cannot be read, or there is no validation data.
    """
    share = 0.0 if validation is not None else share
    if validation is None and not share:
        raise TaskError(
            "there is no validation data, which is what optimizers are compared on; give "
            "validation_data=(x, y) or validation_split=0.2"
        )
    own, rest = open_data(
        training, "training data", floatx, batch_size, steps, shuffled=shuffle, share=share
    )

    def more(data: Any, name: str, count: int | None) -> Data:
        given = (data, None, None) if is_stream(data) else data
        return open_data(given, name, floatx, batch_size, count, shuffled=False)[0]

    if rest is None:
        rest = more(validation, "validation_data", validation_steps)
    return own, rest, None if test is None else more(test, "test_data", None)


def open_data(
    data: tuple[Any, Any, Any],
    name: str,
    floatx: str,
    batch_size: int,
    steps: int | None,
    *,
    shuffled: bool,
    share: float = 0.0,
) -> tuple[Data, Data | None]:
    """Return x, y and sample_weight as arrays or as a stream, and what `share` cuts off from it.

    x may be a stream by itself; `steps` is how many of its batches are an epoch. Training data is
    to be `shuffled`; a stream that orders itself is not.

    Raises:
        TaskError: the data cannot be read, or what is given beside it does not fit.
    """
    x, y, weight = arrays.parts(data, name)
    label = "steps_per_epoch" if name == "training data" else "validation_steps"
    if is_stream(x):
        if y is not None or weight is not None:
            raise TaskError(
                f"{arrays.prefix_of(name)}x is a {type(x).__name__}, whose batches bring y and "
                "sample_weight; leave those out"
            )
        if share:
            raise TaskError(
                f"validation_split cannot cut a {type(x).__name__}; give validation_data"
            )
        return open_stream(x, name, floatx, steps, label, shuffled=shuffled), None
    if steps is not None:
        raise TaskError(f"{label} is for streams; arrays are read to the end, so leave it out")
    if is_large((x, y, weight)):
        rows = open_rows((x, y, weight), name, floatx)
        own, rest = arrays.split(rows, share) if share else (rows, None)
        opened = rows_stream(own, name, floatx, batch_size, shuffled=shuffled)
        if rest is None:
            return opened, None
        return opened, rows_stream(rest, "validation_data", floatx, batch_size, shuffled=False)
    batch = arrays.as_batch((x, y, weight), name, floatx)
    return arrays.split(batch, share) if share else (batch, None)


def is_stream(x: Any) -> bool:
    """Whether `x` gives batches. What has a shape, lists, tuples and dictionaries are arrays."""
    if x is None or isinstance(x, list | tuple | Mapping | str | bytes | set | np.ndarray):
        return False
    if hasattr(x, "shape") or hasattr(x, "__array__"):
        return False
    return callable(x) or _made_by(x, "keras", "PyDataset") or isinstance(x, Iterable)


def _made_by(x: Any, package: str, *classes: str) -> bool:
    return any(
        base.__module__.split(".")[0] == package and base.__name__ in classes
        for base in type(x).__mro__
    )


def open_stream(
    x: Any, name: str, floatx: str, steps: int | None, label: str, *, shuffled: bool
) -> Stream:
    """Return the stream of the batches of `x`."""
    if steps is not None:
        arrays.check_counts(**{label: steps})
    kind = type(x).__name__
    if isinstance(x, Iterator):
        raise TaskError(
            f"{name}: a {kind} can be read once, but each population reads the data again; give "
            f"the function that makes it, and {label}"
        )
    try:
        length = _length(x)
    except Exception as error:
        raise TaskError(f"{name}: the length of the {kind} cannot be told: {error}") from error
    if length is not None and length < 1:
        raise TaskError(f"{name}: the {kind} has no batches; give one that has at least one")
    count = steps if steps is not None else length
    if count is None:
        raise TaskError(
            f"{name}: a {kind} does not say how many batches it has; give {label}, the number of "
            "batches in an epoch"
        )
    by_seed = shuffled and length is not None and _made_by(x, "keras", "PyDataset")
    opened = _opener(x, length, count, by_seed)
    try:
        batches = opened(0, 0)
        found = next(batches)
        if hasattr(batches, "close"):
            batches.close()
    except StopIteration:
        raise TaskError(
            f"{name}: the {kind} has no batches; give one that has at least one"
        ) from None
    except Exception as error:
        raise TaskError(
            f"{name}: the first batch of the {kind} cannot be read: {type(error).__name__}: {error}"
        ) from error
    first = as_stream_batch(found, f"{name}, first batch", floatx, finite=True)
    size = arrays.size(first)
    return Stream(
        name=name,
        steps=int(count),
        batch_size=size,
        examples=_examples(x, int(count), size),
        first=first,
        open=opened,
        floatx=floatx,
        by_seed=by_seed,
        kind=kind,
    )


def _length(x: Any) -> int | None:
    """Return how many batches `x` has from start to end; None if it is endless or does not say."""
    if _made_by(x, "tensorflow", "DatasetV2"):
        count = int(x.cardinality())
        return count if count >= 0 else None  # -1 is endless, -2 unknown
    if _made_by(x, "keras", "PyDataset"):
        found = x.num_batches
        return None if found is None else int(found)
    try:
        return len(x)
    except TypeError:  # a function, a DataLoader of an IterableDataset
        return None


def _opener(x: Any, length: int | None, steps: int, by_seed: bool) -> Callable[..., Iterator[Any]]:
    """Return what reads `x` from the start of an epoch on, again and again.

    As in `fit`, an epoch of fewer batches than `x` has goes on where the last one ended.
    """
    if _made_by(x, "keras", "PyDataset"):
        passes = _py_dataset(x, length, by_seed)
    elif _made_by(x, "tensorflow", "DatasetV2"):
        passes = _again(lambda: x.as_numpy_iterator())
    elif not hasattr(x, "__iter__"):
        passes = _again(lambda: iter(x()))
    else:
        passes = _again(lambda: iter(x))

    def opened(seed: int, epoch: int) -> Iterator[Any]:
        done, skipped = divmod(epoch * steps, length) if length else (0, epoch * steps)
        return _flat(passes(seed, done), skipped)

    return opened


def _flat(passes: Iterator[Iterator[Any]], skipped: int) -> Iterator[Any]:
    """Yield the batches of one pass after the other, until one has none."""
    for batches in passes:
        found = False
        for batch in batches:
            found = True
            if skipped:
                skipped -= 1
            else:
                yield batch
        if not found:
            return


def _again(make: Callable[[], Iterator[Any]]) -> Callable[[int, int], Iterator[Iterator[Any]]]:
    return lambda _seed, _done: (make() for _ in itertools.count())


def _py_dataset(
    x: Any, length: int | None, by_seed: bool
) -> Callable[[int, int], Iterator[Iterator[Any]]]:
    """Read a `PyDataset` as `fit` does: its batches are shuffled, it is told of epochs."""

    def one(seed: int, number: int) -> Iterator[Any]:
        places: Iterable[int] = itertools.count() if length is None else range(length)
        if by_seed and length is not None:
            places = epoch_order(seed, number, length).tolist()
        x.on_epoch_begin()
        for count, place in enumerate(places, start=1):
            batch = x[place]
            if count == length:  # before the last batch is handed over, as nobody may come again
                x.on_epoch_end()
            yield batch

    return lambda seed, done: (one(seed, number) for number in itertools.count(done))


def _examples(x: Any, steps: int, batch_size: int) -> int:
    """Return how many examples an epoch has, as far as that is known without reading them."""
    full = steps * batch_size
    if _made_by(x, "torch", "DataLoader"):
        try:
            found = len(x.sampler)
        except TypeError:
            return full
        if -(-found // batch_size) == steps:
            return int(found)
    return full


def notes_of(training: Data, *others: Data | None) -> tuple[str, ...]:
    """Return what a report should say of streams."""
    found = []
    if isinstance(training, Stream) and not training.by_seed and training.kind != "rows":
        found.append(OWN_ORDER)
    streams = [one for one in (training, *others) if isinstance(one, Stream)]
    if any(not one.parallel and one.examples == one.steps * one.batch_size for one in streams):
        found.append(COUNTED)
    return tuple(found)


def examples_of(data: Data | None) -> int:
    """Return the number of examples, 0 without any."""
    if data is None:
        return 0
    return data.examples if isinstance(data, Stream) else arrays.size(data)


def sample_of(data: Data, batch_size: int | None = None) -> Batch:
    """Return the first batch of a stream; of arrays `batch_size` examples, or all."""
    if isinstance(data, Stream):
        return data.first
    return data if batch_size is None else arrays.rows(data, slice(0, batch_size))


def change(data: Data, function: Callable[[Batch], Batch]) -> Data:
    """Return `data` with `function` done to it, or to each batch."""
    return data.changed(function) if isinstance(data, Stream) else function(data)
