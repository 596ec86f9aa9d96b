"""A person's data as PyTorch's users have it: tensors, arrays, a Dataset or a DataLoader.

What fits memory and is the same each time becomes arrays, in the order of `order.py`; what is
random, orders itself or is large becomes a stream of the loader's own batches (`loaders.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import data as torch_data

from steepest.data import arrays, sources
from steepest.data.arrays import Batch, Tree
from steepest.data.stream import Data
from steepest.errors import TaskError
from steepest.tasks.torch.initial_weights import to_array
from steepest.tasks.torch.items import read_items
from steepest.tasks.torch.loaders import loader_stream
from steepest.tasks.torch.step import leaves_of

Types = tuple[torch.dtype, ...]


@dataclass(frozen=True)
class Opened:
    """Data as a task has it, the types that its arrays had in PyTorch, and how it is gone through.

    The types are in the order of `leaves_of`.
    """

    data: Data
    types: Types
    batch_size: int
    shuffle: bool
    drop_last: bool = False


@dataclass(frozen=True)
class Wanted:
    """How data is to be read.

    `paired` batches are (x, y); others are the person's own, whole.
    """

    paired: bool
    batch_size: int
    shuffle: bool


def open_all(
    training: Any,
    y: Any,
    validation: Any,
    test: Any,
    wanted: Wanted,
    *,
    share: float,
    steps: int | None,
    validation_steps: int | None,
) -> tuple[Opened, Data, Data | None]:
    """Return training, validation and test data; `share` of training is for validation without.

    Raises:
        TaskError: something cannot be read, or there is no validation data.
    """
    share = 0.0 if validation is not None else share
    if validation is None and not share:
        raise TaskError(
            "there is no validation data, which is what optimizers are compared on; give "
            "validation_data, as a DataLoader, a Dataset or (x, y), or validation_split=0.2"
        )
    own = open_data(training, y, "training data", wanted, steps)
    if share:
        if not isinstance(own.data, tuple):
            raise TaskError(
                f"validation_split cannot cut a {type(training).__name__} that is read as a "
                "stream; give validation_data"
            )
        cut, cut_off = arrays.split(own.data, share)
        rest: Data = cut_off
        own = Opened(cut, own.types, own.batch_size, own.shuffle, own.drop_last)
    else:
        rest = open_more(validation, "validation_data", wanted, validation_steps)
    more = None if test is None else open_more(test, "test_data", wanted, None)
    return own, rest, more


def open_more(data: Any, name: str, wanted: Wanted, steps: int | None) -> Data:
    """Return what is measured on: the same kinds as training data, in the given order."""
    quiet = Wanted(wanted.paired, wanted.batch_size, shuffle=False)
    return open_data(data, None, name, quiet, steps).data


def open_data(data: Any, y: Any, name: str, wanted: Wanted, steps: int | None) -> Opened:
    """Return one set of data.

    Raises:
        TaskError: it cannot be read.
    """
    prefix = arrays.prefix_of(name)
    if data is None:
        raise TaskError(f"{prefix}there is no data; give tensors, a Dataset or a DataLoader")
    if y is not None:
        if _is_source(data):
            raise TaskError(
                f"{prefix}a {type(data).__name__} brings its targets itself; leave y out"
            )
        return _of_arrays((data, y), name, wanted, steps)
    if isinstance(data, torch_data.IterableDataset):
        data = torch_data.DataLoader(data, batch_size=wanted.batch_size)
    if isinstance(data, torch_data.DataLoader):
        return _of_loader(data, name, wanted, steps)
    if _is_items(data):
        found = read_items(data, torch_data.default_collate, name)
        if found is not None:
            return _of_arrays(found, name, wanted, steps)
        data = torch_data.DataLoader(data, wanted.batch_size, shuffle=wanted.shuffle)
        return _of_loader(data, name, wanted, steps)
    if sources.is_stream(data):
        return _of_stream(data, name, wanted, steps)
    return _of_arrays(data, name, wanted, steps)


def _is_source(data: Any) -> bool:
    return isinstance(data, torch_data.DataLoader | torch_data.Dataset) or _is_items(data)


def _is_items(data: Any) -> bool:
    """Whether this is a map-style data set: items by number, and how many there are."""
    if isinstance(data, list | tuple | Mapping | str | bytes | np.ndarray | Tensor):
        return False
    if hasattr(data, "shape") or hasattr(data, "__array__"):
        return False
    return hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _of_loader(loader: Any, name: str, wanted: Wanted, steps: int | None) -> Opened:
    """Return a loader's examples where their order is one of ours, and else its batches."""
    shuffle = order_of_loader(loader)
    if shuffle and not wanted.shuffle and name == "training data":
        raise TaskError(
            "shuffle=False, but the DataLoader shuffles; leave shuffle out, or give a loader that "
            "does not"
        )
    if shuffle is not None and steps is None:
        found = read_items(loader.dataset, loader.collate_fn, name)
        if found is not None:
            batch, types = as_batch(found, name, wanted.paired)
            size = int(loader.batch_size)
            return Opened(batch, types, size, shuffle, bool(loader.drop_last))
    return _of_stream(loader, name, wanted, steps)


