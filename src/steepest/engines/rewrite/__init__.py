"""The same function in operations that are fast inside a compiled loop on a CPU.

On a CPU, XLA's convolutions are 5 to 7 times slower inside a loop than outside of one, and 5 to
24 times slower than as matrix products, and so are the gradients of its pooling; and all of
Steepest's training is inside one. `rewritten` traces a function and runs it with these operations
said in slices and matrix products, before it is differentiated, so that the gradients are slices
and matrix products too. The person's model is not touched, and the numbers agree to rounding
(`tests/engines/test_rewrite.py`).

What JAX calls its operations and their parameters is not promised to anybody. Where a version calls
them otherwise, and rewriting fails, the function runs as it was written, and the log says so.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.extend import core

from steepest.engines.rewrite.convolutions import convolution, whole_convolution
from steepest.engines.rewrite.equations import bind, inner_programs
from steepest.engines.rewrite.loops import loop
from steepest.engines.rewrite.pools import pool_max, pool_sum
from steepest.engines.rewrite.products import layer_of, product_of
from steepest.engines.rewrite.randoms import random_bits

log = logging.getLogger(__name__)

# A replacement takes what the primitive takes, and returns None where it would not be faster.
Replacement = Callable[..., Any]
REPLACED: Mapping[str, Replacement] = {
    "conv_general_dilated": convolution,
    "dot_general": product_of,
    "random_bits": random_bits,
    "reduce_window_max": pool_max,
    "reduce_window_sum": pool_sum,
}
# On an accelerator, for members side by side. A convolution by kernels of their own is one with a
# group for each member, which cuDNN takes long for; as patches it is a product with a batch axis.
# On an H100, 128 small convolutional networks took 23 ms each with XLA's own (32 at a time; more
# did not end), 14 with patches, and 9.6 with pooling in slices too.
ACCELERATED: Mapping[str, Replacement] = {
    "conv_general_dilated": whole_convolution,
    "dot_general": layer_of,
    "reduce_window_max": pool_max,
    "reduce_window_sum": pool_sum,
}
INLINED = ("jit", "pjit", "closed_call", "core_call")


def rewritten(
    function: Callable[..., Any], replaced: Mapping[str, Replacement] = REPLACED
) -> Callable[..., Any]:
    """Return `function` in fast operations; it can be differentiated and mapped."""

    def run(*arguments: Any) -> Any:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        if not _concerns(closed.jaxpr, replaced):
            return function(*arguments)
        try:
            out = _run(closed.jaxpr, closed.consts, jax.tree.leaves(arguments), replaced)
        except Exception as error:  # what is wrong with the function itself it says again
            log.info("a function is left as it was written: %s: %s", type(error).__name__, error)
            return function(*arguments)
        return jax.tree.unflatten(jax.tree.structure(shapes), out)

    return run


def _concerns(jaxpr: Any, replaced: Mapping[str, Replacement]) -> bool:
    """Return whether anything in `jaxpr` is to be replaced."""
    return any(
        equation.primitive.name in replaced
        or any(_concerns(inner, replaced) for inner in _inner(equation.params))
        for equation in jaxpr.eqns
    )


def _inner(params: Mapping[str, Any]) -> list[Any]:
    """Return the programs inside an operation, without their constants."""
    found = inner_programs(params).values()
    return [getattr(one, "jaxpr", one) for several in found for one in several]


def _run(
    jaxpr: Any,
    consts: Sequence[Any],
    arguments: Sequence[Any],
    replaced: Mapping[str, Replacement],
) -> list[Any]:
    """Run a traced program on (traced) values, as JAX' own `eval_jaxpr` does."""
    known: dict[Any, Any] = {}

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, core.Literal) else known[variable]

    known.update(zip(jaxpr.constvars, consts, strict=True))
    known.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        out = _step(equation, [read(variable) for variable in equation.invars], replaced)
        known.update(zip(equation.outvars, out, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _step(equation: Any, values: list[Any], replaced: Mapping[str, Replacement]) -> list[Any]:
    """Run one operation, replaced if that is faster."""
    primitive, params = equation.primitive, equation.params
    if primitive.name in replaced:
        out = replaced[primitive.name](*values, **params)
        if out is not None:
            return [out]
    elif any(_concerns(inner, replaced) for inner in _inner(params)):
        if primitive.name in INLINED:
            closed = params.get("jaxpr") or params["call_jaxpr"]
            return _run(closed.jaxpr, closed.consts, values, replaced)
        if primitive.name == "scan":
            closed = params["jaxpr"]

            def run(own: Mapping[str, Replacement], inner: Sequence[Any]) -> list[Any]:
                return _run(closed.jaxpr, closed.consts, inner, _first(own, replaced))

            found = _tried(loop, run, values, params)
            if found is not None:
                return found
        params = {
            name: _rebuilt(value, replaced)
            if name in ("jaxpr", "body_jaxpr", "branches")
            else value
            for name, value in params.items()
        }
    return bind(equation, values, params)


def _tried(function: Replacement, *given: Any) -> list[Any] | None:
    """Return what a replacement gives, or None where it fails: then XLA's own is left."""
    try:
        found: list[Any] | None = function(*given)
    except Exception as error:
        log.info("a loop is left as it is: %s: %s", type(error).__name__, error)
        return None
    return found


def _first(
    own: Mapping[str, Replacement], others: Mapping[str, Replacement]
) -> Mapping[str, Replacement]:
    """Return replacements of which `own` are tried before the others."""

    def both(name: str) -> Replacement:
        def replace(*values: Any, **params: Any) -> Any:
            out = own[name](*values, **params)
            return others[name](*values, **params) if out is None and name in others else out

        return replace

    return {**others, **{name: both(name) for name in own}}


def _rebuilt(body: Any, replaced: Mapping[str, Replacement]) -> Any:
    """Return the body of a loop, or each of several branches, rewritten."""
    if isinstance(body, tuple):
        return tuple(_rebuilt(branch, replaced) for branch in body)
    if not hasattr(body, "consts"):  # rematerialization has its body bare
        shapes = [variable.aval for variable in body.invars]
        return jax.make_jaxpr(lambda *a: _run(body, (), a, replaced))(*shapes).jaxpr
    whole = jax.make_jaxpr(lambda *a: _run(body.jaxpr, body.consts, a, replaced))
    return whole(*body.in_avals)
