"""Operations of a traced program: run one again, and find the programs that it holds."""

from collections.abc import Mapping, Sequence
from typing import Any


def bind(
    equation: Any, values: Sequence[Any], params: Mapping[str, Any] | None = None
) -> list[Any]:
    """Run one operation on (traced) values; return the list of its results."""
    primitive = equation.primitive
    bound, functions = primitive.get_bind_params(params or equation.params), ()
    if isinstance(bound, tuple):  # before JAX 0.9
        functions, bound = bound
    out = primitive.bind(*functions, *values, **bound)
    return list(out) if primitive.multiple_results else [out]


def inner_programs(params: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the programs inside an operation: bodies of loops, branches, calls."""
    found = {}
    for name, value in params.items():
        several = value if isinstance(value, tuple | list) else (value,)
        programs = [one for one in several if hasattr(getattr(one, "jaxpr", one), "eqns")]
        if programs:
            found[name] = programs
    return found