def order_of_loader(loader: Any) -> bool | None:
    """Return whether a loader shuffles; None where its order is neither ours nor the given one."""
    sampler, batches = loader.sampler, loader.batch_sampler
    if isinstance(loader.dataset, torch_data.IterableDataset) or loader.batch_size is None:
        return None
    if type(loader) is not torch_data.DataLoader or type(batches) is not torch_data.BatchSampler:
        return None
    if type(sampler) is torch_data.SequentialSampler:
        return False
    if type(sampler) is not torch_data.RandomSampler or sampler.replacement:
        return None
    return True if sampler.num_samples == len(loader.dataset) else None


def _of_stream(data: Any, name: str, wanted: Wanted, steps: int | None) -> Opened:
    found: dict[str, Types] = {}

    def convert(batch: Any, where: str) -> Batch:
        made, types = as_batch(batch, where, wanted.paired, finite=False)
        found.setdefault("types", types)
        return made

    label = "steps_per_epoch" if name == "training data" else "validation_steps"
    stream = loader_stream(data, name, convert, steps, label)
    return Opened(stream, found["types"], stream.batch_size, wanted.shuffle)


def _of_arrays(data: Any, name: str, wanted: Wanted, steps: int | None) -> Opened:
    if steps is not None:
        label = "steps_per_epoch" if name == "training data" else "validation_steps"
        raise TaskError(f"{label} is for streams; arrays are read to the end, so leave it out")
    batch, types = as_batch(data, name, wanted.paired)
    return Opened(batch, types, wanted.batch_size, wanted.shuffle)


def as_batch(data: Any, name: str, paired: bool, *, finite: bool = True) -> tuple[Batch, Types]:
    """Return a batch, or all examples, as checked arrays, and the types they had in PyTorch.

    Raises:
        TaskError: it is not (x, y) where it is to be, or holds what is no number.
    """
    prefix = arrays.prefix_of(name)
    data = _plain(data)
    if paired and not (isinstance(data, list | tuple) and len(data) == 2):
        parts = f" of {len(data)} parts" if isinstance(data, list | tuple | Mapping) else ""
        raise TaskError(
            f"{prefix}a batch is a {type(data).__name__}{parts}, but loss= needs (x, y); give "
            "step=lambda module, batch: ... in its place, which returns the loss of such a batch"
        )
    x, y = data if paired else (data, None)
    batch = arrays.as_batch((_numpy(x), _numpy(y)), name, finite=finite)
    for key, array in (
        *arrays.leaves(batch[0], "x").items(),
        *arrays.leaves(batch[1], "y").items(),
    ):
        if array.dtype.kind == "O":
            raise TaskError(
                f"{prefix}{key} holds text; turn it into numbers first, as tokenizers do"
            )
    types = (_types(x, batch[0]), _types(y, batch[1]))
    return batch, tuple(leaves_of(types))


def _types(raw: Tree, made: Tree) -> Tree:
    """Return the type of each array in PyTorch, nested as they are."""
    before = arrays.leaves(raw, "")
    return arrays.map_arrays(lambda key, array: _type(before.get(key), array), made, "")


def _plain(tree: Tree) -> Tree:
    """Return nested things with plain tuples and dictionaries: no named ones, nor of a library."""
    if isinstance(tree, Mapping):
        return {key: _plain(one) for key, one in tree.items() if one is not None}
    if isinstance(tree, list | tuple):
        parts = [_plain(one) for one in tree]
        return parts if isinstance(tree, list) else tuple(parts)
    return tree


def _numpy(tree: Tree) -> Tree:
    """Return the tensors among the leaves as arrays."""
    return arrays.map_arrays(
        lambda _, one: _array(one) if isinstance(one, Tensor) else one, tree, ""
    )


def _array(tensor: Tensor) -> Any:
    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        return to_array(tensor)
    return tensor.numpy()


_TYPES: Mapping[str, torch.dtype] = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
}


def _type(raw: Any, array: np.ndarray[Any, Any]) -> torch.dtype:
    """Return the type of an array in PyTorch: floats are single, as arrays of integers are long."""
    if isinstance(raw, Tensor) and not raw.is_floating_point():
        return raw.dtype
    return _TYPES.get(array.dtype.name, torch.int64)
