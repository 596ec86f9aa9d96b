"""Can this model be trained on this data? If not, one sentence says why not.

Asked before anything is written or compiled: the model is traced as the engine will trace it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError, quoted
from steepest.tasks import arrays
from steepest.tasks.labels import check_labels
from steepest.tasks.task import Arrays, Batch, Task, Tree


def trace(jax: Any, model: Any, task: Task, batch: Batch) -> tuple[str, ...]:
    """Trace a training step and an evaluation without running them; return the metrics' names."""
    order: list[str] = []

    def both(weights: Arrays, state: Arrays, batch: Batch) -> Any:
        loss, _ = jax.value_and_grad(task.loss, has_aux=True)(weights, state, batch)
        _, totals = task.measure(weights, state, task.totals, batch)
        values = task.summarize(totals)
        order[:] = values  # as compiled; JAX sorts what it returns
        return loss[0], values

    try:
        shape, values = jax.eval_shape(both, *task.initialize(0), batch)
    except Exception as error:
        raise cannot(jax, error, "the model cannot be trained on this data") from error
    if shape.shape != ():
        raise TaskError(
            f"the loss has shape {shape.shape}, but must be one number; let it return the mean "
            "over the batch"
        )
    return metric_names(model, [name for name in order if values[name].shape == ()])


def metric_names(model: Any, names: Iterable[str]) -> tuple[str, ...]:
    """Return which of the names that an evaluation gives are metrics that were asked for.

    The loss of each output is none.
    """
    losses = {"loss", *(f"{name}_loss" for name in getattr(model, "output_names", None) or [])}
    found = tuple(name for name in names if name not in losses)
    if "training_loss" in found:
        raise TaskError(
            "a metric is called training_loss, which is what curves call the loss; give it "
            "another name"
        )
    return found


def directions(model: Any, names: Iterable[str]) -> dict[str, str]:
    """Return of the metrics whose class says so whether "up" or "down" is better.

    Keras keeps that in each metric; a metric of several outputs has its output's name in front.
    """
    inside = [m for group in model.metrics for m in getattr(group, "metrics", [group])]
    known = {m.name: getattr(m, "_direction", None) for m in inside}
    found = {}
    for name in names:
        told = known.get(name) or next(
            (d for end, d in known.items() if d and name.endswith(f"_{end}")), None
        )
        if told in ("up", "down"):
            found[name] = told
    return found


