"""A Keras model, its compiled loss and metrics, and arrays, as a `Task`. The one door to Keras.

The model is only read: weights, batch statistics, dropout's random streams and metrics go through
Keras' own stateless calls, and live in the populations that train.
"""

import importlib
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from steepest.errors import InputError, TaskError
from steepest.records import TaskFacts
from steepest.spaces import Value
from steepest.tasks import arrays
from steepest.tasks.initial import Initial, Origin, as_given, initial_values
from steepest.tasks.labels import check_labels
from steepest.tasks.task import Arrays, Batch, Task

_TRACING = threading.RLock()  # Keras keeps notes on the model while it is traced


def load_keras() -> Any:
    """Return the module `keras`, on JAX.

    Raises:
        InputError: Keras runs on another backend, which `KERAS_BACKEND` or its file chose.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
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


def make_optimizer(
    call: str, arguments: Mapping[str, Value], schedule: str, total_steps: int
) -> Any:
    """Return a real Keras optimizer; `call` is such as `keras.optimizers.SGD`."""
    keras = load_keras()
    values: dict[str, Any] = dict(arguments)
    if schedule == "cosine":
        decay = keras.optimizers.schedules.CosineDecay
        values["learning_rate"] = decay(values["learning_rate"], decay_steps=total_steps)
    return getattr(keras.optimizers, call.rsplit(".", 1)[-1])(**values)


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
    _check_model(keras, model)
    _check_counts(epochs=epochs, batch_size=batch_size)
    if initial_weights not in ("fresh", "given"):
        raise TaskError(f"initial_weights is {initial_weights!r}, but must be 'fresh' or 'given'")
    floatx = keras.config.floatx()
    training = arrays.as_batch((x, y, sample_weight), "training data", floatx)
    training = _weigh_classes(training, class_weight)
    if validation_data is not None:
        validation = arrays.as_batch(validation_data, "validation_data", floatx)
    elif validation_split:
        training, validation = arrays.split(training, validation_split)
    else:
        raise TaskError(
            "there is no validation data, which is what optimizers are compared on; give "
            "validation_data=(x, y) or validation_split=0.2"
        )
    test = None if test_data is None else arrays.as_batch(test_data, "test_data", floatx)
    batch_size = min(batch_size, arrays.size(training))
    first = arrays.rows(training, slice(0, batch_size))
    with _TRACING:
        _build(keras, jax, model, first)
        for batch, prefix in ((training, ""), (validation, "validation_data: "), (test, "test: ")):
            if batch is not None:
                _check_fit(keras, jax, model, batch, prefix)
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

    def measure(w: Arrays, s: Arrays, totals: Any, batch: Batch) -> Any:
        total, count, m = totals
        value, output, _, m = forward(w, s, m, batch, training=False)
        x, y, sample_weight = batch
        with _TRACING, keras.StatelessScope(_mapping(metrics, m)) as scope:
            model.compute_metrics(x, y, output, sample_weight)
        size = jax.tree.leaves(x)[0].shape[0]
        return total + value * size, count + size, [scope.get_current_value(v) for v in metrics]

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
    return replace(task, facts=replace(facts, metrics=_trace(jax, task, first)))


def _mapping(variables: list[Any], values: Arrays) -> list[tuple[Any, Any]]:
    return list(zip(variables, values, strict=True))


def _trace(jax: Any, task: Task, batch: Batch) -> tuple[str, ...]:
    """Trace a training step and an evaluation without running them; return the metrics' names."""

    def both(weights: Arrays, state: Arrays, batch: Batch) -> Any:
        loss, _ = jax.value_and_grad(task.loss, has_aux=True)(weights, state, batch)
        return loss[0], task.summarize(task.measure(weights, state, task.totals, batch))

    try:
        shape, values = jax.eval_shape(both, *task.initialize(0), batch)
    except Exception as error:
        raise _cannot(jax, error, "the model cannot be trained on this data") from error
    if shape.shape != ():
        raise TaskError(f"the loss has shape {shape.shape}, but must be one number")
    scalars = [name for name, value in values.items() if value.shape == () and name != "loss"]
    # Per-output losses are kept as metrics, after what the person asked to be measured.
    return tuple(sorted(scalars, key=lambda name: name.endswith("loss")))


