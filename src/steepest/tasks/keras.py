"""A Keras model, its compiled loss and metrics, and arrays, as a task. The one door to Keras.

On JAX a model becomes pure functions (`traced.py`); what cannot be traced, and every model on
another backend, trains through Keras' own `fit` (`fitted.py`). Either way it is only read.
"""

import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from steepest.errors import InputError, TaskError, nearest, quoted
from steepest.records import TaskFacts
from steepest.tasks import compile_cache, sources
from steepest.tasks.checks import (
    UntraceableError,
    abstractly,
    build,
    check_counts,
    check_fit,
    check_model,
    weigh_classes,
)
from steepest.tasks.fingerprint import fingerprint
from steepest.tasks.fitted import BACKENDS, FitTask, fitted_task, prepare, why_fit, why_untraceable
from steepest.tasks.initial import Origin, as_given, initial_values, initialize_by
from steepest.tasks.roles import parameters_of
from steepest.tasks.stream import Data
from steepest.tasks.task import Batch, Task
from steepest.tasks.traced import TRACING, traced_task

log = logging.getLogger(__name__)


def load_keras() -> Any:
    """Return the module `keras`, on the backend that `KERAS_BACKEND` chose; on JAX without it.

    Raises:
        InputError: Keras cannot run on that backend, or was imported on another one before.
    """
    first = "keras" not in sys.modules
    if first:
        wanted = os.environ.setdefault("KERAS_BACKEND", "jax")
        if wanted not in BACKENDS:
            raise InputError(
                f"KERAS_BACKEND is {quoted(wanted)}, which cannot train here; "
                f"{nearest(wanted, BACKENDS)}"
            )
        if importlib.util.find_spec(wanted) is None:
            raise InputError(
                f"KERAS_BACKEND is {quoted(wanted)}, but {BACKENDS[wanted]} is not installed; run "
                f'pip install "steepest[{wanted}]", or set KERAS_BACKEND=jax'
            )
    # Keras imports TensorFlow where it is installed, which then tells of itself.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras = importlib.import_module("keras")
    runs = keras.backend.backend()
    if runs not in BACKENDS:
        raise InputError(
            f"Keras runs on {runs}, which cannot train here; set the environment variable "
            "KERAS_BACKEND=jax (or tensorflow, or torch) before Keras is imported"
        )
    if os.environ.get("KERAS_BACKEND", runs) != runs:
        wanted = quoted(os.environ["KERAS_BACKEND"])
        raise InputError(
            f"KERAS_BACKEND is {wanted}, but Keras was imported before that "
            f"and runs on {runs}; set it before Keras is imported, or set KERAS_BACKEND={runs}"
        )
    if first:
        log.info("Keras %s runs on %s", keras.__version__, BACKENDS[runs])
    if runs == "jax":
        compile_cache.use()
    return keras


def run_code(source: str, model: Any) -> Any:
    """Run source that `export` wrote for Keras and a model; return its `optimizer`."""
    return run_source(source, model)["optimizer"]


def run_source(source: str, model: Any) -> dict[str, Any]:
    """Run source that `export` wrote for Keras and a model; return all names that it defines."""
    load_keras()
    names: dict[str, Any] = {"__name__": "steepest_optimizer", "model": model}
    exec(compile(source, "<steepest>", "exec"), names)
    return names


def keras_task(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    validation_split: float = 0.0,
    test_data: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_weights: str = "fresh",
    name: str | None = None,
) -> Task | FitTask:
    """Return what a compiled Keras model and its data are as a task.

    The arguments are `fit`'s, and `test_data` as `validation_data`. With `initial_weights`
    "given", every trial starts from the model's own weights (fine-tuning) and seeds change only
    the data order and dropout; "fresh" draws new weights from each seed. It is a `Task` where JAX
    can trace the model, and otherwise a `FitTask`, whose `why` says what stood in the way.

    Raises:
        TaskError: the model, the data or the two together cannot be trained.
    """
    keras = load_keras()
    check_model(keras, model)
    check_counts(epochs=epochs, batch_size=batch_size)
    if not isinstance(initial_weights, str) or initial_weights not in ("fresh", "given"):
        raise TaskError(
            f"initial_weights is {quoted(initial_weights)}, but must be 'fresh' or 'given'"
        )
    floatx = keras.config.floatx()
    plain = isinstance(validation_split, Real) and not isinstance(validation_split, bool)
    if not plain or abs(validation_split) > 1e9:  # before it is made a float, which has an end
        raise TaskError(
            f"validation_split is {quoted(validation_split)}, but must be a number like 0.2"
        )
    training, validation, test = sources.open_all(
        (x, y, sample_weight),
        validation_data,
        test_data,
        share=float(validation_split),
        floatx=floatx,
        batch_size=int(batch_size),
        steps=steps_per_epoch,
        validation_steps=validation_steps,
    )
    # After the split, as in fit: classes are not weighed in validation.
    training = sources.change(training, lambda batch: weigh_classes(batch, class_weight))
    epochs, first = int(epochs), sources.sample_of(training, int(batch_size))
    data = (training, validation, test)

    def describe() -> tuple[TaskFacts, Any]:
        """Return the facts, but for the metrics, and what draws initial values from a seed."""
        fresh = initial_weights == "fresh"
        drawn = initial_values(keras, model) if fresh else as_given(keras, model)
        facts = TaskFacts(
            name=name or model.name,
            loss=_loss_name(keras, model.loss),
            metrics=(),
            parameters=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            training_examples=sources.examples_of(training),
            validation_examples=sources.examples_of(validation),
            test_examples=sources.examples_of(test),
            epochs=epochs,
            batch_size=sources.examples_of(first),
            notes=(*_notes(drawn.values()), *sources.notes_of(training, validation, test)),
            weights=parameters_of(keras, model),
            fingerprint=fingerprint(
                keras, model, data, drawn, given=not fresh, class_weight=class_weight
            ),
        )
        return facts, initialize_by(model, drawn)

    why = why_fit(keras, model)
    if why is None:
        jax = importlib.import_module("jax")
        try:
            with TRACING:
                build(keras, jax, model, first)
                call = abstractly(jax, model)
                for prefix, batch in _parts(data).items():
                    check_fit(keras, model, batch, prefix, call)
            return traced_task(keras, jax, model, *describe(), data, first)
        except UntraceableError as error:
            why = why_untraceable(error)
    prepare(keras, model, first, _parts(data))
    return fitted_task(keras, model, *describe(), data, first, why)


def _parts(data: tuple[Data, Data, Data | None]) -> dict[str, Batch]:
    """Return the parts that are there, by what messages about them begin with; of streams a bit."""
    parts = zip(("", "validation_data: ", "test_data: "), data, strict=True)
    return {prefix: sources.sample_of(one) for prefix, one in parts if one is not None}


def _notes(found: Any) -> list[str]:
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


def _loss_name(keras: Any, loss: Any) -> str:
    if isinstance(loss, Mapping | list | tuple):
        parts: list[Any] = list(loss.values()) if isinstance(loss, Mapping) else list(loss)
        return " + ".join(_loss_name(keras, part) for part in parts)
    if loss is None or isinstance(loss, str):
        return loss or "add_loss"
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", "loss"))
