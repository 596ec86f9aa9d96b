"""PyTorch's own numbers for the proof: a copy of the step, run and differentiated in float64.

The copy runs as the person wrote it. Casts to float32 and below become casts to float64, so that
all arithmetic has float64's precision, and random operations return the fixed numbers that the
graph has too (`draws.py`).
"""

import contextlib
import copy
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from steepest.errors import in_one_line
from steepest.tasks.torch.lowering.fixed import fixed_numbers
from steepest.tasks.torch.lowering.table import NotLoweredError


@dataclass(frozen=True)
class Numbers:
    """What is compared: outputs, all buffers after the step, gradients of the first output."""

    outputs: Sequence[Any]
    buffers: Mapping[str, Any]
    gradients: Mapping[str, Any]


class Oracle:
    """A step in one mode, in float64."""

    def __init__(self, step: nn.Module, training: bool) -> None:
        kept = {
            id(value): value.detach().clone()
            for inner in step.modules()
            for value in vars(inner).values()
            if isinstance(value, Tensor) and not value.is_leaf  # which cannot be copied
        }
        self.step = copy.deepcopy(step, kept).double().train(training)
        for inner in self.step.modules():
            for name, value in vars(inner).items():
                if isinstance(value, Tensor) and value.is_floating_point():
                    vars(inner)[name] = value.double()
        parameters = dict(self.step.named_parameters())
        self.trained = tuple(name for name, one in parameters.items() if one.requires_grad)

    def values(self) -> dict[str, Any]:
        """Return the values of all parameters and buffers, as float64 or integers."""
        named = [*self.step.named_parameters(), *self.step.named_buffers()]
        return {name: tensor.detach().numpy().copy() for name, tensor in named}

    def array(self, leaf: Tensor) -> Any:
        return (leaf.double() if leaf.is_floating_point() else leaf).detach().cpu().numpy()

    def run(self, values: Mapping[str, Any], leaves: Sequence[Tensor]) -> Numbers:
        """Return PyTorch's numbers. Raises NotLoweredError where the step itself fails."""
        with torch.no_grad():
            for name, tensor in (*self.step.named_parameters(), *self.step.named_buffers()):
                tensor.copy_(torch.as_tensor(values[name]))
        parameters = dict(self.step.named_parameters())
        wanted = [parameters[name] for name in self.trained]
        given = [torch.as_tensor(self.array(leaf).copy()) for leaf in leaves]
        try:
            with _in_float64(), torch.enable_grad():
                outputs = self.step(*given)
                outputs = outputs if isinstance(outputs, tuple | list) else [outputs]
                found: Sequence[Any] = [None] * len(wanted)
                if outputs[0].requires_grad and wanted:
                    found = torch.autograd.grad(outputs[0], wanted, allow_unused=True)
        except NotLoweredError:
            raise
        except Exception as error:  # whatever a person's step does
            said = in_one_line(f"{type(error).__name__}: {error}".partition("\n")[0])
            raise NotLoweredError(f"PyTorch itself fails in float64: {said}") from error
        gradients = {
            name: np.zeros(one.shape) if g is None else g.detach().numpy()
            for name, one, g in zip(self.trained, wanted, found, strict=True)
        }
        buffers = {name: one.detach().numpy().copy() for name, one in self.step.named_buffers()}
        return Numbers([_numpy(output) for output in outputs], buffers, gradients)


def _numpy(output: Any) -> Any:
    return output.detach().numpy() if isinstance(output, Tensor) else np.asarray(output)


@contextlib.contextmanager
def _in_float64() -> Iterator[None]:
    """Let all arithmetic be in float64, random numbers be fixed, and leave generators alone."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), fixed_numbers(), _Wide():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(before)


CASTS = {torch.Tensor.float, torch.Tensor.half, torch.Tensor.bfloat16}
NARROW = (torch.float32, torch.float16, torch.bfloat16)


class _Wide(TorchFunctionMode):
    """float64 wherever a program asks for less, or brings data of less from outside."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in CASTS:
            return args[0].double()
        if getattr(func, "__name__", "").endswith("_"):  # which writes to its first argument
            given = [*args[:1], *map(_wide, args[1:])]
        else:
            given = [*map(_wide, args)]
        found = func(*given, **{n: _wide(v) for n, v in (kwargs or {}).items()})
        narrow = isinstance(found, Tensor) and found.is_floating_point()
        return found.double() if narrow and found.dtype != torch.float64 else found


def _wide(thing: Any) -> Any:
    """Return types as float64, and tensors too: a loss may have weights of classes in float32."""
    if isinstance(thing, torch.dtype):
        return torch.float64 if thing.is_floating_point else thing
    narrow = isinstance(thing, Tensor) and thing.dtype in NARROW
    return thing.double() if narrow and not isinstance(thing, nn.Parameter) else thing
