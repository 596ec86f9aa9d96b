"""A batch through the module, its loss and its metrics, before anything is compiled."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.data.arrays import Batch, Tree
from steepest.errors import TaskError
from steepest.tasks.torch.checks import check_loss, check_names, failed, gist
from steepest.tasks.torch.gathered import computed
from steepest.tasks.torch.labels import check_labels
from steepest.tasks.torch.randomness import lent
from steepest.tasks.torch.step import Step, as_scalar, call, nested


@dataclass(frozen=True)
class Tried:
    """What came of a batch: the loss, the module's output where the loss is of that, metrics."""

    loss: Tensor
    output: Any
    target: Any
    metrics: tuple[str, ...]


def take(step: Step, batch: Batch, prefix: str, *, training: bool, targets: Tree = None) -> Tried:
    """Take a batch through `step` in one mode; it is handed back as it was.

    `targets` are those of the whole set that the batch is from, where they are known.

    Raises:
        TaskError: something does not fit.
    """
    with _lent(step, training):
        found = _taken(step, batch, prefix, batch[1] if targets is None else targets)
        if training:
            name = "step" if step.own.value else _name(step.loss)
            check_loss(found.loss, name)
            _check_gradients(step, found.loss, name)
        return found


@contextlib.contextmanager
def _lent(step: Step, training: bool) -> Iterator[None]:
    """Let a step be in one mode; it is handed back as it was, and so are random generators."""
    before = {name: one.clone() for name, one in step.named_buffers()}
    mode = step.training
    step.train(training)
    try:
        with lent(0), torch.set_grad_enabled(training):
            yield
    finally:
        step.train(mode)
        with torch.no_grad():
            for name, one in step.named_buffers():
                if name in before:
                    one.copy_(before[name])


def absent(step: Step, batch: Batch) -> set[str]:
    """Return the trainable parameters of which the loss of a batch has no gradient."""
    with _lent(step, True):
        found = _gradients(step, step.loss_alone(*step.tensors(batch)))
    return {name for name, gradient in found.items() if gradient is None}


def _gradients(step: Step, loss: Tensor) -> dict[str, Tensor | None]:
    trained = {n: one for n, one in step.module.named_parameters() if one.requires_grad}
    found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    return dict(zip(trained, found, strict=True))


def _check_gradients(step: Step, loss: Tensor, name: str) -> None:
    known = {n: g for n, g in _gradients(step, loss).items() if g is not None}
    if not known:
        raise TaskError(
            f"what {name} returned does not depend on the module that it is given; use that one, "
            "its first argument, and no module from outside"
        )
    for one, gradient in known.items():
        if not bool(torch.isfinite(gradient).all()):
            raise TaskError(
                f"the gradient of {one} is not finite at the first batch; look for square roots, "
                "logarithms or divisions of 0 in the module and the loss"
            )


def _taken(step: Step, batch: Batch, prefix: str, targets: Tree) -> Tried:
    x, y = nested(batch, step.types)
    if step.own.value is not None:
        try:
            made = step.values(*step.tensors(batch))
        except TaskError:
            raise
        except Exception as error:
            raise failed(f"{prefix}step", batch, error) from error
        check_names(made[1])
        _check_metrics(made[1])
        return Tried(made[0], None, None, tuple(made[1]))
    try:
        output = call(step.module, x)
    except Exception as error:
        raise failed(f"{prefix}the module", (batch[0], None, None), error) from error
    assert step.loss is not None
    check_labels(step.loss, targets, step.types[-1], output, f"{prefix}y")
    try:
        loss = step.loss(output, y)
    except Exception as error:
        raise TaskError(
            f"{prefix}{_name(step.loss)} cannot take the module's output, {_said(output)}, and y, "
            f"{_said(y)}: {gist(error)}"
        ) from error
    values = {}
    for name, metric in step.metrics.value.items():
        try:
            own = step.gathered.value.get(name)
            values[name] = metric(output, y) if own is None else _gathered(own, output, y)
        except Exception as error:
            raise TaskError(
                f"{prefix}the metric {name} cannot take the module's output, {_said(output)}, and "
                f"y, {_said(y)}: {gist(error)}"
            ) from error
    _check_metrics(values)
    return Tried(loss, output, y, tuple(values))


def _gathered(metric: Any, output: Any, y: Any) -> Any:
    """Return what a metric says of a batch alone, and let it forget that."""
    metric.reset()
    metric.update(output, y)
    found = computed(metric)
    metric.reset()
    return found


def _check_metrics(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        try:
            as_scalar(value)
        except TaskError as error:
            raise TaskError(f"{name}: {error}") from error


def _name(loss: Any) -> str:
    return str(getattr(loss, "__name__", type(loss).__name__))


def _said(tree: Any) -> str:
    if isinstance(tree, Tensor):
        kind = str(tree.dtype).removeprefix("torch.")
        return f"{kind} of shape {tuple(tree.shape)}"
    return f"a {type(tree).__name__}"
