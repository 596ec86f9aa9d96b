"""Notes on a module and its data before training: common mistakes that can be trained."""

from typing import Any

import numpy as np
from torch import Tensor

from steepest.data import sources
from steepest.data.stream import Data, Stream
from steepest.tasks.keras.class_shares import compared
from steepest.tasks.torch.labels import BINARY, CLASSES, NUMERIC, kind_of
from steepest.tasks.torch.step import Step


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
    notes += _probabilities(kind, output)
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


def _probabilities(kind: str, output: Any) -> list[str]:
    """Return a note where a loss of raw outputs is given probabilities."""
    if not isinstance(output, Tensor) or not output.numel():
        return []
    values = output.detach().double()
    between = bool((values >= 0).all() and (values <= 1).all())
    if kind == "CrossEntropyLoss" and values.ndim == 2 and values.shape[1] > 1:
        rows = bool(((values.sum(dim=1) - 1).abs() < 1e-4).all())
        if between and rows:
            return [
                "the module ends in a softmax, but CrossEntropyLoss takes raw outputs and has one "
                "itself, so learning is slow; leave the softmax out"
            ]
    if kind == "BCEWithLogitsLoss" and between:
        return [
            "the module's outputs lie from 0 to 1, as of a sigmoid, but BCEWithLogitsLoss takes "
            "raw outputs and has one itself; leave the sigmoid out"
        ]
    return []
