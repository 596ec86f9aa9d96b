"""Choices of each place of an axis, which are one cut: `x[0]`, `x[1]` and `x[2]` of three.

So attention has its query, key and value, and a loop over time its steps. Each choice by itself has
a gradient of the whole's size, and their sum takes longer than what was done with the parts.
"""

from dataclasses import dataclass

from torch.fx import Graph, Node

SELECT = "aten.select.int"


@dataclass(frozen=True)
class Part:
    """One part of a cut."""

    cut: int  # which cut it is of
    source: Node  # what is cut
    dim: int
    index: int  # which part it is


def parts(graph: Graph) -> dict[Node, Part]:
    """Return the choices that are parts of a cut."""
    found: dict[tuple[Node, int], dict[int, Node]] = {}
    for node in graph.nodes:
        if node.op == "call_function" and str(node.target) == SELECT:
            source, dim, index = node.args
            shape = source.meta["val"].shape
            chosen = found.setdefault((source, dim % len(shape)), {})
            chosen[index % shape[dim]] = node
    return {
        node: Part(number, source, dim, index)
        for number, ((source, dim), chosen) in enumerate(found.items())
        for index, node in chosen.items()
        if len(chosen) == source.meta["val"].shape[dim] > 1
    }
