"""The batch sizes of each set, and whether the model takes all of them.

A model may take one size alone (a stateful layer, a layer that groups the batch), and weights may
fit a training set but not the test set: both is asked before anything is trained.
"""

from typing import Any

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.data.stream import Data, Stream
from steepest.errors import TaskError
from steepest.tasks.keras.checks import cannot, check_weights_fit, gist
from steepest.tasks.task import Task


def batches_of(data: Data, size: int) -> list[Batch]:
    """Return a batch of each size that the data is cut into: a full one, and what remains."""
    if isinstance(data, Stream):
        rest = data.examples % data.batch_size
        return [data.first, *([arrays.rows(data.first, slice(0, rest))] if rest else [])]
    count = arrays.size(data)
    full = min(size, count)
    rest = count % full
    last = [arrays.rows(data, slice(count - rest, None))] if rest else []
    return [arrays.rows(data, slice(0, full)), *last]


NAMES = ("", "validation_data: ", "test_data: ")  # what messages about each set begin with


def check_batches(jax: Any, task: Task, first: Batch) -> None:
    """Trace the evaluation of every batch of a shape that was not traced; `first` was.

    Raises:
        TaskError: the model cannot take one.
    """
    size = task.facts.batch_size
    weights, state = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), task.initialize(0)
    )

    def measure(batch: Batch) -> None:
        jax.eval_shape(lambda w, s, b: task.measure(w, s, task.totals, b), weights, state, batch)

    known = {arrays.shapes(first)}
    for prefix, data in zip(NAMES, (task.training, task.validation, task.test), strict=True):
        if data is None:
            continue
        for batch in batches_of(data, size):
            shape = arrays.shapes(batch)
            if shape in known:
                continue
            known.add(shape)
            try:
                measure(batch)
            except Exception as error:
                check_weights_fit(measure, batch, prefix, error)
                if arrays.size(batch) < size:
                    raise too_small(prefix, data, size, arrays.size(batch), error) from error
                otherwise = f"{prefix}the model cannot be evaluated on this data"
                raise cannot(jax, error, otherwise) from error


def too_small(prefix: str, data: Data, size: int, rest: int, error: Exception) -> TaskError:
    """Return what is wrong with a smaller batch than the model takes."""
    count = data.examples if isinstance(data, Stream) else arrays.size(data)
    said = gist(error)
    if rest == count:
        return TaskError(
            f"{prefix}there are {count} examples, fewer than the batch_size of {size}, and the "
            f"model cannot take so small a batch ({said}); give at least {size}, or a smaller "
            "batch_size"
        )
    return TaskError(
        f"{prefix}{count} examples in batches of {size} leave a last batch of {rest}, which the "
        f"model cannot take ({said}); leave out the last {rest}, as fit fails on them too, or give "
        "a batch_size that divides the number of examples"
    )
