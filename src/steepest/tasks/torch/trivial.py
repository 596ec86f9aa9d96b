"""The trivial predictor of a PyTorch module: the one answer for every example with the lowest loss.

As `tasks/keras/trivial.py` has it. Nothing is told with `step=`, whose loss is not of output and
target alone, where the form of the targets does not say what an output means, and of streams.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.data.stream import Data, Stream
from steepest.records import Trivial
from steepest.tasks.keras.trivial_answers import ELEMENTS, ROWS, Answers, answers, spans_of
from steepest.tasks.torch.gathered import computed, own
from steepest.tasks.torch.step import Step, as_scalar, as_tensor

WORDS = {
    "mean": "the mean of y",
    "median": "the median of y",
    "shares": "the frequencies of the classes",
    "other": "one answer for every example",
}


def trivial(
    step: Step, training: Data, validation: Data, output: Any, batch_size: int
) -> Trivial | None:
    """Return what the trivial predictor reaches; None where there is none.

    `output` is what the module returns for a batch.
    """
    if step.loss is None or isinstance(training, Stream) or isinstance(validation, Stream):
        return None
    x, y, _ = training
    if not isinstance(y, np.ndarray) or not isinstance(output, Tensor):
        return None
    shape = tuple(output.shape[1:])
    if len(shape) > 1 and y.ndim == len(shape):  # classes, whose axis is not the last
        return None
    candidates: Answers = answers(y, shape, None)
    if not candidates:
        return None
    most = max(1, ELEMENTS // max(1, int(np.prod(shape))))
    places = np.linspace(0, len(y) - 1, max(1, min(ROWS, most, len(y)))).astype(int)
    some = [arrays.rows(training, places)]
    losses = {
        name: _measured(step, one, some, only=True)["loss"] for name, one in candidates.items()
    }
    chosen = min(losses, key=lambda name: (not np.isfinite(losses[name]), losses[name]))
    size = max(1, min(batch_size, most))
    count = arrays.size(validation)
    batches = (
        arrays.rows(validation, slice(first, first + size)) for first in range(0, count, size)
    )
    kind = chosen.partition(" ")[0]
    kinds = [type(one).__name__ for one in step.module.modules()]
    scaled = _first_layer(step.module).startswith("BatchNorm")
    names = any("Embedding" in one for one in kinds)
    reach = spans_of(x, {"output": y}, {"output": shape}, scaled=scaled, names=names)
    return Trivial(WORDS[kind], _measured(step, candidates[chosen], batches), reach)


def _measured(
    step: Step, answer: Any, batches: Iterator[Batch] | list[Batch], *, only: bool = False
) -> dict[str, float]:
    """Return loss and metrics of one answer over batches; of `only` the loss."""
    constant = torch.from_numpy(np.ascontiguousarray(answer, np.float32))
    assert step.loss is not None
    sums: dict[str, float] = {}
    total = 0
    gathered = {} if only else own(step.metrics.value)
    with torch.no_grad():
        for batch in batches:
            count = arrays.size(batch)
            y = as_tensor(batch[1]).to(step.types[-1])
            output = constant.expand(count, *constant.shape).contiguous()
            found = {"loss": step.loss(output, y)}
            if not only:
                found |= {n: step.metrics.value[n](output, y) for n in step.averaged}
            for metric in gathered.values():
                with contextlib.suppress(Exception):  # it may take no constant
                    metric.update(output, y)
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + float(as_scalar(value)) * count
            total += count
        values = {name: value / total for name, value in sums.items()}
        for name, metric in gathered.items():
            with contextlib.suppress(Exception):  # no correlation with a constant, say
                values[name] = float(as_scalar(computed(metric)))
    return values


def _first_layer(module: nn.Module) -> str:
    """Return the class name of the first layer, as far as the order of modules tells."""
    layers = [one for one in module.modules() if not list(one.children())]
    return type(layers[0]).__name__ if layers else ""
