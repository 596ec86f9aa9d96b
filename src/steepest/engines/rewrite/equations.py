"""Operations of a traced program: run one again, and find the programs that it holds."""

import math
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


def operations(jaxpr: Any) -> int:
    """Return the operations of floating point of a program's products and convolutions."""
    total = 0
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        shapes = [getattr(v.aval, "shape", ()) for v in (*equation.invars, *equation.outvars)]
        if name == "dot_general":
            summed = params["dimension_numbers"][0][0]
            total += 2 * math.prod(shapes[-1]) * math.prod(shapes[0][axis] for axis in summed)
        elif name == "conv_general_dilated":
            outputs = shapes[1][params["dimension_numbers"].rhs_spec[0]]
            total += 2 * math.prod(shapes[-1]) * math.prod(shapes[1]) // outputs
        times = params.get("length", 1) if name == "scan" else 1
        programs = [one for several in inner_programs(params).values() for one in several]
        total += times * sum(operations(getattr(one, "jaxpr", one)) for one in programs)
    return total
