"""A Keras model, its compiled loss and metrics, and arrays, as a task. The one door to Keras.

On JAX a model becomes pure functions (`traced_task.py`); what cannot be traced, and every model on
another backend, trains through Keras' own `fit` (`fit_task.py`). Either way it is only read.
"""

import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from steepest import backend
from steepest.data import arrays, sources
from steepest.data.arrays import Batch, Tree
from steepest.data.stream import Data
from steepest.errors import InputError, nearest, quoted
from steepest.records import TaskFacts
from steepest.tasks import compile_cache
from steepest.tasks.callback_records import make_callbacks
from steepest.tasks.callbacks import sort_callbacks
from steepest.tasks.keras import notes
from steepest.tasks.keras.as_compiled import as_compiled_on_error
from steepest.tasks.keras.batch_sizes import NAMES
from steepest.tasks.keras.checks import (
    UntraceableError,
    abstractly,
    build,
    check_fit,
    check_model,
    is_own,
)
from steepest.tasks.keras.class_weights import weigh_classes
from steepest.tasks.keras.fingerprint import fingerprint
from steepest.tasks.keras.first_fit import fitted_task
from steepest.tasks.keras.fit_task import (
    BACKENDS,
    FitTask,
    outputs_at,
    prepare,
    why_fit,
    why_untraceable,
)
from steepest.tasks.keras.initial_weights import as_given, initial_values, initialize_by
from steepest.tasks.keras.masks import weighed
from steepest.tasks.keras.roles import parameters_of
from steepest.tasks.keras.texts import check_no_text, check_texts
from steepest.tasks.keras.traced_task import TRACING, outputs_by, traced_task
from steepest.tasks.keras.trivial import trivial
from steepest.tasks.names import task_name
from steepest.tasks.task import Task

log = logging.getLogger(__name__)


def load_keras() -> Any:
    """Return the module `keras`, on the backend that `KERAS_BACKEND` chose; on JAX without it.

    Raises:
        InputError: Keras cannot run on that backend, or was imported on another one before.
    """
    first = "keras" not in sys.modules
    if first:
        wanted = backend.choose()
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
        if backend.chosen:
            log.info(backend.INSTALLED)
        log.info("Keras %s runs on %s", keras.__version__, BACKENDS[runs])
    if runs == "jax":
        compile_cache.use()
    return keras


def run_code(source: str, model: Any, names: Mapping[str, Any] | None = None) -> Any:
    """Run source that `export` wrote for Keras and a model; return its `optimizer`."""
    return run_source(source, model, names)["optimizer"]


