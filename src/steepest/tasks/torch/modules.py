"""What a person gave as their module: a class, a function that makes it, or an instance.

It is only read: all work is done on a module of our own, on the CPU.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from steepest.errors import TaskError
from steepest.tasks.torch.checks import gist
from steepest.tasks.torch.randomness import lent
from steepest.tasks.torch_kinds import is_torch

Run = Callable[[nn.Module], Any]  # what takes a first batch through a module


@dataclass(frozen=True)
class Given:
    """A person's module: one of our own like theirs, and the function that makes more, if any."""

    module: nn.Module
    make: Callable[[], nn.Module] | None
    kind: str  # what to call it: the name of the class

    run: Run  # what builds lazy layers

    def fresh(self, seed: int) -> nn.Module:
        """Return a module as the function makes it from a seed."""
        assert self.make is not None
        with lent(seed):
            return built(_made(self.make), self.run)


def open_module(given: Any, run: Run) -> Given:
    """Return what was given as a module of our own; `run(module)` is what a lazy one is built by.

    Raises:
        TaskError: it is none, cannot be made, or cannot be copied.
    """
    if isinstance(given, nn.Module):
        module = getattr(given, "_orig_mod", given)  # of torch.compile
        _check_device(module)
        try:
            own = copy.deepcopy(module)
        except Exception as error:
            raise TaskError(
                f"the {type(module).__name__} cannot be copied ({gist(error)}); give its class, or "
                "a function that makes it"
            ) from error
        own = _on_cpu(own)
        with lent(0):
            return Given(built(own, run), None, type(module).__name__, run)
    if not callable(given):
        raise TaskError(
            f"the module is a {type(given).__name__}, but must be a torch.nn.Module, its class, or "
            "a function without arguments that makes one"
        )
    with lent(0):
        module = _made(given)
        return Given(built(module, run), given, type(module).__name__, run)


def _made(make: Callable[[], Any]) -> nn.Module:
    name = getattr(make, "__name__", type(make).__name__)
    needed = _needed(make)
    if needed:
        raise TaskError(
            f"{name} needs {', '.join(needed)} to be made; give a function without arguments, such "
            f"as lambda: {name}({', '.join(f'{one}=...' for one in needed)})"
        )
    try:
        module = make()
    except Exception as error:
        raise TaskError(f"{name}() fails: {type(error).__name__}: {gist(error)}") from error
    if not isinstance(module, nn.Module) or not is_torch(module):  # Keras' may be both
        raise TaskError(
            f"{name}() made a {type(module).__name__}, but must make a torch.nn.Module; a Keras "
            "model is given itself, compiled"
        )
    module = getattr(module, "_orig_mod", module)
    _check_device(module)
    return _on_cpu(module)


def _needed(make: Callable[[], Any]) -> list[str]:
    """Return the arguments that have to be given."""
    try:
        found = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        one.name
        for one in found
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]


def _check_device(module: nn.Module) -> None:
    for name, one in (*module.named_parameters(), *module.named_buffers()):
        if one.device.type == "meta":
            raise TaskError(
                f"{name} is on the device meta, so it has no values; give the class, or a function "
                "that makes the module on the CPU"
            )


def _on_cpu(module: nn.Module) -> nn.Module:
    there = {one.device.type for one in (*module.parameters(), *module.buffers())}
    return module if there <= {"cpu"} else module.to("cpu")


def built(module: nn.Module, run: Run) -> nn.Module:
    """Return the module with the parameters of lazy layers made, as a first batch makes them."""
    every = (*module.parameters(), *module.buffers())
    if not any(nn.parameter.is_lazy(one) for one in every):
        return module
    modes = [(one, one.training) for one in module.modules()]
    module.eval()  # so that statistics stay
    try:
        with torch.no_grad():
            run(module)
    except Exception as error:
        raise TaskError(
            f"the lazy layers of the module cannot be made by a batch: {gist(error)}"
        ) from error
    for one, training in modes:
        one.training = training
    return module
