"""A PyTorch module, its loss and its data as a task.

Its exported graph is lowered to JAX and proved on a batch (`lowering`), so that a population of
trials is one compiled program (`traced_task.py`); where that cannot be, trials train in a plain
PyTorch loop (`loop_task.py`), and the notes say why. Either way what the person gave is only read.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from steepest.data import arrays, sources
from steepest.data.arrays import Batch
from steepest.data.order import order_of
from steepest.data.stream import Data, Stream
from steepest.errors import TaskError
from steepest.records import TaskFacts
from steepest.tasks import compile_cache
from steepest.tasks.callback_records import make_callbacks
from steepest.tasks.callbacks import sort_callbacks
from steepest.tasks.names import task_name
from steepest.tasks.task import Task
from steepest.tasks.torch import notes
from steepest.tasks.torch.checks import check_asked, check_weights
from steepest.tasks.torch.data import Opened, Wanted, open_all
from steepest.tasks.torch.fingerprint import fingerprint
from steepest.tasks.torch.gathered import expanded
from steepest.tasks.torch.initial_weights import PREFIX, Initial, initial_values
from steepest.tasks.torch.loaders import any_shape, shapes_of, too_many_shapes
from steepest.tasks.torch.loop_task import RANDOM, LoopTask
from steepest.tasks.torch.lowering.table import NotLoweredError
from steepest.tasks.torch.metrics import accuracy, are_classes, directions, told_by_module
from steepest.tasks.torch.modules import Given, open_module
from steepest.tasks.torch.order import LoaderOrder
from steepest.tasks.torch.proof import proved_graphs
from steepest.tasks.torch.roles import parameters_of
from steepest.tasks.torch.step import Loss, Metrics, Own, Step, call, nested
from steepest.tasks.torch.traced_task import traced_task
from steepest.tasks.torch.tries import Tried, take
from steepest.tasks.torch.trivial import trivial
from steepest.tasks.torch.unused import without_unused

_PLAIN = ("Sequential", "Model")  # classes that say nothing of what they are for
PARTS = ("", "validation_data: ", "test_data: ")  # what messages about a set begin with


def torch_task(
    module: Any,
    data: Any,
    y: Any = None,
    *,
    loss: Loss | None = None,
    step: Own | None = None,
    metrics: Metrics | None = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    test_data: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    initial_weights: str = "fresh",
    shuffle: bool = True,
    callbacks: Any = None,
    name: str | None = None,
) -> Task | LoopTask:
    """Return what a PyTorch module and its data are as a task.

    Args:
        module: a class or a function without arguments that makes an `nn.Module`, or an instance,
            whose weights are then drawn anew by the `reset_parameters` of its layers. Parts that
            are in evaluation, of a module in training, stay so in training.
        data: a `DataLoader`, which says batch size and order itself, a `Dataset`, or x as tensors
            or arrays `[examples, ...]` with `y` beside it. x is given to the module as it is: a
            tensor as its argument, a tuple as its arguments, a dictionary as its named ones.
        y: targets `[examples, ...]`; not for a loader or a data set, which bring theirs.
        loss: a function of output and target, such as `nn.CrossEntropyLoss()`.
        step: in its place a function of module and batch, whatever a batch is, that returns the
            loss, or `(loss, {"accuracy": ...})`. Without either, batches are dictionaries, and the
            module is called by their names and returns its loss itself, as `.loss` or `["loss"]`.
        metrics: functions of output and target by name, averaged over examples, or objects that
            gather over a set, as torchmetrics'; the accuracy where targets are classes, if nothing
            is given.
        validation_data: what optimizers are compared on, of the kinds of `data` or `(x, y)`.
        validation_split: in its place the last share of the training examples.
        test_data: alike, looked at once at the end.
        epochs: the length of a full training.
        batch_size: examples a step, where no loader says it.
        steps_per_epoch: batches an epoch of a stream that does not say.
        validation_steps: alike for `validation_data`.
        initial_weights: "fresh" draws weights from each seed, "given" starts from the module's own.
        shuffle: whether each epoch has an order of its own, where no loader says it.
        callbacks: what stops trials or sets their rates, of Keras, Lightning, or as texts.
        name: what to call the task; by default the class of the module.

    Raises:
        TaskError: the module, the data or the two together cannot be trained.
    """
    asked = sort_callbacks(callbacks, fit=False)
    arrays.check_counts(epochs=epochs, batch_size=batch_size)
    arrays.check_arguments(initial_weights, shuffle, validation_split)
    metrics = expanded(metrics)
    check_asked(loss, step, metrics)
    step = told_by_module if loss is None and step is None else step
    opened, validation, test = open_all(
        data,
        y,
        validation_data,
        test_data,
        Wanted(step is None, int(batch_size), bool(shuffle)),
        share=float(validation_split),
        steps=steps_per_epoch,
        validation_steps=validation_steps,
    )
    first = sources.sample_of(opened.data, opened.batch_size)
    given = open_module(module, partial(_run, step, nested(first, opened.types)[0]))
    check_weights(given.module)
    made, tried = _step(given, loss, step, metrics, opened, first)
    _check_sets(made, sets := (opened.data, validation, test), opened)
    initial = initial_values(given, made, fresh=initial_weights == "fresh")
    facts = _facts(given, made, initial, opened, sets, tried)
    facts = replace(
        facts,
        notes=(*facts.notes, *asked.notes),
        # As nobody named it, the script says more.
        name=name or task_name(given.kind.lower() if given.kind in _PLAIN else given.kind),
        epochs=int(epochs),
        fingerprint=fingerprint(
            made, given.make, sets, initial.kept, given=initial_weights == "given"
        ),
    )
    size = facts.training_examples
    task = LoopTask(
        facts=facts,
        training=opened.data,
        validation=validation,
        test=test,
        initialize=initial.draw,
        step=made,
        weights=initial.weights,
        state=(*initial.state, RANDOM),
        order=LoaderOrder(size) if opened.shuffle else order_of(size, shuffle=False),
        why="",
        trivial=partial(trivial, made, opened.data, validation, tried.output, facts.batch_size),
    )
    return replace(lowered(task), callbacks=make_callbacks(asked, facts))


def lowered(task: LoopTask) -> Task | LoopTask:
    """Return the task as JAX trains it, or with the reason why it does not."""
    compile_cache.use()
    size = task.facts.batch_size
    trained, measured = _sizes(task.training, size), _sizes(task.validation, size)
    many = too_many_shapes(task.training, trained) or too_many_shapes(task.validation, measured)
    evaluated = [*trained, *measured, *_sizes(task.test, size)]
    trained = trained[:1] if task.facts.drop_last else trained
    graphs = many or proved_graphs(task, trained, evaluated)
    if not isinstance(graphs, str):
        try:
            return traced_task(without_unused(task, trained), graphs)
        except NotLoweredError as error:
            graphs = str(error)
    if many:
        own, other = any_shape(task.training), any_shape(task.validation)
        task = replace(task, training=own, validation=other)
    why = (
        f"{graphs}, so trials train one at a time in a plain PyTorch loop; what is lowered trains "
        "in one compiled program, which is faster"
    )
    return replace(task, why=why, facts=replace(task.facts, notes=(*task.facts.notes, why)))


def _sizes(data: Data | None, batch_size: int) -> list[Batch]:
    """Return a batch of each size that is met: a full one, and what remains of an epoch."""
    if isinstance(data, Stream):
        return shapes_of(data)
    if data is None:
        return []
    count = arrays.size(data)
    sizes = dict.fromkeys((min(batch_size, count), count % batch_size))
    return [arrays.rows(data, slice(0, size)) for size in sizes if size]


def _run(step: Own | None, x: Any, module: nn.Module) -> Any:
    """Take a first batch through a module."""
    return call(module, x) if step is None else step(module, x)


def _step(
    given: Given,
    loss: Loss | None,
    step: Own | None,
    metrics: Metrics | None,
    opened: Opened,
    first: Batch,
) -> tuple[Step, Tried]:
    """Return the step of a task, and what came of a first batch."""

    def make(metrics: Metrics, names: tuple[str, ...]) -> Step:
        return Step(
            given.module,
            loss=loss,
            step=step,
            metrics=metrics,
            names=names,
            like=first,
            types=opened.types,
        )

    targets = None if isinstance(opened.data, Stream) else opened.data[1]
    found = make(metrics or {}, ())
    tried = take(found, first, "", training=True, targets=targets)
    if metrics is None and are_classes(tried.output, tried.target):
        return make({"accuracy": accuracy}, ("accuracy",)), replace(tried, metrics=("accuracy",))
    return make(metrics or {}, tried.metrics), tried


def _check_sets(step: Step, sets: tuple[Data, Data, Data | None], opened: Opened) -> None:
    """Raise `TaskError` where a set, or what remains of an epoch, does not go through the step."""
    training = sets[0]
    first = sources.sample_of(training, opened.batch_size)
    size = sources.examples_of(first)
    rest = sources.examples_of(training) % size
    if rest and not isinstance(training, Stream) and not opened.drop_last:
        try:
            take(step, arrays.rows(first, slice(0, rest)), "", training=True)
        except TaskError as error:
            raise TaskError(
                f"the last batch of an epoch has {rest} of {size} examples, and {error}; choose "
                "another batch_size, or give a DataLoader with drop_last=True"
            ) from error
    for prefix, data in zip(PARTS[1:], sets[1:], strict=True):
        if data is None:
            continue
        batch = sources.sample_of(data, opened.batch_size)
        _check_alike(batch, first, prefix)
        targets = None if isinstance(data, Stream) else data[1]
        found = take(step, batch, prefix, training=False, targets=targets)
        missing = [name for name in step.names if name not in found.metrics]
        if missing:
            raise TaskError(
                f"{prefix}step returned no metric {missing[0]}, which it returned in training; "
                "return the same ones in both modes"
            )


def _check_alike(batch: Batch, first: Batch, prefix: str) -> None:
    ours, theirs = arrays.shapes(batch), arrays.shapes(first)
    if [one[::2] for one in ours] != [one[::2] for one in theirs]:
        raise TaskError(
            f"{prefix}it holds {arrays.said(ours)}, but a batch of training {arrays.said(theirs)}; "
            "both must have the same parts and types"
        )


def _facts(
    given: Given,
    step: Step,
    initial: Initial,
    opened: Opened,
    sets: tuple[Data, Data, Data | None],
    tried: Tried,
) -> TaskFacts:
    """Return what is known of a task, but for its name, epochs and fingerprint."""
    training, validation, test = sets
    names = [name.removeprefix(PREFIX) for name in initial.weights]
    weights = parameters_of(given.module, names, tried.loss)
    first = sources.sample_of(training, opened.batch_size)
    return TaskFacts(
        name="",
        loss=_loss_name(step),
        metrics=step.names,
        parameters=sum(int(np.prod(one.shape)) for one in weights),
        training_examples=sources.examples_of(training),
        validation_examples=sources.examples_of(validation),
        test_examples=sources.examples_of(test),
        epochs=1,
        batch_size=sources.examples_of(first),
        notes=(
            *initial.notes,
            *sources.notes_of(training, validation, test),
            *notes.of_data(step, training, validation, tried.output, opened.batch_size),
        ),
        weights=weights,
        directions=directions(step.names, step.metrics.value),
        shuffle=opened.shuffle,
        drop_last=opened.drop_last,
        framework="torch",
    )


def _loss_name(step: Step) -> str:
    loss: Any = step.own.value or step.loss
    if loss is told_by_module:
        return "the module's own"
    name = str(getattr(loss, "__name__", type(loss).__name__))
    return "step" if step.own.value is not None and name == "<lambda>" else name
