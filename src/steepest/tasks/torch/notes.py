"""Notes on a module and its data before training: common mistakes that can be trained."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steepest.data import sources
from steepest.data.arrays import Batch
from steepest.data.stream import Data, Stream
from steepest.tasks.keras.class_shares import compared
from steepest.tasks.torch.labels import BINARY, CLASSES, NUMERIC, kind_of
from steepest.tasks.torch.step import Step, call, nested


def of_data(
    step: Step, training: Data, validation: Data, output: Any, batch_size: int
) -> list[str]:
    """Return what is to be said of the data, and of it with the loss."""
    notes: list[str] = []
    if isinstance(training, Stream):
        return notes
    count = sources.examples_of(training)
    if batch_size > count:
        notes.append(
            f"batch_size is {batch_size}, but there are {count} training examples, so each epoch "
            f"is one batch of {count}"
        )
    kind = kind_of(step.loss) if step.loss is not None else ""
    first = sources.sample_of(training, batch_size)
    notes += _probabilities(kind, output, lambda: _at_other_weights(step, first))
    mine = training[1]
    if isinstance(validation, Stream) or not isinstance(mine, np.ndarray):
        return notes
    other = validation[1]
    if mine.size != len(mine):
        return notes
    if kind in CLASSES or kind in BINARY:
        whole = all(np.array_equal(one, np.floor(one)) for one in (mine, other))
        ignored = getattr(step.loss, "ignore_index", -100)
        sides = [one.reshape(-1)[one.reshape(-1) != ignored] for one in (mine, other)]
        notes += compared("classes", *sides) if whole else []
    elif kind in NUMERIC:
        notes += compared("numbers", mine.reshape(-1), other.reshape(-1))
    return notes


def _at_other_weights(step: Step, batch: Batch) -> Any:
    """Return the module's output at weights that are turned and ten times as large.

    Raw outputs that lie from 0 to 1 by chance do so no more.
    """
    try:
        module = copy.deepcopy(step.module).eval()
        with torch.no_grad():
            for one in module.parameters():
                one.mul_(-10)
            return call(module, nested(batch, step.types)[0])
    except Exception:  # some modules hold what cannot be copied
        return None


def _between(output: Any) -> bool:
    if not isinstance(output, Tensor) or not output.numel():
        return False
    values = output.detach().double()
    return bool((values >= 0).all() and (values <= 1).all())


def _probabilities(kind: str, output: Any, other: Callable[[], Any]) -> list[str]:
    """Return a note where a loss of raw outputs is given probabilities."""
    if not isinstance(output, Tensor) or not output.numel():
        return []
    values, between = output.detach().double(), _between(output)
    if kind == "CrossEntropyLoss" and values.ndim == 2 and values.shape[1] > 1:
        rows = bool(((values.sum(dim=1) - 1).abs() < 1e-4).all())
        if between and rows:
            return [
                "the module ends in a softmax, but CrossEntropyLoss takes raw outputs and has one "
                "itself, so learning is slow; leave the softmax out"
            ]
    if kind == "BCEWithLogitsLoss" and between and _between(other()):
        return [
            "the module's outputs lie from 0 to 1, as of a sigmoid, but BCEWithLogitsLoss takes "
            "raw outputs and has one itself; leave the sigmoid out"
        ]
    return []
