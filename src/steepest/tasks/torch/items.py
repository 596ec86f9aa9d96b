"""Map-style data sets, read once into memory where their items are the same each time."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data

from steepest.data.arrays import Tree
from steepest.data.disk import MEMORY_BYTES
from steepest.errors import TaskError
from steepest.tasks.torch.checks import gist
from steepest.tasks.torch.randomness import lent, states
from steepest.tasks.torch.step import filled, leaves_of

TRIED = 64  # items that are read twice, to see whether they are random
SECONDS = 2.0  # that this may take
AT_ONCE = 256  # items that are put together at a time

Collate = Callable[[list[Any]], Any]


def read_items(dataset: Any, collate: Collate, name: str) -> Any | None:
    """Return all items of a data set as one batch, as `collate` puts them together.

    None where that is not what an epoch is: items are random or of several shapes, they are
    put together in a way that depends on their neighbours, or they take much memory.

    Raises:
        TaskError: there are none, or they cannot be read.
    """
    count = len(dataset)
    if count < 1:
        raise TaskError(f"{name}: the {type(dataset).__name__} is empty; give one with examples")
    plain = collate is torch_data.default_collate
    if plain and isinstance(dataset, torch_data.TensorDataset):
        return list(dataset.tensors)
    try:
        if not _same_each_time(dataset, collate, count):
            return None
        with lent(0):
            parts = [
                collate(_fetch(dataset, range(first, min(first + AT_ONCE, count))))
                for first in range(0, count, AT_ONCE)
            ]
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(
            f"{name}: the {type(dataset).__name__} cannot be read: {type(error).__name__}: "
            f"{gist(error)}"
        ) from error
    return _joined(parts)


def _fetch(dataset: Any, places: Sequence[int]) -> list[Any]:
    """Return items as a DataLoader asks for them."""
    several = getattr(dataset, "__getitems__", None)
    if several:
        return list(several(list(places)))
    return [dataset[place] for place in places]


def _same_each_time(dataset: Any, collate: Collate, count: int) -> bool:
    """Whether items, and a batch of them, hold the same numbers whenever they are read."""
    places = np.unique(np.linspace(0, count - 1, min(count, TRIED)).astype(int)).tolist()
    started, known = time.perf_counter(), []
    with lent(0):
        before = states()
        for place in places:
            known.append(_fetch(dataset, [place])[0])
            if time.perf_counter() - started > SECONDS / 2:
                break
        drew = not _alike(before, states())
    if drew:
        return False
    places = places[: len(known)]
    with lent(0):
        alone = _joined([collate([one]) for one in known])
        together = collate(_fetch(dataset, places))
    if alone is None or not _equal(alone, together):
        return False
    size = sum(_bytes(leaf) for leaf in leaves_of(together)) / len(places) * count
    if size > MEMORY_BYTES:
        return False
    with lent(1):
        return _equal(together, collate(_fetch(dataset, places)))


def _joined(parts: list[Tree]) -> Tree | None:
    """Return batches as one; None where their arrays are nested in several ways or shapes."""
    rows = [leaves_of(part) for part in parts]
    kinds = {
        tuple((getattr(one, "shape", ())[1:], str(getattr(one, "dtype", ""))) for one in row)
        for row in rows
    }
    if len(kinds) != 1 or not all(getattr(one, "shape", ()) for row in rows for one in row):
        return None
    columns = [
        torch.cat(some) if isinstance(some[0], Tensor) else np.concatenate(some)
        for some in map(list, zip(*rows, strict=True))
    ]
    return filled(parts[0], iter(columns))


def _equal(a: Tree, b: Tree) -> bool:
    ours, theirs = leaves_of(a), leaves_of(b)
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def _same(a: Any, b: Any) -> bool:
    if not hasattr(a, "shape") or not hasattr(b, "shape"):
        return bool(a == b)
    one, other = torch.as_tensor(a), torch.as_tensor(b)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    there = one == one  # NaN is not
    return bool(((one == other) | ~(there | (other == other))).all())


def _alike(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether nobody drew a random number between two readings of the random states."""
    numpy = zip(before[2], after[2], strict=True)
    return (
        torch.equal(before[0], after[0])
        and before[3] == after[3]
        and all(np.array_equal(one, other) for one, other in numpy)
    )


def _bytes(leaf: Any) -> int:
    return int(getattr(leaf, "nbytes", 0))
