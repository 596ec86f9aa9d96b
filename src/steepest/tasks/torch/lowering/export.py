"""`torch.export` as Steepest calls it: quietly, and leaving the module and all generators alone."""

import contextlib
import functools
import io
import logging
import random
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steepest.errors import in_one_line
from steepest.tasks.torch.lowering.checks import traceable
from steepest.tasks.torch.lowering.table import TABLE, NotLoweredError

ON_VALUES = "GuardOnDataDependentSymNode"  # what is raised where Python asks for a tensor's value
COLLECT = "_collect_all_valid_cia_ops"  # which PyTorch calls for each decomposition
REGION = "wrap_with_set_grad_enabled"
# How PyTorch takes an operation apart, or None: its table of all of them takes long to make.
WAYS: dict[Any, Any] = {}
FRAME = re.compile(r'File "([^"]+)", line (\d+), in [^\n]+\n\s*([^\n]*)')


def exported(module: nn.Module, leaves: tuple[Tensor, ...]) -> Any:
    """Return the exported program, functional and with `no_grad` regions said by `detach`.

    Raises NotLoweredError where PyTorch cannot export the module or the export would not be the
    module: it draws from Python's or NumPy's random generators.
    """
    if not isinstance(module, nn.Module):
        raise TypeError("module must be a torch.nn.Module.")
    with _as_before(), _quiet(), traceable(module):
        try:
            # Of one tensor given twice the export would make one input.
            own = tuple(leaf.detach().clone() for leaf in leaves)
            program = torch.export.export(module, own, strict=False)
            _detach_regions(program.graph_module)
            with _few_composites(program):
                program = program.run_decompositions(_decomposed(program, _forgets_statistics))
                rest = _decomposed(program, _unknown)
                return program.run_decompositions(rest) if rest else program
        except NotLoweredError:
            raise
        except Exception as error:  # whatever a person's forward does that cannot be traced
            raise NotLoweredError(
                f"torch.export cannot trace the module: {_said(error)}"
            ) from error


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Restore all random generators; raise if forward drew from others than PyTorch's."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
        if random.getstate() != python:
            raise NotLoweredError("forward draws from Python's random generator")
        if not _same(np.random.get_state(), numpy):
            raise NotLoweredError("forward draws from NumPy's random generator")
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let no warning, log or print of the export through."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    hidden = io.StringIO()  # of a failure, PyTorch prints the whole graph
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(hidden),
            contextlib.redirect_stderr(hidden),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _few_composites(program: Any) -> Iterator[None]:
    """Let PyTorch overload the composite operations that we know or the graph has, and no others.

    To keep them whole while it decomposes, it overloads all 525 that it has, a dozen times each,
    which takes twice as long as the export itself. One that is neither known nor in the graph is
    taken apart, as it is in the end anyway. A PyTorch without this function is left alone.
    """
    collect = getattr(torch.export.exported_program, COLLECT, None)
    if collect is None:
        yield
        return
    inner = [m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    found = {node.target for graphs in inner for node in graphs.graph.nodes}
    known, whole = _composites(collect)
    few = known | (whole & {one for one in found if hasattr(one, "_schema")})
    setattr(torch.export.exported_program, COLLECT, lambda: few)
    try:
        yield
    finally:
        setattr(torch.export.exported_program, COLLECT, collect)


@functools.cache
def _composites(collect: Callable[[], set[Any]]) -> tuple[set[Any], set[Any]]:
    """Return the composite operations that are lowered whole, and all that PyTorch has."""
    whole = set(collect())
    return {operation for operation in whole if str(operation) in TABLE}, whole


def _decomposed(program: Any, which: Callable[[Any], bool]) -> dict[Any, Any]:
    """Return PyTorch's own decompositions of the operations that are to be taken apart."""
    found = {
        node.target
        for node in program.graph.nodes
        if node.op == "call_function" and hasattr(node.target, "_schema") and which(node)
    }
    if new := found - WAYS.keys():
        known = dict(torch.export.default_decompositions().items())
        WAYS.update({operation: known.get(operation) for operation in new})
    return {operation: WAYS[operation] for operation in found if WAYS[operation] is not None}


def _forgets_statistics(node: Any) -> bool:
    """Return whether an operation changes buffers without a word in its schema."""
    instance_norm = str(node.target) == "aten.instance_norm.default"
    return instance_norm and node.args[3] is not None and bool(node.args[5])


def _unknown(node: Any) -> bool:
    name = str(node.target)
    return name not in TABLE and name != "aten.item.default"


def _detach_regions(graphs: Any) -> None:
    """Detach what enters each region without gradients, whose limits are forgotten later on."""
    for node in list(graphs.graph.nodes):
        if node.op != "call_function" or getattr(node.target, "name", str)() != REGION:
            continue
        enabled, region = node.args[0], node.args[1]
        if not enabled:
            _detach_inputs(getattr(graphs, region.target))
    for inner in graphs.children():
        if isinstance(inner, torch.fx.GraphModule):
            _detach_regions(inner)


def _detach_inputs(region: Any) -> None:
    inputs = [node for node in region.graph.nodes if node.op == "placeholder"]
    for node in inputs:
        if not isinstance(node.meta.get("val"), Tensor):
            continue
        with region.graph.inserting_after(inputs[-1]):
            detached = region.graph.call_function(torch.ops.aten.detach.default, (node,))
        detached.meta = dict(node.meta)
        node.replace_all_uses_with(detached, delete_user_cb=lambda user, d=detached: user is not d)
    region.recompile()


def line_of(node: Any) -> str:
    """Return where the person's code calls an operation, as the end of a sentence, or ""."""
    frames = FRAME.findall(node.meta.get("stack_trace") or "")
    return _where(frames)


def _where(frames: list[tuple[str, str, str]]) -> str:
    home = str(Path(torch.__file__).parent)
    own = [frame for frame in frames if not frame[0].startswith((home, "<"))]
    if not own:
        return ""
    path, line, code = own[-1]
    return f" ({Path(path).name}, line {line}: {in_one_line(code)})"


def _said(error: Exception) -> str:
    """Return the first line of an error of the export, with the person's line if it has it."""
    text, kind = str(error).strip(), type(error).__name__
    where = _where(FRAME.findall(text))
    if kind == ON_VALUES:
        return f"its code decides on the values of tensors{where}"
    first = next((line for line in text.splitlines() if line.strip()), kind)
    return f"{kind}: {first.rstrip('.')}{where}"
