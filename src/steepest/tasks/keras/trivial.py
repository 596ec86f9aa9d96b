"""The trivial predictor: the one answer for every example with the lowest loss.

A model that does no better has learnt nothing. The answer is computed from the training labels
alone: mean and median where labels are numbers, shares where they are classes, each also as the
logarithm and the log-odds that an output may mean. Which of them it is, the loss says on the
training labels, weighed if the validation set is; what it is worth, loss and metrics say on the
validation set, sample weights counted. Where there is no such answer, nothing is told:

- a loss that is not of labels and outputs alone: `compute_loss`, `train_step` or `test_step` of
  one's own, `add_loss`, no labels; and regularizers, which a constant does not pay;
- an output with a mask, which depends on the input;
- labels whose form does not say what an output means, and negative weights;
- streams, which would have to be read for it.
"""

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Arrays, Batch, Tree
from steepest.data.stream import Data, Stream
from steepest.records import TaskFacts, Trivial
from steepest.tasks.keras.checks import forget_losses, is_own, own_step
from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.keras.traced_task import TRACING
from steepest.tasks.keras.trivial_answers import ELEMENTS, ROWS, Array, answers, spans
from steepest.tasks.task import Task

log = logging.getLogger(__name__)

Some = TypeVar("Some", Task, FitTask)

WORDS = {
    "mean": "the mean of {y}",
    "median": "the median of {y}",
    "shares": "the frequencies of the classes",
    "other": "one answer for every example",
}


def with_trivial(task: Some) -> Some:
    """Return the task with what its trivial predictor reaches among its facts, where there is one.

    It takes some calls of the loss, so it is asked for when a study starts.
    """
    if task.trivial is None:
        return task
    try:
        found = task.trivial()
    except Exception as error:  # the loss and the metrics are the person's own
        log.info("no trivial predictor: %s", error)
        return task
    if found is not None:
        known = {"loss", *task.facts.metrics}
        values = {n: v for n, v in found.values.items() if n in known and np.isfinite(v)}
        found = replace(found, values=values) if values else None
    facts: TaskFacts = replace(task.facts, trivial=found)
    return replace(task, facts=facts)


@dataclass(frozen=True)
class Judge:
    """Loss and metrics of one answer for every example, in place of what the model says.

    An answer is nested as the outputs are, each array without the examples; `compiled` is what
    makes a pure function fast, if the backend has that.
    """

    keras: Any
    model: Any
    compiled: Callable[[Any], Any]

    def loss(self) -> Callable[[Tree, Tree, Tree], Any]:
        """Return the loss of a batch by answer, y and sample weight, without regularizers."""

        def loss(answer: Tree, y: Tree, weight: Tree) -> Any:
            with TRACING, self.keras.StatelessScope():
                return self.model._compile_loss(y, self._outputs(answer, y), weight)

        return cast("Callable[[Tree, Tree, Tree], Any]", self.compiled(loss))

    def measure(
        self, answer: Tree, batches: Iterator[Batch], *, loss: bool, metrics: bool
    ) -> dict[str, float]:
        """Return loss and metrics over batches, as an evaluation has them."""
        keras, model = self.keras, self.model
        known = model._compile_metrics if metrics else None
        variables = model.metrics_variables

        def measured(answer: Tree, y: Tree, weight: Tree, state: Arrays) -> Any:
            outputs = self._outputs(answer, y)
            # In a scope in which the model's own metrics stay as they are.
            mapping = list(zip(variables, state, strict=True))
            with TRACING, keras.StatelessScope(mapping) as scope:
                value = model._compile_loss(y, outputs, weight) if loss else 0.0
                if known is not None:
                    known.update_state(y, outputs, weight)
                told = model.get_metrics_result() if known is not None else {}
                return value, [scope.get_current_value(v) for v in variables], told

        with keras.StatelessScope() as scope:
            model.reset_metrics()
        state = [scope.get_current_value(v) for v in variables]
        state = [v.value if z is None else z for v, z in zip(variables, state, strict=True)]
        run, total, count, told = self.compiled(measured), 0.0, 0, dict[str, Any]()
        for batch in batches:
            value, state, told = run(answer, batch[1], batch[2], state)
            size = arrays.size(batch)
            total, count = total + number(keras, value) * size, count + size
        found = {name: number(keras, value) for name, value in told.items() if name != "loss"}
        return {"loss": total / count, **found} if loss else found

    def _outputs(self, answer: Tree, y: Tree) -> Tree:
        """Return the answer once for every example of y."""
        ops, floatx = self.keras.ops, self.keras.config.floatx()
        count = next(iter(arrays.leaves(y, "y").values())).shape[0]

        def one(_: str, array: Any) -> Any:
            value = ops.convert_to_tensor(array, floatx)
            return ops.broadcast_to(value, (count, *array.shape))

        return arrays.map_arrays(one, answer, "output")


def number(keras: Any, value: Any) -> float:
    """Return a tensor's one number, NaN if it has several."""
    array = np.asarray(keras.ops.convert_to_numpy(value))
    return float(array) if array.ndim == 0 else float("nan")


