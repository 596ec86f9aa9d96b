"""A digest of data, by which a study that goes on knows that it is the same.

Arrays in memory are told by all values, rows on disk by some of them, streams by their first batch.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Tree
from steepest.data.stream import Data, Stream
from steepest.hashing import Reader, digest, digest_array

SAMPLED_ROWS = 1000  # of arrays on disk
ROWS_AT_ONCE = 16  # as a row may be large


def digest_data(
    data: Data, class_weight: Mapping[Any, Any] | None = None, *, lengths_vary: bool
) -> str:
    """Return a digest of a set; `lengths_vary` where a stream's batches are of several shapes."""
    if not isinstance(data, Stream):
        return digest(*(_tree(part) for part in data))
    # In arrays, the weights of classes are sample weights already.
    weighed = Reader().read(class_weight)
    if data.rows is not None:
        return digest(*(_tree(part) for part in data.rows), weighed)
    shapes = arrays.shapes(data.first)
    cut: list[Any] = [
        (name, len(shape) if lengths_vary else shape, kind) for name, shape, kind in shapes
    ]
    return digest("stream", data.kind, data.steps, cut, weighed)


def _tree(tree: Tree) -> Any:
    found = []
    for name, array in arrays.leaves(tree, "").items():
        if isinstance(array, np.ndarray):
            found.append((name, digest_array(array)))
            continue
        count = len(array)
        places = np.unique(np.linspace(0, count - 1, min(count, SAMPLED_ROWS)).astype(np.int64))
        sample = [
            digest_array(np.asarray(array[places[i : i + ROWS_AT_ONCE]]))
            for i in range(0, len(places), ROWS_AT_ONCE)
        ]
        found.append((name, tuple(array.shape), str(array.source.dtype), sample))
    return found
