"""A Keras model on JAX as pure functions: the `Task` that a compiled population trains.

The model is only read: weights, batch statistics, dropout's random streams and metrics go through
Keras' own stateless calls, and live in the populations that train.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from steepest.data.arrays import Arrays, Batch, Scalar, Tree
from steepest.data.stream import Data
from steepest.records import TaskFacts
from steepest.tasks.keras.batch_sizes import check_batches
from steepest.tasks.keras.checks import directions, forget_losses, trace
from steepest.tasks.task import Task

TRACING = threading.RLock()  # Keras keeps notes on the model while it is traced


def traced_task(
    keras: Any,
    jax: Any,
    model: Any,
    facts: TaskFacts,
    initialize: Callable[[int], tuple[Arrays, Arrays]],
    data: tuple[Data, Data, Data | None],
    first: Batch,
) -> Task:
    """Tie the model's stateless calls into the functions of a `Task`.

    `data` is training, validation and test, `first` a batch to trace.

    Raises:
        UntraceableError: its code needs the values of real arrays.
        TaskError: it cannot be trained on this data.
    """
    weights = model.trainable_variables
    metrics = model.metrics_variables
    constraints = [variable.constraint for variable in weights]

    def forward(w: Arrays, s: Arrays, m: Arrays, batch: Batch, training: bool) -> Any:
        x, y, sample_weight = batch
        with TRACING:
            forget_losses(model)
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

    def loss(w: Arrays, s: Arrays, batch: Batch) -> tuple[Scalar, Arrays]:
        value, _, s, _ = forward(w, s, totals[2], batch, training=True)
        return value, s

    def constrain(w: Arrays) -> Arrays:
        return [c(a) if c is not None else a for c, a in zip(constraints, w, strict=True)]

    def measure(w: Arrays, s: Arrays, totals: Any, batch: Batch) -> tuple[Arrays, Any]:
        total, count, m = totals
        value, output, s, m = forward(w, s, m, batch, training=False)
        x, y, sample_weight = batch
        with TRACING, keras.StatelessScope(_mapping(metrics, m)) as scope:
            model.compute_metrics(x, y, output, sample_weight)
        size = jax.tree.leaves(x)[0].shape[0]
        total = total + value.astype("float32") * size
        return s, (total, count + size, [scope.get_current_value(v) for v in metrics])

    def summarize(totals: Any) -> dict[str, Scalar]:
        total, count, m = totals
        with TRACING, keras.StatelessScope(_mapping(metrics, m)):
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
    names = trace(jax, model, task, first)
    check_batches(jax, task, first)
    return replace(task, facts=replace(facts, metrics=names, directions=directions(model, names)))


def outputs_by(jax: Any, model: Any) -> Callable[[Tree, tuple[Arrays, Arrays]], Tree]:
    """Return what gives the model's outputs for a batch x, at weights and state."""
    run = jax.jit(lambda w, s, x: model.stateless_call(w, s, x)[0])

    def outputs(x: Tree, values: tuple[Arrays, Arrays]) -> Tree:
        with TRACING:
            forget_losses(model)
            return run(*values, x)

    return outputs


def _mapping(variables: list[Any], values: Arrays) -> list[tuple[Any, Any]]:
    return list(zip(variables, values, strict=True))
