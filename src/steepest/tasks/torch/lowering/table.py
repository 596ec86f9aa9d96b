"""The table of operations: the JAX function that stands for each of PyTorch's (ATen's).

A function takes what the operation's schema has: arrays as JAX arrays, and Python numbers, lists,
types and None as they are in the graph. Arguments that say where an array is or how it lies in
memory (`device`, `layout`, `memory_format`, `pin_memory`) are left out. It returns an array, or a
tuple where the operation has several results. Its results are cast to the types that PyTorch
recorded, so it need not follow each rule of promotion, but gradients are its own: they must be
PyTorch's, at ties and at zeros too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from steepest.errors import SteepestError

Function = Callable[..., Any]


class NotLoweredError(SteepestError):
    """A module cannot be said in JAX: the message names the operation and the person's line."""


@dataclass(frozen=True)
class Operation:
    """One operation in JAX. A random one takes a key as its first argument."""

    name: str
    function: Function
    random: bool = False


TABLE: dict[str, Operation] = {}


def lowers(*names: str, random: bool = False) -> Callable[[Function], Function]:
    """Register a function for the operations `names`, such as "aten.relu.default"."""

    def register(function: Function) -> Function:
        for name in names:
            if name in TABLE:
                raise ValueError(f"{name} has two lowerings.")
            TABLE[name] = Operation(name, function, random)
        return function

    return register


def find(name: str) -> Operation:
    """Return the operation called `name`. Raises NotLoweredError where there is none."""
    if name not in TABLE:
        raise NotLoweredError(f"{name} is not lowered")
    return TABLE[name]