def check_model(keras: Any, model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise TaskError(
            f"the model is a {type(model).__name__}, but must be a keras.Model, such as "
            "keras.Sequential([...])"
        )
    if not model.compiled:
        raise TaskError("the model is not compiled; call model.compile(loss=..., metrics=[...])")
    if not model.trainable:
        raise TaskError(
            "the model is frozen (trainable=False), so there is nothing to train; set "
            "model.trainable = True"
        )


def own_step(keras: Any, model: Any) -> str | None:
    """Return the name of a step that the model's class has in place of Keras' own."""
    for method in ("train_step", "test_step"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            return method
    return None


def check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise TaskError(f"{name} is {quoted(value)}, but must be a whole number of at least 1")


def build(keras: Any, jax: Any, model: Any, batch: Batch) -> None:
    """Create the model's variables and metrics where it was not built yet, as `fit` would."""
    if batch[1] is None and model.loss is not None:
        raise TaskError(
            "y is missing, which the loss needs; give it, or compile the model without a loss if "
            "its layers bring theirs (add_loss)"
        )
    try:
        model._symbolic_build(data_batch=batch)
    except Exception as error:
        if all(layer.built for layer in model._flatten_layers()):
            check_fit(keras, model, batch, "", abstractly(jax, model))  # says more of labels
        raise cannot(jax, error, "the model and the data do not fit each other") from error
    check_weights(model)


def check_weights(model: Any) -> None:
    if not model.trainable_variables:
        raise TaskError(
            "the model has no trainable weights, so there is nothing to train; unfreeze or add a "
            "layer"
        )


# What the model makes of two examples: its outputs, and whether a layer adds losses.
Called = Callable[[Tree], tuple[Tree, bool]]


def forget_losses(model: Any) -> None:
    """Make a layer forget the losses of an earlier trace, before a new one.

    A layer tells its own losses by `id`, which an earlier trace's may have had: Keras 3.15 then
    drops a loss of `add_loss` without a word, in about 1 of 50 traces of a model with two.
    """
    model._clear_losses()


def forgetful(model: Any) -> Callable[..., Any]:
    """Return the model's `stateless_call`, which forgets the losses of earlier traces first."""
    call = model.stateless_call

    def stateless_call(*args: Any, **kwargs: Any) -> Any:
        forget_losses(model)
        return call(*args, **kwargs)

    return stateless_call


def abstractly(jax: Any, model: Any) -> Called:
    """Return what calls the model with shapes alone, once for each kind of x."""
    known: dict[str, tuple[Tree, bool]] = {}

    def call(x: Tree) -> tuple[Tree, bool]:
        values = [
            [v.value for v in vs]
            for vs in (model.trainable_variables, model.non_trainable_variables)
        ]
        shapes = arrays.map_arrays(lambda _, a: jax.ShapeDtypeStruct(a.shape, a.dtype), x, "x")
        key = str(shapes)
        if key not in known:
            forget_losses(model)
            try:
                output, _, added = jax.eval_shape(
                    lambda w, s, x: model.stateless_call(w, s, x, return_losses=True),
                    *values,
                    shapes,
                )
            except Exception as error:
                raise cannot(jax, error, "") from error
            known[key] = output, bool(added)
        return known[key]

    return call


def check_fit(keras: Any, model: Any, batch: Batch, prefix: str, call: Called) -> None:
    """Raise `TaskError` where the model cannot take x or the loss cannot take y."""
    x, y, _ = batch
    # Twice the first example: a part may have no second one.
    two = arrays.map_arrays(lambda _, a: a[[0, 0]], x, "x")
    try:
        output, added = call(two)
    except UntraceableError:
        raise
    except Exception as error:
        said = str(error).removeprefix(": ") if isinstance(error, TaskError) else gist(error)
        raise TaskError(f"{prefix}the model cannot take x of {_shapes(x)}: {said}") from error
    if model.loss is None and not added:
        raise TaskError("the model is compiled without a loss; call model.compile(loss=...)")
    if model.loss is not None and y is None:
        raise TaskError(f"{prefix}y is missing, which the loss needs; give (x, y)")
    check_labels(keras, model.loss, y, output, f"{prefix}y")


class UntraceableError(TaskError):
    """JAX cannot trace the model, as its code needs the values of real arrays."""


def cannot(jax: Any, error: BaseException, otherwise: str) -> TaskError:
    """Return the error of a model that JAX cannot trace, or that does not fit its data."""
    cause: BaseException | None = error
    while cause is not None:  # Keras wraps what its layers raise
        if isinstance(cause, jax.errors.JAXTypeError | jax.errors.UnexpectedTracerError):
            return UntraceableError(gist(cause))
        error, cause = cause, cause.__cause__ or cause.__context__
    return TaskError(f"{otherwise}: {gist(error)}")


def _shapes(tree: Any) -> str:
    found = arrays.leaves(tree, "x")
    return ", ".join(f"shape {array.shape}" for array in found.values())


def weigh_classes(batch: Batch, class_weight: Mapping[int, float] | None) -> Batch:
    """Turn class weights into sample weights, with the meaning they have in `fit`."""
    x, y, sample_weight = batch
    if class_weight is None:
        return batch
    if sample_weight is not None:
        raise TaskError("class_weight and sample_weight exclude each other, as in fit; give one")
    if not isinstance(y, np.ndarray):
        raise TaskError(
            "class_weight needs a model with one output, as in fit; give sample_weight instead"
        )
    labels = y
    if y.ndim > 1:
        labels = np.argmax(y, axis=-1) if y.shape[-1] != 1 else y[..., 0]
    labels = np.round(labels).astype(int)
    try:
        weights = {int(key): float(value) for key, value in class_weight.items()}
    except Exception:  # it may be anything
        raise TaskError(
            f"class_weight is {quoted(class_weight)}, but must map classes to numbers as in "
            "{0: 1.0, 1: 5.0}"
        ) from None
    if not all(np.isfinite(v) and v >= 0 for v in weights.values()):
        raise TaskError(
            f"class_weight is {weights}, but its weights must be at least 0; give 0 to leave a "
            "class out"
        )
    if labels.ndim != 1:
        raise TaskError(
            "class_weight needs one label for each example, as in fit; give sample_weight instead"
        )
    return x, y, np.array([weights.get(label, 1.0) for label in labels.tolist()], np.float32)


def gist(error: BaseException) -> str:
    """Return the line of a framework's message that says what is wrong."""
    text = re.sub("\x1b\\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [
        line for line in lines if not line.startswith(("Exception encountered", "Could not auto"))
    ]
    gist = said[0] if said else type(error).__name__
    return gist if len(gist) <= 240 else gist[:237] + "..."
