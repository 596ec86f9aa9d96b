"""Notes on a model and its data before training: common mistakes that can be trained."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from steepest.data import sources
from steepest.data.arrays import Tree
from steepest.data.stream import Data, Stream
from steepest.tasks.keras import class_shares, logits
from steepest.tasks.keras.checks import is_own, own_step
from steepest.tasks.keras.class_weights import unknown_classes
from steepest.tasks.keras.initial_weights import Initial, Origin


def of_weights(found: Iterable[Initial]) -> list[str]:
    """Return what is to be said of initial values."""
    drawn = list(found)
    notes = []
    moved = [initial.path for initial in drawn if initial.moved]
    if moved:
        notes.append(
            f"the model's weights are not at their initial values ({moved[0]}); every trial starts "
            "from fresh ones. For fine-tuning give initial_weights='given'"
        )
    permuted = [initial.path for initial in drawn if initial.origin is Origin.PERMUTED]
    if permuted:
        notes.append(
            f"no initializer was found for {', '.join(permuted)}; fresh seeds put the model's own "
            "values in a random order"
        )
    return notes


def of_data(
    keras: Any,
    model: Any,
    data: tuple[Data, Data, Data | None],
    *,
    batch_size: int,
    class_weight: Mapping[int, float] | None,
    output: Tree,
    outputs: Callable[[int], Tree],
) -> list[str]:
    """Return what is to be said of the data, and of it with the model.

    `output` has the shapes of the model's outputs, None where they are not known; `outputs(seed)`
    gives their values for a batch.
    """
    training, validation, _ = data
    notes: list[str] = []
    count = sources.examples_of(training)
    ours = not isinstance(training, Stream) or training.rows is not None
    if ours and batch_size > count:
        notes.append(
            f"batch_size is {batch_size}, but there are {count} training examples, so each epoch "
            f"is one batch of {count}"
        )
    weighed = isinstance(validation, Stream) or validation[2] is not None
    if class_weight is not None and not weighed:
        notes.append(
            "classes are weighed in training alone, as in fit: the validation loss has all "
            "examples alike, so a metric, such as AUC, says more, or sample weights in "
            "validation_data"
        )
    if not isinstance(training, Stream):
        notes += filter(None, [unknown_classes(class_weight, training[1])])
    own = own_step(keras, model) or is_own(keras, model, "compute_loss")
    if output is not None and not own:
        notes += logits.notes(keras, model, sources.sample_of(training)[1], output, outputs)
        notes += class_shares.notes(keras, model, training, validation, output)
    return notes
