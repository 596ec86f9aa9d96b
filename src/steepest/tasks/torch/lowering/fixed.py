"""PyTorch with the random numbers of the proof: those of `draws.py` under its key `FIXED`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from steepest.tasks.torch.lowering.draws import STILL, wave
from steepest.tasks.torch.lowering.table import NotLoweredError

Given = Mapping[str, Any]  # the arguments of an operation, by the names of its schema


class _FixedNumbers(TorchDispatchMode):
    """Each random operation returns its fixed numbers; raises NotLoweredError where it has none."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        given: dict[str, Any] = {}
        for place, argument in enumerate(func._schema.arguments):
            default = argument.default_value if argument.has_default_value() else None
            named = kwargs.get(argument.name, default)
            given[argument.name] = args[place] if place < len(args) else named
        if any(given.get(argument) == still for argument, still in STILL):
            return func(*args, **kwargs)
        name = func._schema.name.removeprefix("aten::")
        if name not in NUMBERS:
            raise NotLoweredError(f"{func} is random, and the proof has no numbers for it")
        found = NUMBERS[name](given)
        if not name.endswith("_"):
            return found
        return given["self"].copy_(found)


def fixed_numbers() -> Any:
    """Return a context in which PyTorch's random operations return the proof's numbers."""
    make: Any = _FixedNumbers
    return make()


def _wave(like: Any, scale: float, shift: float) -> Tensor:
    """Return the wave of `draws.py` in the shape and type of a tensor, or in a list's shape."""
    shape = like.shape if isinstance(like, Tensor) else like
    found: Tensor = shift + scale * torch.from_numpy(wave(tuple(shape)))
    return found.to(like.dtype) if isinstance(like, Tensor) else found


def _uniform(given: Given) -> Any:
    low, high = given["from"], given["to"]
    return low + (high - low) * _wave(given["self"], 0.4, 0.5)


def _normal(given: Given) -> Any:
    mean, std = given["mean"], given["std"]
    size = given.get("size")
    if size is None:
        like = [given.get("self"), mean, std]
        shapes = [one.shape for one in like if isinstance(one, Tensor)]
        size = np.broadcast_shapes(*shapes)
    return mean + std * _wave(size, 1, 0)


def _native_dropout(given: Given) -> tuple[Tensor, Tensor]:
    x, p = given["input"], given["p"]
    return x * (0 if p == 1 else 1 / (1 - p)), torch.ones_like(x, dtype=torch.bool)


def _bernoulli(given: Given) -> Tensor:
    p = given.get("p")
    none = isinstance(p, float) and p <= 0
    return torch.zeros_like(given["self"]) if none else torch.ones_like(given["self"])


def _rrelu(given: Given) -> Any:
    x, lower, upper = given["self"], given["lower"], given["upper"]
    slopes = lower + (upper - lower) * _wave(x, 0.4, 0.5)
    noise = given["noise"].copy_(torch.where(x > 0, torch.ones_like(x), slopes))
    return x * noise


def _integers(given: Given) -> Tensor:
    like, low = given.get("self"), given.get("low") or 0
    kind = given.get("dtype")  # a number where it is the schema's default
    if not isinstance(kind, torch.dtype):
        kind = torch.int64 if like is None else like.dtype
    return torch.full(given["size"] if like is None else like.shape, low, dtype=kind)


NUMBERS: Mapping[str, Callable[[Given], Any]] = {
    "bernoulli": _bernoulli,
    "bernoulli_": _bernoulli,
    "exponential_": lambda given: _wave(given["self"], 0.5, 1) / given["lambd"],
    "native_dropout": _native_dropout,
    "normal": _normal,
    "normal_": _normal,
    "rand": lambda given: _wave(given["size"], 0.4, 0.5),
    "rand_like": lambda given: _wave(given["self"], 0.4, 0.5),
    "randint": _integers,
    "randint_like": _integers,
    "randn": lambda given: _wave(given["size"], 1, 0),
    "randn_like": lambda given: _wave(given["self"], 1, 0),
    "randperm": lambda given: torch.arange(given["n"]),
    "rrelu_with_noise": _rrelu,
    "uniform_": _uniform,
}
