"""`capture`: from a PyTorch module to a `Graph` that JAX can run.

`torch.export` traces the module in the mode (training or evaluation) that it is in, and
`run_decompositions({})` makes the graph functional and keeps composite operations such as
`layer_norm` and `lstm` whole (`export.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import torch
from torch import Tensor, nn
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind

from steepest.errors import in_one_line
from steepest.tasks.torch.lowering.arrays import TYPES
from steepest.tasks.torch.lowering.draws import STILL
from steepest.tasks.torch.lowering.export import exported, line_of
from steepest.tasks.torch.lowering.lowered import GETITEM, Call, Graph, Value, mapped
from steepest.tasks.torch.lowering.selects import parts
from steepest.tasks.torch.lowering.table import NotLoweredError, find

__all__ = ["Graph", "capture"]

# Arguments that say where an array is or how it lies in memory: nothing that changes its numbers.
PLACE = {"device", "layout", "memory_format", "pin_memory", "non_blocking", "is_coalesced"}
UNBIND = "aten.unbind.int"
IGNORED = ("aten._assert", "aten.sym_constrain_range", "profiler.", "aten._functional_assert")


def capture(module: nn.Module, leaves: tuple[Tensor, ...]) -> Graph:
    """Return `module(*leaves)`, in the mode that the module is in, as a graph.

    The module stays as it was. Raises NotLoweredError in one sentence where PyTorch cannot export
    the module, or where the graph has an operation that JAX has no lowering of.
    """
    program = exported(module, leaves)
    return _Reading(module, program).graph()


class _Reading:
    """One exported program, as it is read node by node."""

    def __init__(self, module: nn.Module, program: Any) -> None:
        self.program = program
        self.first = _first_names(module)
        self.parts = parts(program.graph)
        self.nodes: dict[Any, Any] = {}  # what stands for each node of the graph
        self.calls: list[Call] = []
        self.inputs: dict[str, Any] = {}

    def graph(self) -> Graph:
        signature = self.program.graph_signature
        specs = {spec.arg.name: spec for spec in signature.input_specs}
        values: dict[int, str] = {}
        leaves: dict[int, int] = {}
        constants: dict[int, Any] = {}
        shapes: list[tuple[int, ...]] = []
        for number, node in enumerate(self.program.graph.nodes):
            self.nodes[node] = Value(number)
            if node.op == "placeholder":
                spec = specs[node.name]
                if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
                    values[number] = self.first.get(spec.target, spec.target)
                elif spec.kind == InputKind.CONSTANT_TENSOR:
                    constants[number] = _array(self.program.constants[spec.target])
                elif spec.kind == InputKind.USER_INPUT and "val" in node.meta:
                    leaves[number] = len(shapes)
                    shapes.append(tuple(node.meta["val"].shape))
                else:
                    raise NotLoweredError(f"an input of the kind {spec.kind.name} is not lowered")
            elif node.op == "call_function":
                self._call(number, node)
            elif node.op == "output":
                returned = self._arguments(node.args[0])
            # What is left are the graphs inside of operators such as `torch.cond`: not lowered.
        results, changed = self._outputs(returned)
        calls = _needed(self.calls, [*results, *changed.values()])
        used = {v for call in calls for v in _numbers((call.arguments, call.named))}
        used |= set(_numbers((results, tuple(changed.values()))))
        return Graph(
            parameters=self._names(signature.parameters),
            buffers=self._names(signature.buffers),
            outputs=len(results),
            random=any(call.random for call in calls),
            shapes=tuple(shapes),
            calls=calls,
            values={n: name for n, name in values.items() if n in used},
            leaves={n: place for n, place in leaves.items() if n in used},
            constants={n: c for n, c in constants.items() if n in used},
            results=results,
            changed=changed,
        )

    def _names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return first names, in the module's order."""
        found = {self.first.get(name, name) for name in names}
        return tuple(name for name in dict.fromkeys(self.first.values()) if name in found)

    def _call(self, number: int, node: Any) -> None:
        name = getattr(node.target, "__name__", "")
        name = GETITEM if name == GETITEM else str(node.target)
        if name.startswith(IGNORED):
            return
        if node in self.parts:
            self._part(number, node)
            return
        try:
            random = name != GETITEM and find(name).random
        except NotLoweredError as error:
            raise NotLoweredError(f"{error}{line_of(node)}") from None
        found = node.meta.get("val")
        several = found if isinstance(found, tuple | list) else (found,)
        types = tuple(one.dtype if isinstance(one, Tensor) else None for one in several)
        named = {n: self._arguments(v) for n, v in node.kwargs.items() if n not in PLACE}
        arguments = self._arguments(node.args)
        given = _by_name(node.target, arguments, named)
        said = isinstance(given.get("dtype"), torch.dtype)
        if "dtype" in given and not said and types[0] is not None:
            # The type that PyTorch chose by its default at the time, said outright.
            named["dtype"] = types[0]
        random = random and not any(given.get(name) == still for name, still in STILL)
        call = Call(name, arguments, named, number, types, line_of(node), random)
        self.calls.append(call)

    def _part(self, number: int, node: Any) -> None:
        """Take a choice as part of a cut, which is made before the first of them."""
        part, line = self.parts[node], line_of(node)
        whole = -1 - part.cut
        if all(call.result != whole for call in self.calls):
            found = part.source.meta["val"]
            types = (found.dtype,) * found.shape[part.dim]
            given = (self.nodes[part.source], part.dim)
            self.calls.append(Call(UNBIND, given, {}, whole, types, line, False))
        given = (Value(whole), part.index)
        self.calls.append(Call(GETITEM, given, {}, number, (None,), line, False))

    def _arguments(self, thing: Any) -> Any:
        def told(one: Any) -> Any:
            if isinstance(one, torch.fx.Node):
                return self.nodes[one]
            if isinstance(one, torch.device | torch.layout | torch.memory_format):
                return str(one)
            return one

        return mapped(thing, told)

    def _outputs(self, returned: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        results: list[Any] = []
        changed: dict[str, Any] = {}
        for spec, value in zip(self.program.graph_signature.output_specs, returned, strict=True):
            if spec.kind == OutputKind.USER_OUTPUT:
                results.append(spec.arg.value if isinstance(spec.arg, ConstantArgument) else value)
            elif spec.kind == OutputKind.BUFFER_MUTATION:
                changed[self.first.get(spec.target, spec.target)] = value
            elif spec.kind == OutputKind.USER_INPUT_MUTATION:
                raise NotLoweredError("the module changes its input in place, which is not lowered")
            else:
                what = in_one_line(f"{spec.kind.name.lower().replace('_', ' ')} of {spec.target}")
                raise NotLoweredError(f"{what} in forward is not lowered")
        return tuple(results), changed


def _by_name(target: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an operation is given, or its defaults, by the names of its schema.

    A type that is given by position is left out: it is as the person wants it.
    """
    schema = getattr(target, "_schema", None)
    found: dict[str, Any] = {}
    for place, argument in enumerate(schema.arguments if schema is not None else ()):
        default = argument.default_value if argument.has_default_value() else None
        if place < len(arguments):
            if argument.name != "dtype":
                found[argument.name] = arguments[place]
        else:
            found[argument.name] = named.get(argument.name, default)
    return found


def _first_names(module: nn.Module) -> dict[str, str]:
    """Return the first name of each parameter and buffer, by every name that it has."""
    first: dict[int, str] = {}
    found: dict[str, str] = {}
    for things in (module.named_parameters, module.named_buffers):
        for name, tensor in things(remove_duplicate=False):
            found[name] = first.setdefault(id(tensor), name)
    return found


def _array(tensor: Any) -> Any:
    """Return a constant of the graph as a NumPy array."""
    if not isinstance(tensor, Tensor) or tensor.dtype not in TYPES:
        raise NotLoweredError(f"a constant of type {type(tensor).__name__} is not lowered")
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:  # which NumPy does not have
        return tensor.float().numpy().astype(jnp.bfloat16)
    return tensor.numpy().copy()


def _numbers(thing: Any) -> list[int]:
    """Return the numbers of the values that nested arguments have."""
    found: list[int] = []
    mapped(thing, lambda one: found.append(one.number) if isinstance(one, Value) else None)
    return found


def _needed(calls: Sequence[Call], results: Any) -> tuple[Call, ...]:
    """Return the calls that something depends on."""
    wanted = set(_numbers(tuple(results)))
    kept: list[Call] = []
    for call in reversed(calls):
        if call.result in wanted:
            wanted |= set(_numbers((call.arguments, call.named)))
            kept.append(call)
    return tuple(reversed(kept))
