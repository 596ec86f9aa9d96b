"""The weights of classes, as the weights of examples that they become in `fit`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.data.arrays import Batch
from steepest.errors import TaskError, quoted


def weigh_classes(batch: Batch, class_weight: Mapping[int, float] | None) -> Batch:
    """Turn class weights into sample weights, with the meaning they have in `fit`.

    Raises:
        TaskError: they are no numbers of classes, or there is not one label for each example.
    """
    x, y, sample_weight = batch
    if class_weight is None:
        return batch
    if sample_weight is not None:
        raise TaskError("class_weight and sample_weight exclude each other, as in fit; give one")
    if not isinstance(y, np.ndarray):
        raise TaskError(
            "class_weight needs a model with one output, as in fit; give sample_weight instead"
        )
    weights = _weights(class_weight)
    labels = classes_of(y)
    if labels.ndim != 1:
        raise TaskError(
            "class_weight needs one label for each example, as in fit; give sample_weight instead"
        )
    return x, y, np.array([weights.get(label, 1.0) for label in labels.tolist()], np.float32)


def classes_of(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the class of each label: of rows that are one-hot, where they are largest."""
    labels = y
    if y.ndim > 1:
        labels = np.argmax(y, axis=-1) if y.shape[-1] != 1 else y[..., 0]
    with np.errstate(invalid="ignore"):  # a target that is NaN is of no class
        return np.round(labels).astype(int)


def unknown_classes(class_weight: Mapping[int, float] | None, y: Any) -> str | None:
    """Return a note where classes are weighed that none of the labels `y` is of."""
    if class_weight is None or not isinstance(y, np.ndarray):
        return None
    labels = np.unique(classes_of(y))
    unknown = sorted(set(_weights(class_weight)) - set(labels.tolist()))
    if not unknown:
        return None
    are = f"{labels[0]} to {labels[-1]}" if len(labels) > 1 else f"all {labels[0]}"
    return (
        f"class_weight weighs {_listed(unknown)}, which no training label is: they are {are}; see "
        "that its keys are numbers of classes"
    )


def _listed(classes: list[int]) -> str:
    return ", ".join(map(str, classes[:5])) + (", ..." if len(classes) > 5 else "")


def _weights(class_weight: Mapping[int, float]) -> dict[int, float]:
    try:
        weights = {int(key): float(value) for key, value in class_weight.items()}
        whole = all(float(key) == int(key) for key in class_weight)
    except Exception:  # it may be anything
        whole, weights = False, {}
    if not whole:
        raise TaskError(
            f"class_weight is {quoted(class_weight)}, but must map classes to numbers as in "
            "{0: 1.0, 1: 5.0}"
        )
    if not all(np.isfinite(v) and v >= 0 for v in weights.values()):
        raise TaskError(
            f"class_weight is {weights}, but its weights must be at least 0; give 0 to leave a "
            "class out"
        )
    return weights