def _check_model(keras: Any, model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise TaskError(f"the model is a {type(model).__name__}, but must be a keras.Model")
    if not model.compiled:
        raise TaskError("the model is not compiled; call model.compile(loss=..., metrics=[...])")
    for method in ("train_step", "test_step"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise TaskError(
                f"{type(model).__name__} has a {method} of its own, which a compiled population "
                "does not call; move what it does into compute_loss or into layers"
            )
    if not model.trainable:
        raise TaskError("the model is frozen (trainable=False), so there is nothing to train")


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise TaskError(f"{name} is {value!r}, but must be a whole number of at least 1")


def _build(keras: Any, jax: Any, model: Any, batch: Batch) -> None:
    """Create the model's variables and metrics where it was not built yet, as `fit` would."""
    try:
        model._symbolic_build(data_batch=batch)
    except Exception as error:
        if all(layer.built for layer in model._flatten_layers()):
            _check_fit(keras, jax, model, batch, "")  # says more of labels that do not fit
        raise _cannot(jax, error, "the model and the data do not fit each other") from error
    if not model.trainable_variables:
        raise TaskError("the model has no trainable weights, so there is nothing to train")
    if model.loss is None and not model.losses:
        raise TaskError("the model is compiled without a loss; call model.compile(loss=...)")


def _check_fit(keras: Any, jax: Any, model: Any, batch: Batch, prefix: str) -> None:
    """Raise `TaskError` where the model cannot take x or the loss cannot take y."""
    x, y, _ = batch
    values = [
        [v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)
    ]
    two = arrays.map_arrays(lambda _, a: jax.ShapeDtypeStruct((2, *a.shape[1:]), a.dtype), x, "x")
    try:
        output = jax.eval_shape(lambda w, s, x: model.stateless_call(w, s, x)[0], *values, two)
    except Exception as error:
        raise _cannot(jax, error, f"{prefix}the model cannot take x of {_shapes(x)}") from error
    check_labels(keras, model.loss, y, output, f"{prefix}y")


def _cannot(jax: Any, error: BaseException, otherwise: str) -> TaskError:
    """Return the error of a model that JAX cannot trace, or that does not fit its data."""
    cause: BaseException | None = error
    while cause is not None:  # Keras wraps what its layers raise
        if isinstance(cause, jax.errors.JAXTypeError | jax.errors.UnexpectedTracerError):
            return TaskError(
                f"the model cannot be traced by JAX, as its code needs the values of real arrays "
                f"({_gist(cause)}); write it with keras.ops and Keras' layers"
            )
        error, cause = cause, cause.__cause__ or cause.__context__
    return TaskError(f"{otherwise}: {_gist(error)}")


def _shapes(tree: Any) -> str:
    found = arrays.leaves(tree, "x")
    return ", ".join(f"shape {array.shape}" for array in found.values())


def _weigh_classes(batch: Batch, class_weight: Mapping[int, float] | None) -> Batch:
    """Turn class weights into sample weights, with the meaning they have in `fit`."""
    x, y, sample_weight = batch
    if class_weight is None:
        return batch
    if sample_weight is not None:
        raise TaskError("class_weight and sample_weight exclude each other, as in fit; give one")
    if not isinstance(y, np.ndarray):
        raise TaskError("class_weight needs a model with one output, as in fit")
    labels = y
    if y.ndim > 1:
        labels = np.argmax(y, axis=-1) if y.shape[-1] != 1 else y[..., 0]
    labels = np.round(labels).astype(int)
    try:
        weights = {int(key): float(value) for key, value in class_weight.items()}
    except (AttributeError, TypeError, ValueError):
        raise TaskError(
            f"class_weight is {class_weight!r}, but must map classes to numbers as in "
            "{0: 1.0, 1: 5.0}"
        ) from None
    if labels.ndim != 1:
        raise TaskError("class_weight needs one label for each example, as in fit")
    return x, y, np.array([weights.get(label, 1.0) for label in labels.tolist()], np.float32)


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


def _gist(error: BaseException) -> str:
    """Return the line of a framework's message that says what is wrong."""
    text = re.sub("\x1b\\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [
        line for line in lines if not line.startswith(("Exception encountered", "Could not auto"))
    ]
    gist = said[0] if said else type(error).__name__
    return gist if len(gist) <= 240 else gist[:237] + "..."