def run_source(source: str, model: Any, names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Run source that `export` wrote for Keras and a model; return all names that it defines.

    `names` are what a person has to put in its place, such as a schedule of their own.
    """
    load_keras()
    found: dict[str, Any] = {"__name__": "steepest_optimizer", "model": model, **(names or {})}
    exec(compile(source, "<steepest>", "exec"), found)
    return found


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
    shuffle: bool = True,
    callbacks: Any = None,
    name: str | None = None,
) -> Task | FitTask:
    """Return what a compiled Keras model and its data are as a task.

    The arguments are `fit`'s, and `test_data` as `validation_data`. Callbacks that are no more than
    arithmetic of the curve are followed by every engine; others make it a `FitTask`. With
    `initial_weights` "given", every trial starts from the model's own weights (fine-tuning) and
    seeds change only the data order and dropout; "fresh" draws new weights from each seed. It is a
    `Task` where JAX can trace the model, and otherwise a `FitTask`, whose `why` says what stood in
    the way.

    Raises:
        TaskError: the model, the data or the two together cannot be trained.
    """
    keras = load_keras()
    check_model(keras, model)
    asked = sort_callbacks(callbacks)
    arrays.check_counts(epochs=epochs, batch_size=batch_size)
    arrays.check_arguments(initial_weights, shuffle, validation_split)
    floatx = keras.config.floatx()
    check_no_text(x, y, sample_weight)
    training, validation, test = sources.open_all(
        (x, y, sample_weight),
        validation_data,
        test_data,
        share=float(validation_split),
        floatx=floatx,
        batch_size=int(batch_size),
        steps=steps_per_epoch,
        validation_steps=validation_steps,
        shuffle=bool(shuffle),
    )
    for prefix, batch in _parts((training, validation, test)).items():
        check_texts(keras, model, batch, prefix)
    # After the split, as in fit: classes are not weighed in validation.
    training = sources.change(training, lambda batch: weigh_classes(batch, class_weight))
    epochs, first = int(epochs), sources.sample_of(training, int(batch_size))
    data = (training, validation, test)

    def describe(output: Tree, outputs: Any) -> tuple[TaskFacts, Any]:
        """Return the facts, but for the metrics, and what draws initial values from a seed.

        `output` has the shapes of the model's outputs, `outputs(x, values)` their values.
        """
        fresh = initial_weights == "fresh"
        drawn = initial_values(keras, model) if fresh else as_given(keras, model)
        initialize = initialize_by(model, drawn)
        said = notes.of_data(
            keras,
            model,
            data,
            batch_size=int(batch_size),
            class_weight=class_weight,
            output=output,
            outputs=lambda seed: outputs(first[0], initialize(seed)),
        )
        facts = TaskFacts(
            name=name or task_name(model.name),
            loss=_loss_name(keras, model),
            metrics=(),
            parameters=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
            training_examples=sources.examples_of(training),
            validation_examples=sources.examples_of(validation),
            test_examples=sources.examples_of(test),
            epochs=epochs,
            batch_size=sources.examples_of(first),
            notes=(
                *notes.of_weights(drawn.values()),
                *sources.notes_of(training, validation, test),
                *said,
                *asked.notes,
            ),
            weights=parameters_of(keras, model),
            shuffle=bool(shuffle),
            fingerprint={
                **fingerprint(
                    keras, model, data, drawn, given=not fresh, class_weight=class_weight
                ),
                **asked.fingerprint,
            },
        )
        return facts, initialize

    constant = partial(trivial, keras, model, data, sources.examples_of(first))
    more = {"trivial": constant, "optimizer": model.optimizer}

    def traced() -> Task:
        jax = importlib.import_module("jax")
        with TRACING:
            build(keras, jax, model, first)
            call, size = abstractly(jax, model), sources.examples_of(first)
            made = [
                check_fit(keras, model, weighed(keras, jax, model, batch, size), prefix, call, size)
                for prefix, batch in _parts(data).items()
            ]
        facts, initialize = describe(made[0], outputs_by(jax, model))
        return traced_task(keras, jax, model, facts, initialize, data, first)

    with as_compiled_on_error(keras, model):
        why = why_fit(keras, model) or (asked.why if asked.own else None)
        if why is None:
            try:
                found = traced()
                return replace(found, **more, callbacks=make_callbacks(asked, found.facts))
            except UntraceableError as error:
                why = why_untraceable(error)
        output = prepare(keras, model, first, _parts(data))
        facts, initialize = describe(output, partial(outputs_at, keras, model))
        fitted = fitted_task(keras, model, facts, initialize, data, why)
        known = make_callbacks(asked, fitted.facts)
        return replace(fitted, **more, callbacks=known, own_callbacks=asked.own)


def _parts(data: tuple[Data, Data, Data | None]) -> dict[str, Batch]:
    """Return the parts that are there, by what messages about them begin with; of streams a bit."""
    parts = zip(NAMES, data, strict=True)
    return {prefix: sources.sample_of(one) for prefix, one in parts if one is not None}


def _loss_name(keras: Any, model: Any) -> str:
    own = is_own(keras, model, "compute_loss") and model.loss is None
    return "compute_loss" if own else _name(model.loss)


def _name(loss: Any) -> str:
    if isinstance(loss, Mapping | list | tuple):
        parts: list[Any] = list(loss.values()) if isinstance(loss, Mapping) else list(loss)
        return " + ".join(map(_name, parts))
    if loss is None or isinstance(loss, str):
        return loss or "add_loss"
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", "loss"))