def trivial(
    keras: Any,
    model: Any,
    data: tuple[Data, Data, Data | None],
    batch_size: int,
) -> Trivial | None:
    """Return what the trivial predictor of a built model reaches; None where there is none."""
    training, validation, _ = data
    own_loss = is_own(keras, model, "compute_loss")
    if isinstance(training, Stream) or isinstance(validation, Stream) or own_loss:
        return None
    x, y, weight = training
    # Where validation weighs nothing, one answer is best for it without weights too.
    weighed = weight is not None and validation[2] is None
    weight = None if weighed else weight
    if y is None or model._compile_loss is None or own_step(keras, model):
        return None
    outputs, added, masked = _called(keras, model, arrays.rows(training, slice(0, batch_size))[0])
    labels = _paired(y, outputs)
    if masked or labels is None:
        return None
    shapes = {key: tuple(part.shape[1:]) for key, part in arrays.leaves(outputs, "output").items()}
    given = _weights(weight, labels)
    if any((one < 0).any() for one in given.values()):
        return None
    candidates = {key: answers(labels[key], shape, given.get(key)) for key, shape in shapes.items()}
    if not all(candidates.values()):
        return None

    def shown(names: Mapping[str, str]) -> Tree:
        def one(key: str, _: Any) -> Array:
            return candidates[key][names[key]].astype(keras.config.floatx())

        return arrays.map_arrays(one, outputs, "output")

    jitted = importlib.import_module("jax").jit if keras.backend.backend() == "jax" else None
    judge = Judge(keras, model, jitted or (lambda function: function))
    most = max(1, ELEMENTS // max(1, *(int(np.prod(shape)) for shape in shapes.values())))
    count = min(ROWS, most, arrays.size(training))
    places = np.linspace(0, arrays.size(training) - 1, count).astype(int)
    _, some, its = arrays.rows((x, y, weight), places)
    chosen, loss = {key: next(iter(found)) for key, found in candidates.items()}, judge.loss()
    for key, found in candidates.items():  # a sum over outputs, so one output after the other
        losses = {
            name: number(keras, loss(shown({**chosen, key: name}), some, its)) for name in found
        }
        chosen[key] = min(losses, key=lambda name: (not np.isfinite(losses[name]), losses[name]))
    step = min(most, batch_size if _by_batches(model, validation[2]) else ROWS)
    batches = (
        arrays.rows(validation, slice(first, first + step))
        for first in range(0, arrays.size(validation), step)
    )
    own_metrics = type(model).compute_metrics is not keras.Model.compute_metrics
    values = judge.measure(shown(chosen), batches, loss=not added, metrics=not own_metrics)
    kinds = {name.partition(" ")[0] for name in chosen.values()}
    kind = kinds.pop() if len(kinds) == 1 else "other"
    names = "y" if len(labels) == 1 else "each part of y"
    return Trivial(WORDS[kind].format(y=names), values, spans(model, x, labels, shapes), weighed)


def _called(keras: Any, model: Any, x: Tree) -> tuple[Tree, bool, bool]:
    """Return a model's outputs, as shapes or arrays, and whether it adds losses or has a mask."""
    said: list[bool] = []
    # Keras keeps it beside a tensor of JAX, and shows it to nobody.
    mask_of = importlib.import_module("keras.src.backend").get_keras_mask
    values = [(v, v.value) for v in model.variables]  # which regularizers look for

    def run(x: Tree) -> Tree:
        forget_losses(model)
        output = model(x, training=False)
        every = arrays.leaves(output, "output").values()
        masked = any(mask_of(one) is not None for one in every)
        said[:] = [bool(model.losses), masked]
        return output

    try:
        with TRACING, keras.StatelessScope(values):
            if keras.backend.backend() == "jax":
                try:
                    return importlib.import_module("jax").eval_shape(run, x), said[0], said[1]
                except Exception as error:  # what cannot be traced may still run
                    log.debug("%s", error)
            return run(_tensors(keras, x)), said[0], said[1]
    finally:
        forget_losses(model)


def _tensors(keras: Any, tree: Tree) -> Tree:
    return arrays.map_arrays(lambda _, a: keras.ops.convert_to_tensor(a), tree, "")


def _paired(y: Tree, outputs: Tree) -> dict[str, Array] | None:
    """Return the labels of each output, by its name in a tree called "output"; None if unclear."""
    if isinstance(outputs, Mapping) != isinstance(y, Mapping):
        return None
    if isinstance(outputs, Mapping):
        if set(outputs) != set(y) or any(not hasattr(one, "shape") for one in outputs.values()):
            return None
        y = {key: y[key] for key in outputs}
    names, labels = arrays.leaves(outputs, "output"), arrays.leaves(y, "y")
    if not names or len(names) != len(labels):
        return None
    return dict(zip(names, labels.values(), strict=True))


def _weights(weight: Tree, labels: Mapping[str, Array]) -> dict[str, Array]:
    """Return the sample weights of each output's labels, where there are any."""
    found = list(arrays.leaves(weight, "sample_weight").values()) if weight is not None else []
    if len(found) == 1:
        return dict.fromkeys(labels, found[0])
    return dict(zip(labels, found, strict=True)) if len(found) == len(labels) else {}


def _by_batches(model: Any, weight: Tree) -> bool:
    """Return whether the loss of a set depends on how it is cut into batches, as far as known."""
    losses = [one.loss for one in model._compile_loss._flat_losses or ()]
    usual = {"sum_over_batch_size", "mean"}
    usual |= {"mean_with_sample_weight"} if weight is None else set()
    return not losses or not all(
        getattr(one, "reduction", None) in usual
        and str(getattr(getattr(one, "fn", one), "__module__", "")).startswith("keras.")
        for one in losses
    )
