"""Can this module be trained on this data? If not, one sentence says why not.

Asked before anything is written or compiled: a batch is taken through the module, its loss and the
gradients, as training will do it.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from steepest.data import arrays
from steepest.data.arrays import Batch
from steepest.errors import TaskError, quoted
from steepest.tasks.torch.gathered import STEPS, gathers

TAKEN = ("loss", "training_loss")  # by the loss itself


def gist(error: BaseException) -> str:
    """Return the line of PyTorch's message that says what is wrong."""
    text = re.sub("\x1b\\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    return said if len(said) <= 240 else said[:237] + "..."


def check_weights(module: nn.Module) -> None:
    """Raise `TaskError` where there is nothing to train."""
    kind = type(module).__name__
    every = list(module.parameters())
    if not every:
        raise TaskError(f"{kind} has no parameters, so there is nothing to train; add a layer")
    if not any(one.requires_grad for one in every):
        raise TaskError(
            f"all parameters of {kind} are frozen (requires_grad=False), so there is nothing to "
            "train; unfreeze a layer"
        )
    for name, one in module.named_parameters():
        if one.dtype in (torch.float64, torch.float16):
            kind = str(one.dtype).removeprefix("torch.")
            way = "double()" if one.dtype is torch.float64 else "half()"
            raise TaskError(
                f"{name} is {kind}, but trials train in float32 or bfloat16; leave out {way} or "
                "what else makes it so"
            )


def no_loss() -> TaskError:
    """Return the error that nobody said what to minimize."""
    return TaskError(
        "there is no loss; give loss=nn.CrossEntropyLoss(), or another function of output and "
        "target, or step=lambda module, batch: ..., which returns the loss of a batch"
    )


def check_asked(loss: Any, step: Any, metrics: Any) -> None:
    """Raise `TaskError` where loss, step and metrics are not what they have to be."""
    if loss is not None and step is not None:
        raise TaskError("loss and step are both given; step returns the loss itself, so leave one")
    for name, one in (("loss", loss), ("step", step)):
        if isinstance(one, type) and issubclass(one, nn.Module):
            raise TaskError(f"{name} is the class {one.__name__}; make one: {one.__name__}()")
        if one is not None and not callable(one):
            raise TaskError(f"{name} is {quoted(one)}, but must be a function")
    own = loss.named_parameters() if isinstance(loss, nn.Module) else ()
    for name, parameter in own:
        if parameter.requires_grad:  # no optimizer of model.parameters() would train it
            raise TaskError(
                f"the loss has a parameter of its own, {quoted(name)}, which the module lacks; put "
                "it into the module, and give step=lambda module, batch: ... instead of the loss"
            )
    if metrics is None:
        return
    if step is not None:
        raise TaskError(
            "metrics are functions of output and target, which step= does not tell; let step "
            'return (loss, {"accuracy": ...})'
        )
    if not isinstance(metrics, Mapping):
        raise TaskError(
            f"metrics is a {type(metrics).__name__}, but must be a dictionary from names to "
            "functions of output and target"
        )
    check_names(metrics)
    for name, one in metrics.items():
        if isinstance(one, type) and all(hasattr(one, part) for part in STEPS):
            raise TaskError(
                f"metrics[{quoted(name)}] is the class {one.__name__}; make one: "
                f"{one.__name__}(...)"
            )
        if not callable(one) and not gathers(one):
            raise TaskError(
                f"metrics[{quoted(name)}] is {quoted(one)}, but must be a function of output and "
                "target"
            )


def check_names(metrics: Mapping[Any, Any]) -> None:
    """Raise `TaskError` where a metric's name is none, or that of the loss."""
    for name in metrics:
        if not isinstance(name, str) or not name:
            raise TaskError(f"a metric is called {quoted(name)}, but names must be words")
        if name in TAKEN:
            raise TaskError(f"a metric is called {name}, as the loss is; give it another name")


def failed(what: str, batch: Batch, error: BaseException) -> TaskError:
    """Return the error of something that cannot take a batch."""
    return TaskError(
        f"{what} cannot take a batch of {arrays.said(arrays.shapes(batch))}: {gist(error)}"
    )


def check_loss(loss: Any, name: str) -> None:
    """Raise `TaskError` where what was returned for the loss of a first batch is none."""
    if not isinstance(loss, Tensor):
        raise TaskError(
            f"{name} returned a {type(loss).__name__}, but must return the loss as a tensor of one "
            "number"
        )
    if loss.ndim and loss.numel() != 1:
        raise TaskError(
            f"{name} returned a tensor of shape {tuple(loss.shape)}, but must return one number; "
            "return its mean over the batch, as reduction='mean' does"
        )
    if not loss.requires_grad:
        raise TaskError(
            f"what {name} returned does not depend on any trainable parameter (requires_grad is "
            "False), so nothing would be learnt; do not detach it, and do not compute it under "
            "torch.no_grad"
        )
    if not bool(torch.isfinite(loss)):
        raise TaskError(
            f"the loss of the first batch is {float(loss.detach())}, before any step; look for "
            "logarithms or divisions of 0, or numbers too large, in the module, the loss and x"
        )
