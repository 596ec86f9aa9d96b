"""Text as data: TensorFlow alone trains on it, and no loss of Keras takes it for labels."""

from typing import Any

import numpy as np

from steepest.data.arrays import Batch, leaves
from steepest.data.frames import is_text
from steepest.errors import TaskError, quoted
from steepest.tasks.keras.checks import is_own, own_step
from steepest.tasks.keras.labels import kind_of


def check_no_text(x: Any, y: Any, sample_weight: Any) -> None:
    """Raise `TaskError` where one text stands for an array, such as the name of a column."""
    for name, given in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        if not isinstance(given, str | bytes):
            continue
        columns = getattr(x, "columns", ())
        if isinstance(given, str) and any(given == one for one in columns):
            way = f"take the column out of x: {name} = x.pop({quoted(given)})"
        else:
            way = "read it from where the text says, and give what it holds"
        raise TaskError(f"{name} is the text {quoted(given)}, but must be an array: {way}")


def check_texts(keras: Any, model: Any, batch: Batch, prefix: str) -> None:
    """Raise `TaskError` where text stands for what has to be numbers."""
    takes = keras.backend.backend() == "tensorflow"
    x, y, sample_weight = batch
    for name, array in leaves(x, f"{prefix}x").items():
        if is_text(array) and not takes:
            raise TaskError(
                f"{name} holds text, such as {quoted(array.flat[0])}, but must be an array of "
                f"numbers: {_way(array)}"
            )
    for name, array in leaves(y, f"{prefix}y").items():
        if is_text(array) and not (takes and _reads_labels(keras, model)):
            one = quoted(array.flat[0])
            raise TaskError(
                f"{name} holds text, such as {one}, but labels must be numbers; number the "
                "classes, alike in all sets: classes, y = np.unique(y, return_inverse=True), and "
                "for labels of another set np.searchsorted(classes, labels)"
            )
    for name, array in leaves(sample_weight, f"{prefix}sample_weight").items():
        if is_text(array):
            raise TaskError(
                f"{name} holds text, such as {quoted(array.flat[0])}, but must be an array of "
                "numbers, one for each example"
            )


def _way(array: np.ndarray[Any, Any]) -> str:
    try:
        float(array.flat[0])
    except ValueError:
        return (
            "turn the text into numbers before, as layers such as TextVectorization do when they "
            "are called on it; with such a layer inside of the model only TensorFlow trains "
            "(KERAS_BACKEND=tensorflow)"
        )
    return "read them as such, as in x.astype('float32')"


def _reads_labels(keras: Any, model: Any) -> bool:
    """Whether code of the person's own sees the labels first, and may make numbers of them."""
    if own_step(keras, model) or is_own(keras, model, "compute_loss"):
        return True
    losses = leaves(model.loss, "").values() if model.loss is not None else ()
    return any(not kind_of(keras, loss) for loss in losses)
