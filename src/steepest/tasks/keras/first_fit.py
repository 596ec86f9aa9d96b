"""A trial run of `fit` on the first batches: does it train, and which metrics does it give?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Arrays, Batch
from steepest.data.stream import Data
from steepest.errors import TaskError
from steepest.records import TaskFacts
from steepest.tasks.keras.batch_sizes import NAMES, batches_of, too_small
from steepest.tasks.keras.checks import (
    check_weights_fit,
    directions,
    gist,
    is_own,
    metric_names,
    own_step,
)
from steepest.tasks.keras.fit_task import BACKENDS, FitTask, borrowed, measure, set_up, told, train

_TRACKER = (
    "a keras.metrics.Mean(name='loss') that it updates with each batch's loss, and that the "
    "model's metrics property returns"
)


def fitted_task(
    keras: Any,
    model: Any,
    facts: TaskFacts,
    initialize: Callable[[int], tuple[Arrays, Arrays]],
    data: tuple[Data, Data, Data | None],
    why: str,
) -> FitTask:
    """Return the task of a model that was prepared, after `fit` has taken batches on trial.

    Raises:
        TaskError: `fit` or `evaluate` fails, or tells no loss.
    """
    eagerly, size = False, facts.batch_size
    parts = {
        prefix: batches_of(one, size)
        for prefix, one in zip(NAMES, data, strict=True)
        if one is not None
    }
    try:
        names, said = _try(keras, model, parts, eagerly)
    except TaskError:
        raise
    except Exception as error:
        try:
            eagerly = True
            names, said = _try(keras, model, parts, eagerly)
        except TaskError:
            raise
        except Exception as second:
            _blame(keras, model, parts, data, size)
            raise TaskError(
                f"Keras' fit cannot train the model on this data on "
                f"{BACKENDS[keras.backend.backend()]}: {gist(second)}"
            ) from error
    if eagerly:
        why += ". Keras cannot compile the step either, so it runs eagerly, which is slower again"
    metrics = metric_names(model, names)
    known = directions(model, metrics)
    facts = replace(facts, metrics=metrics, directions=known, notes=(why, *facts.notes, *said))
    return FitTask(facts, *data, initialize, keras, model, why, eagerly)


Parts = Mapping[str, list[Batch]]  # of each set a batch of each size, by what messages begin with


def _try(keras: Any, model: Any, parts: Parts, eagerly: bool) -> tuple[list[str], list[str]]:
    """Train and evaluate; return the names of what is measured, each one number, and notes."""
    training, *rest = parts.values()
    notes: list[str] = []
    with borrowed(keras, model):
        # At a rate of zero: only whether it runs is asked.
        set_up(model, keras.optimizers.SGD(0.0), eagerly)
        values = train(model, _joined(training), arrays.size(training[0]))
        told(values, "fit", own_step(keras, model))
        notes += _untracked(keras, model, "train_step", values)
        for batches in rest:
            values = measure(model, _joined(batches), arrays.size(batches[0]))
            told(values, "evaluate", own_step(keras, model))
            if batches is rest[0]:
                _check_loss(keras, model, values)
                notes += _untracked(keras, model, "test_step", values)
                names = [name for name, value in values.items() if np.ndim(value) == 0]
        inside = list(model.get_metrics_result())  # in the order in which they were compiled
    names.sort(key=lambda name: inside.index(name) if name in inside else len(inside))
    return names, notes


def _joined(batches: list[Batch]) -> Batch:
    """Return batches as arrays that are cut into these again."""
    if len(batches) == 1:
        return batches[0]
    _, last = ([arrays.leaves(part, "") for part in batch] for batch in batches)

    def joined(place: int) -> Any:
        return arrays.map_arrays(
            lambda name, array: np.concatenate([array, last[place][name]]), batches[0][place], ""
        )

    return joined(0), joined(1), joined(2)


def _blame(
    keras: Any, model: Any, parts: Parts, data: tuple[Data, Data, Data | None], size: int
) -> None:
    """Raise `TaskError` where it is one set, its weights or its last batch that `fit` fails on."""

    def use(prefix: str, batch: Batch) -> None:
        with borrowed(keras, model):
            set_up(model, keras.optimizers.SGD(0.0), True)
            step = measure if prefix else train
            step(model, batch, arrays.size(batch))

    for (prefix, batches), one in zip(
        parts.items(), [d for d in data if d is not None], strict=True
    ):
        for batch in batches:
            try:
                use(prefix, batch)
            except Exception as error:
                check_weights_fit(lambda b: use(prefix, b), batch, prefix, error)  # noqa: B023
                if arrays.size(batch) < size:
                    raise too_small(prefix, one, size, arrays.size(batch), error) from error
                if prefix:
                    raise TaskError(
                        f"{prefix}the model cannot be evaluated on this data: {gist(error)}"
                    ) from error
                return


def _check_loss(keras: Any, model: Any, values: Mapping[str, Any]) -> None:
    """Raise `TaskError` where Keras' own `test_step` has no loss to tell, and tells 0 on JAX."""
    own = is_own(keras, model, "test_step") or is_own(keras, model, "compute_loss")
    if values["loss"] == 0 and model.loss is None and not own and not model.losses:
        raise TaskError(
            "evaluate has no loss to tell, as the model is compiled without one and has no "
            "test_step of its own; compile it with the loss, or write test_step beside train_step"
        )


def _untracked(keras: Any, model: Any, method: str, values: Mapping[str, Any]) -> list[str]:
    """Return a note where a step of the model's own returns a loss that no metric keeps.

    Keras then tells the loss of an epoch's last batch alone, or 0 where a metric has its name.

    Raises:
        TaskError: the validation loss is told as 0, by which nothing can be compared.
    """
    if not is_own(keras, model, method):
        return []
    trackers = [one for one in model.metrics if one.name == "loss"]
    counts = [getattr(one, "count", None) for one in trackers]
    if trackers and any(count is None or float(count) for count in counts):
        return []
    where, loss = ("fit", "training") if method == "train_step" else ("evaluate", "validation")
    if not trackers or values["loss"] != 0:
        return [
            f"{method} returns a loss that no metric keeps, so the {loss} loss that {where} tells "
            f"is that of the last batch alone; keep it in {_TRACKER}"
        ]
    if method == "test_step":
        raise TaskError(
            f"test_step returns a loss that nobody tracks, so evaluate tells 0 as the validation "
            f"loss, whatever the weights are; keep it in {_TRACKER}"
        )
    return [
        f"train_step returns a loss that nobody tracks, so fit tells 0 as the training loss, "
        f"whatever the weights are; keep it in {_TRACKER}"
    ]
