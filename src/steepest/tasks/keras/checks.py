"""Can this model be trained on this data? If not, one sentence says why not.

Asked before anything is written or compiled: the model is traced as the engine will trace it.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Arrays, Batch, Tree
from steepest.errors import TaskError
from steepest.tasks.keras.labels import check_labels
from steepest.tasks.task import Task


def trace(jax: Any, model: Any, task: Task, batch: Batch) -> tuple[str, ...]:
    """Trace a training step and an evaluation without running them; return the metrics' names."""
    order: list[str] = []

    def both(weights: Arrays, state: Arrays, batch: Batch) -> Any:
        loss, _ = jax.value_and_grad(task.loss, has_aux=True)(weights, state, batch)
        _, totals = task.measure(weights, state, task.totals, batch)
        values = task.summarize(totals)
        order[:] = values  # as compiled; JAX sorts what it returns
        return loss[0], values

    drawn = task.initialize(0)
    try:
        shape, values = jax.eval_shape(both, *drawn, batch)
    except Exception as error:
        check_weights_fit(lambda b: jax.eval_shape(both, *drawn, b), batch, "", error)
        raise cannot(jax, error, "the model cannot be trained on this data") from error
    if shape.shape != ():
        raise TaskError(
            f"the loss has shape {shape.shape}, but must be one number; let it return the mean "
            "over the batch"
        )
    return metric_names(model, [name for name in order if values[name].shape == ()])


def check_weights_fit(
    use: Callable[[Batch], Any], batch: Batch, prefix: str, error: Exception
) -> None:
    """Raise `TaskError` if `use`, which failed with `error`, works without the batch's weights."""
    x, y, sample_weight = batch
    if sample_weight is None:
        return
    try:
        use((x, y, None))
    except Exception:
        return
    found, labels = (
        ", ".join(str(a.shape) for a in arrays.leaves(tree, "").values())
        for tree in (sample_weight, y)
    )
    raise TaskError(
        f"{prefix}sample_weight does not fit the labels: a batch of it has shape {found}, and of y "
        f"{labels}; give one number for each example, of shape (n,), or where the output has steps "
        "one for each, (n, steps), or for all of them, (n, 1)"
    ) from error


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
    """Return the name of a step that the model has in place of Keras' own."""
    return next((m for m in ("train_step", "test_step") if is_own(keras, model, m)), None)


def is_own(keras: Any, model: Any, method: str) -> bool:
    """Whether the model has a method of its own in place of Keras', by its class or by itself."""
    found = getattr(model, method)
    return getattr(found, "__func__", found) is not getattr(keras.Model, method)


def build(keras: Any, jax: Any, model: Any, batch: Batch) -> None:
    """Create the model's variables and metrics where it was not built yet, as `fit` would."""
    if batch[1] is None and model.loss is not None and not is_own(keras, model, "compute_loss"):
        raise TaskError(
            "y is missing, which the loss needs; give it, or compile the model without a loss if "
            "its layers bring theirs (add_loss)"
        )
    try:
        model._symbolic_build(data_batch=batch)
    except Exception as error:
        if all(layer.built for layer in model._flatten_layers()):
            # Says more of labels.
            check_fit(keras, model, batch, "", abstractly(jax, model), arrays.size(batch))
        check_weights_fit(lambda b: model._symbolic_build(data_batch=b), batch, "", error)
        raise cannot(jax, error, "the model and the data do not fit each other") from error
    check_weights(model)


def check_weights(model: Any) -> None:
    if not model.trainable_variables:
        raise TaskError(
            "the model has no trainable weights, so there is nothing to train; unfreeze or add a "
            "layer"
        )


# What the model makes of some examples: its outputs, and whether a layer adds losses.
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


def check_fit(keras: Any, model: Any, batch: Batch, prefix: str, call: Called, size: int) -> Tree:
    """Raise `TaskError` where the model cannot take x or the loss cannot take y.

    `size` is of the batches that it trains on, which may be the only one that it takes. Returned is
    what the model makes of a batch, at least its shapes.
    """
    x, y, sample_weight = batch
    # The first example again and again: a part may have fewer than a batch.
    some = arrays.map_arrays(lambda _, a: a[np.zeros(size, np.int64)], x, "x")
    try:
        output, added = call(some)
    except UntraceableError:
        raise
    except Exception as error:
        said = str(error).removeprefix(": ") if isinstance(error, TaskError) else gist(error)
        fixed = _fixed_size(model)
        if fixed not in (None, size):
            raise TaskError(
                f"{prefix}the model takes batches of {fixed} examples alone, but is given {size} "
                f"at a time; give batch_size={fixed} and at least as many examples"
            ) from error
        raise TaskError(f"{prefix}the model cannot take x of {_shapes(x)}: {said}") from error
    if is_own(keras, model, "compute_loss"):
        return output  # loss and labels are what it makes of them
    if model.loss is None and not added:
        raise TaskError("the model is compiled without a loss; call model.compile(loss=...)")
    if model.loss is not None and y is None:
        raise TaskError(f"{prefix}y is missing, which the loss needs; give (x, y)")
    check_labels(keras, model.loss, y, output, f"{prefix}y", sample_weight)
    return output


def _fixed_size(model: Any) -> int | None:
    """Return the one size of a batch that the model's input takes, as far as it tells."""
    try:
        sizes = {one.shape[0] for one in model.inputs} - {None}
    except (AttributeError, TypeError, IndexError):
        return None
    return int(sizes.pop()) if len(sizes) == 1 else None


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


def gist(error: BaseException) -> str:
    """Return the line of a framework's message that says what is wrong."""
    text = re.sub("\x1b\\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [
        line for line in lines if not line.startswith(("Exception encountered", "Could not auto"))
    ]
    gist = said[0] if said else type(error).__name__
    return gist if len(gist) <= 240 else gist[:237] + "..."
