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


class Gradient:
    """The two parts of a function's gradient, as programs.

    `forward` gives the results and then what is kept for the way back; `backward` takes that and
    the results' gradients, and gives those of the arguments that have one.
    """

    def __init__(self, equation: Any) -> None:
        trees: list[Any] = []

        def forward(*values: Any) -> Any:
            floats = [v for v in values if has_gradient(v)]

            def run(*floats: Any) -> Any:
                left = iter(floats)
                return bind(equation, [next(left) if has_gradient(v) else v for v in values])

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

    def run(values: Values, directions: Values) -> Any:
        along = _filled_in(avals, directions)
        return jax.jvp(lambda *v: bind(equation, v), values, along)

    return jax.make_jaxpr(run)(avals, list(filter(has_gradient, avals)))


def _filled_in(avals: Sequence[Any], floats: Sequence[Any]) -> Values:
    """Return `floats`, and what JAX has for the gradient of integers."""
    left = iter(floats)
    return [next(left) if has_gradient(a) else np.zeros(a.shape, jax.dtypes.float0) for a in avals]
