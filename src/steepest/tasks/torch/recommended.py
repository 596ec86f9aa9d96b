"""A recommended optimizer as PyTorch has it: exported source, run for a person's module."""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from steepest.errors import InputError, quoted
from steepest.records import TaskFacts

_NAME = "steepest_optimizer"  # of what the source is run as


def make_optimizer(
    source: str, model: Any, task: TaskFacts, names: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Return the optimizer that `source` makes of a module, which clips and decays by itself.

    Its learning rate stays until a scheduler is made. `names` are what a person has to put in its
    place, such as a schedule of their own.

    Raises:
        InputError: no module, or one that lacks a parameter of the study's module.
    """
    if not isinstance(model, nn.Module):
        given = "nothing" if model is None else quoted(model)
        raise InputError(
            f"the optimizer is for {given}, but must be for a module; give the one that it is to "
            "train, as in optimizer(model)"
        )
    model = _inside(model)
    own = {name for name, _ in model.named_parameters()}
    lost = [one.path for one in task.weights if one.path not in own]
    if task.framework == "torch" and lost:
        raise InputError(
            f"the module has no parameter {quoted(lost[0])}, which that of the study has; give one "
            "of the same parameters"
        )
    found: dict[str, Any] = {
        "__name__": _NAME,
        "model": model,
        "scheduler": SimpleNamespace(last_epoch=0),  # until there is one
        **names,
    }
    exec(compile(source, "<steepest>", "exec"), found)
    optimizer: torch.optim.Optimizer = found["optimizer"]
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    if "before" in found:
        optimizer.register_step_pre_hook(_calling(found["before"]))
    return optimizer


def make_scheduler(
    source: str, optimizer: torch.optim.Optimizer, names: Mapping[str, Any]
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return a scheduler by the `factor` that `source` defines, known to the optimizer's class."""
    found: dict[str, Any] = {"__name__": _NAME, **names}
    exec(compile(source, "<steepest>", "exec"), found)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, found["factor"])
    around = inspect.unwrap(type(optimizer).step).__globals__
    if around.get("__name__") == _NAME:  # a class of the source's own, which may look ahead
        around["scheduler"] = scheduler
    return scheduler


def _inside(model: nn.Module) -> nn.Module:
    """Return the module inside of what `torch.compile` and parallel training put around it."""
    for _ in range(9):
        inner = getattr(model, "_orig_mod", None)
        if inner is None and type(model).__module__.startswith("torch.nn.parallel"):
            inner = getattr(model, "module", None)
        if not isinstance(inner, nn.Module):
            break
        model = inner
    return model


def _calling(before: Callable[[], None]) -> Callable[..., Any]:
    """Return a hook that calls `before` when gradients are there: after a closure, if one is
    given."""

    def hook(
        optimizer: torch.optim.Optimizer, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        closure = named.get("closure", given[1] if len(given) > 1 else None)
        if closure is None:
            before()
            return None

        def whole() -> Any:
            loss = closure()
            before()
            return loss

        return (optimizer,), {"closure": whole}

    return hook
