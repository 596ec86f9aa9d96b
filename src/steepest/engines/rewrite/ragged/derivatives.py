"""The derivatives of one operation as programs, also where a function brings its own."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.engines.rewrite.equations import bind

Values = list[Any]


def has_gradient(aval: Any) -> bool:
    """Return whether values of this type have gradients."""
    return bool(jnp.issubdtype(aval.dtype, np.inexact))


def differentiable(equation: Any) -> list[bool]:
    """Return which arguments of an operation have gradients: not what a function closed over."""
    closed_over = equation.params.get("num_consts", 0)
    return [i >= closed_over and has_gradient(v.aval) for i, v in enumerate(equation.invars)]


class Gradient:
    """The two parts of a function's gradient, as programs.

    `forward` gives the results and then what is kept for the way back; `backward` takes that and
    the results' gradients, and gives those of the arguments that have one.
    """

    def __init__(self, equation: Any) -> None:
        trees: list[Any] = []

        moves = differentiable(equation)

        def forward(*values: Any) -> Any:
            floats = [v for v, moved in zip(values, moves, strict=True) if moved]

            def run(*floats: Any) -> Any:
                left = iter(floats)
                both = zip(values, moves, strict=True)
                return bind(equation, [next(left) if moved else v for v, moved in both])

            out, pull = jax.vjp(run, *floats)
            residuals, tree = jax.tree.flatten(pull)
            trees.append(tree)
            return out, residuals

        shapes = shapes_of([v.aval for v in equation.invars])
        self.forward, (out, residuals) = jax.make_jaxpr(forward, return_shape=True)(*shapes)
        tree = trees[-1]

        def backward(residuals: Values, gradients: Values) -> Any:
            whole = _filled_in(out, gradients)
            return list(jax.tree.unflatten(tree, residuals)(whole))

        gradients = [a for a in out if has_gradient(a)]
        self.backward = jax.make_jaxpr(backward)(residuals, gradients)


def shapes_of(avals: Sequence[Any]) -> Values:
    """Return the shapes and types of traced values."""
    shape: Any = jax.ShapeDtypeStruct
    return [shape(a.shape, a.dtype) for a in avals]


def directional(equation: Any) -> Any:
    """Return the program of an operation's derivative: of values and directions."""
    avals = shapes_of([v.aval for v in equation.invars])

    moves = differentiable(equation)

    def run(values: Values, directions: Values) -> Any:
        def moved(*floats: Any) -> Any:
            left, both = iter(floats), zip(values, moves, strict=True)
            return bind(equation, [next(left) if moved else v for v, moved in both])

        floats = [v for v, moved in zip(values, moves, strict=True) if moved]
        return jax.jvp(moved, floats, directions)

    floats = [a for a, moved in zip(avals, moves, strict=True) if moved]
    return jax.make_jaxpr(run)(avals, floats)


def _filled_in(avals: Sequence[Any], floats: Sequence[Any]) -> Values:
    """Return `floats`, and what JAX has for the gradient of integers."""
    left = iter(floats)
    return [next(left) if has_gradient(a) else np.zeros(a.shape, jax.dtypes.float0) for a in avals]
