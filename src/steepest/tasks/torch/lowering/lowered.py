"""Graph: a module as a list of calls that JAX can run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from steepest.tasks.torch.lowering import ops  # noqa: F401  (registers the operations)
from steepest.tasks.torch.lowering.arrays import Array, cast
from steepest.tasks.torch.lowering.channels_last import Last, apply, plain
from steepest.tasks.torch.lowering.draws import FIXED
from steepest.tasks.torch.lowering.table import NotLoweredError, find

GETITEM = "getitem"
# Operations that are left in half precision, where they are fast; their sums are in float32.
HALF = ("aten.linear", "aten.matmul", "aten.mm", "aten.bmm", "aten.conv", "aten.einsum")


@dataclass(frozen=True)
class Value:
    """An argument that is the result of an earlier call, by number."""

    number: int


@dataclass(frozen=True)
class Call:
    """One operation: its arguments, the number of its result, and the types PyTorch recorded."""

    name: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    result: int
    types: tuple[torch.dtype | None, ...]
    line: str
    random: bool  # it draws: a dropout of rate 0 does not


@dataclass(frozen=True)
class Graph:
    """A module in one mode, for leaves of one shape, as JAX.

    `parameters` and `buffers` have the names of the module's `named_parameters()` and
    `named_buffers()` (with those that are not persistent): what is tied is there once, under its
    first name. `shapes` are those of the leaves, `outputs` counts the module's results, and
    `random` says whether `run` needs a key.
    """

    parameters: tuple[str, ...]
    buffers: tuple[str, ...]
    outputs: int
    random: bool
    shapes: tuple[tuple[int, ...], ...]
    calls: tuple[Call, ...]
    values: Mapping[int, str]  # what `run` is given by name
    leaves: Mapping[int, int]
    constants: Mapping[int, Any]
    results: tuple[Any, ...]
    changed: Mapping[str, Any]

    def run(
        self, values: Mapping[str, Any], leaves: Sequence[Any], key: Any = None
    ) -> tuple[list[Array], dict[str, Array]]:
        """Return the module's outputs, and the buffers that it changes.

        `values` has the parameters and buffers by name. Each random operation has a key of its
        own, split from `key` in the order of the graph (with `draws.FIXED`, the proof's numbers).
        Can be traced, differentiated and mapped.
        Raises NotLoweredError where an operation is asked for something it does not do.
        """
        shapes = tuple(tuple(np.shape(leaf)) for leaf in leaves)
        if shapes != self.shapes:
            raise ValueError(f"The graph is for leaves of shapes {self.shapes}, not {shapes}.")
        keys = self._keys(key)
        known: dict[int, Any] = {n: jnp.asarray(c) for n, c in self.constants.items()}
        known.update({n: jnp.asarray(leaves[place]) for n, place in self.leaves.items()})
        known.update({n: jnp.asarray(values[name]) for n, name in self.values.items()})
        for call in self.calls:
            known[call.result] = _called(call, known, keys)
        outputs = [jnp.asarray(plain(filled(result, known))) for result in self.results]
        return outputs, {name: plain(known[value.number]) for name, value in self.changed.items()}

    def widened(self) -> "Graph":
        """Return the graph with float64 in place of each floating type, for the proof."""
        calls = tuple(
            replace(
                call,
                arguments=_widened(call.arguments),
                named=_widened(call.named),
                types=_widened(call.types),
            )
            for call in self.calls
        )
        constants = {
            n: c.astype(np.float64) if jnp.issubdtype(c.dtype, jnp.floating) else c
            for n, c in self.constants.items()
        }
        return replace(self, calls=calls, constants=constants)

    def _keys(self, key: Any) -> Iterator[Any]:
        count = sum(call.random for call in self.calls)
        if not count or key is FIXED:
            return iter([FIXED] * count)
        if key is None:
            raise ValueError("The graph has random operations, so it needs a key.")
        split = jax.random.split(key, count)
        return iter([split[n] for n in range(count)])


def _called(call: Call, known: Mapping[int, Any], keys: Iterator[Any]) -> Any:
    """Return what a call gives, in the types that PyTorch recorded."""
    arguments, named = filled(call.arguments, known), filled(call.named, known)
    if call.name == GETITEM:
        return arguments[0][arguments[1]]
    operation = find(call.name)
    if not call.name.startswith(HALF):  # computed in float32 and rounded once, as in PyTorch
        arguments, named = mapped(arguments, _single), mapped(named, _single)
    if operation.random:
        arguments = (next(keys) if call.random else None, *arguments)
    try:
        found = apply(call.name, operation.function, arguments, named)
    except NotLoweredError as error:
        raise NotLoweredError(f"{error}{call.line}") from error
    except Exception as error:  # an argument that the lowering does not know
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise NotLoweredError(
            f"{call.name} is not lowered as it is used{call.line}: {said}"
        ) from error
    if isinstance(found, tuple | list):
        return [_typed(one, kind) for one, kind in zip(found, call.types, strict=False)]
    return _typed(found, call.types[0])


def _single(x: Any) -> Any:
    if isinstance(x, Last):
        return x.mapped(_single)
    half = isinstance(x, jax.Array) and x.dtype in (jnp.bfloat16, jnp.float16)
    return x.astype(jnp.float32) if half else x


def _typed(x: Any, kind: torch.dtype | None) -> Any:
    if isinstance(x, Last):
        return x.mapped(lambda array: cast(array, kind))
    return x if x is None else cast(x, kind)


def mapped(thing: Any, change: Callable[[Any], Any]) -> Any:
    """Return nested arguments with `change` applied to each leaf."""
    if isinstance(thing, tuple | list):
        return tuple(mapped(one, change) for one in thing)
    if isinstance(thing, Mapping):
        return {name: mapped(one, change) for name, one in thing.items()}
    return change(thing)


def filled(thing: Any, known: Mapping[int, Any]) -> Any:
    return mapped(thing, lambda one: known[one.number] if isinstance(one, Value) else one)


def _widened(thing: Any) -> Any:
    def wide(one: Any) -> Any:
        floats = isinstance(one, torch.dtype) and one.is_floating_point
        return torch.float64 if floats else one

    return mapped(thing, wide)
