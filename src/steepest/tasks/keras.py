"""A Keras model, its compiled loss and metrics, and arrays, as a `Task`. The one door to Keras.

The model is only read: weights, batch statistics, dropout's random streams and metrics go through
Keras' own stateless calls, and live in the populations that train.
"""

import importlib
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from steepest.errors import InputError, TaskError
from steepest.records import TaskFacts
from steepest.tasks import arrays
from steepest.tasks.checks import build, check_counts, check_fit, check_model, trace, weigh_classes
from steepest.tasks.initial import Initial, Origin, as_given, initial_values
from steepest.tasks.roles import parameters_of
from steepest.tasks.task import Arrays, Batch, Task

_TRACING = threading.RLock()  # Keras keeps notes on the model while it is traced


def load_keras() -> Any:
    """Return the module `keras`, on JAX.

    Raises:
        InputError: Keras runs on another backend, which `KERAS_BACKEND` or its file chose.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    # Keras imports TensorFlow where it is installed, which then tells of itself.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    wanted = os.environ["KERAS_BACKEND"]
    if wanted != "jax":
        raise InputError(f"KERAS_BACKEND is {wanted!r}, but Steepest trains in JAX; {_WAY_OUT}")
    keras = importlib.import_module("keras")
    if keras.backend.backend() != "jax":
        raise InputError(
            f"Keras runs on {keras.backend.backend()}, but Steepest trains in JAX; {_WAY_OUT}"
        )
    return keras


_WAY_OUT = "set the environment variable KERAS_BACKEND=jax before Keras is imported"


def run_code(source: str, model: Any) -> Any:
    """Run source that `reports.code` wrote for Keras and a model; return its `optimizer`."""
    load_keras()
    names: dict[str, Any] = {"__name__": "steepest_optimizer", "model": model}
    exec(compile(source, "<steepest>", "exec"), names)
    return names["optimizer"]


def keras_task(
    model: Any,
    x: Any,
    y: Any,
    *,
    validation_data: Any = None,
    validation_split: float = 0.0,
    test_data: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_weights: str = "fresh",
    name: str | None = None,
) -> Task:
    """Return what a compiled Keras model and its data are as a `Task`.

    The arguments are `fit`'s, and `test_data` as `validation_data`. With `initial_weights`
    "given", every trial starts from the model's own weights (fine-tuning) and seeds change only
    the data order and dropout; "fresh" draws new weights from each seed.

    Raises:
        TaskError: the model, the data or the two together cannot be trained.
    """
    keras, jax = load_keras(), importlib.import_module("jax")
    check_model(keras, model)
    check_counts(epochs=epochs, batch_size=batch_size)
    if initial_weights not in ("fresh", "given"):
        raise TaskError(f"initial_weights is {initial_weights!r}, but must be 'fresh' or 'given'")
    floatx = keras.config.floatx()
    training = arrays.as_batch((x, y, sample_weight), "training data", floatx)
    if not isinstance(validation_split, Real) or isinstance(validation_split, bool):
        raise TaskError(f"validation_split is {validation_split!r}, but must be a number like 0.2")
    if validation_data is not None:
        validation = arrays.as_batch(validation_data, "validation_data", floatx)
    elif validation_split:
        training, validation = arrays.split(training, validation_split)
    else:
        raise TaskError(
            "there is no validation data, which is what optimizers are compared on; give "
            "validation_data=(x, y) or validation_split=0.2"
        )
    # After the split, as in fit: classes are not weighed in validation.
    training = weigh_classes(training, class_weight)
    test = None if test_data is None else arrays.as_batch(test_data, "test_data", floatx)
    epochs, batch_size = int(epochs), min(int(batch_size), arrays.size(training))
    first = arrays.rows(training, slice(0, batch_size))
    with _TRACING:
        build(keras, jax, model, first)
        parts = {"": training, "validation_data: ": validation, "test_data: ": test}
        for prefix, batch in parts.items():
            if batch is not None:
                check_fit(keras, jax, model, batch, prefix)
    drawn = initial_values(keras, model) if initial_weights == "fresh" else as_given(model)
    facts = TaskFacts(
        name=name or model.name,
        loss=_loss_name(keras, model.loss),
        metrics=(),
        parameters=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        training_examples=arrays.size(training),
        validation_examples=arrays.size(validation),
        test_examples=0 if test is None else arrays.size(test),
        epochs=epochs,
        batch_size=batch_size,
        notes=tuple(_notes(drawn.values())),
        weights=parameters_of(keras, model),
    )
    return _pure(keras, jax, model, facts, (training, validation, test), drawn, first)


def _pure(
    keras: Any,
    jax: Any,
    model: Any,
    facts: TaskFacts,
    data: tuple[Batch, Batch, Batch | None],
    drawn: dict[int, Initial],
    first: Batch,
) -> Task:
    """Tie the model's stateless calls into the functions of a `Task`."""
    weights, state = model.trainable_variables, model.non_trainable_variables
    metrics = model.metrics_variables
    constraints = [variable.constraint for variable in weights]

    def initialize(seed: int) -> tuple[Arrays, Arrays]:
        streams = np.random.SeedSequence(seed).generate_state(len(weights) + len(state))
        seeds = iter((streams >> 1).tolist())  # initializers take seeds below 2³¹
        return (
            [drawn[id(variable)].draw(next(seeds)) for variable in weights],
            [drawn[id(variable)].draw(next(seeds)) for variable in state],
        )

    def forward(w: Arrays, s: Arrays, m: Arrays, batch: Batch, training: bool) -> Any:
        x, y, sample_weight = batch
        with _TRACING:
            _, (loss, output, s, m) = model.compute_loss_and_updates(
                w,
                s,
                m,
                x,
                y,
                sample_weight,
                training=training,
                # Only for the loss scaling of float16, which `unscaled_loss` leaves out.
                optimizer_variables=[v.value for v in getattr(model.optimizer, "variables", [])],
            )
        return loss, output, s, m

    def loss(w: Arrays, s: Arrays, batch: Batch) -> tuple[Any, Arrays]:
        value, _, s, _ = forward(w, s, totals[2], batch, training=True)
        return value, s

    def constrain(w: Arrays) -> Arrays:
        return [c(a) if c is not None else a for c, a in zip(constraints, w, strict=True)]

    def measure(w: Arrays, s: Arrays, totals: Any, batch: Batch) -> tuple[Arrays, Any]:
        total, count, m = totals
        value, output, s, m = forward(w, s, m, batch, training=False)
        x, y, sample_weight = batch
        with _TRACING, keras.StatelessScope(_mapping(metrics, m)) as scope:
            model.compute_metrics(x, y, output, sample_weight)
        size = jax.tree.leaves(x)[0].shape[0]
        total = total + value.astype("float32") * size
        return s, (total, count + size, [scope.get_current_value(v) for v in metrics])

    def summarize(totals: Any) -> dict[str, Any]:
        total, count, m = totals
        with _TRACING, keras.StatelessScope(_mapping(metrics, m)):
            values = model.get_metrics_result()
        named = {key: value for key, value in values.items() if key != "loss"}
        return {"loss": total / count, **named}

    with keras.StatelessScope() as scope:
        model.reset_metrics()
    zeros = [scope.get_current_value(v) for v in metrics]
    zeros = [v.value if z is None else z for v, z in zip(metrics, zeros, strict=True)]
    totals = (np.float32(0), np.float32(0), [np.asarray(z) for z in zeros])
    training, validation, test = data
    task = Task(
        facts, training, validation, test, initialize, loss, constrain, measure, summarize, totals
    )
    return replace(task, facts=replace(facts, metrics=trace(jax, model, task, first)))


def _mapping(variables: list[Any], values: Arrays) -> list[tuple[Any, Any]]:
    return list(zip(variables, values, strict=True))


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
