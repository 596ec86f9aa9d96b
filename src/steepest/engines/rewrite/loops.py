"""Loops over time, as recurrent layers have them, with their products by weights taken outside.

A product of what the loop is given at each time is one product before the loop. And where a loop
multiplies its state by weights, their gradient is one product after the loop, of all states and
of all gradients, instead of a small one and a sum at each time. An LSTM's step takes a seventh
less.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.engines.rewrite.products import is_layer, product

Values = list[Any]
# Runs the loop's body on values, with replacements of its own for some operations.
Run = Callable[[Mapping[str, Any], Sequence[Any]], Values]


class _Products:
    """The body's products with weights, in the order in which it comes to them."""

    def __init__(self, weights: Sequence[Any], given: Sequence[Any]) -> None:
        self.weights, self.given = weights, given
        self.before: list[tuple[int, int, Any]] = []  # places of input and weights, precision
        self.after: list[tuple[int, Any, Any]] = []  # place of weights, precision, result's shape

    def see(self, x: Any, weights: Any, **params: Any) -> Any:
        """Note a product and return it, or None where it is left alone."""
        place = _place(weights, self.weights)
        if place is None or not is_layer(x, weights, **params):
            return None
        found = product(x, weights, params["precision"])
        at = _place(x, self.given)
        if at is not None:
            self.before.append((at, place, params["precision"]))
        elif weights.ndim == 2:
            shape: Any = (found.shape, found.dtype)
            self.after.append((place, params["precision"], shape))
        return found


def _place(value: Any, among: Sequence[Any]) -> int | None:
    return next((i for i, one in enumerate(among) if one is value), None)


def counts(params: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how many constants and how many carried values a scan has; None if it does not say.

    JAX 0.10 has both as numbers; 0.11 has trees of what goes in: constants, carried, given.
    """
    if "num_consts" in params and "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    try:
        consts, carried, _ = params["ft_in"].unpack()
        return len(list(consts)), len(list(carried))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def loop(run: Run, values: Sequence[Any], params: Mapping[str, Any]) -> Values | None:
    """Return what `lax.scan` gives for `values`, or None where it has no such products."""
    body, counted = params["jaxpr"], counts(params)
    if body.effects or counted is None:
        return None
    consts, carried = counted
    seen: list[_Products] = []

    def look(*inner: Any) -> Values:
        seen.append(_Products(inner[:consts], inner[consts + carried :]))
        return run({"dot_general": seen[-1].see}, inner)

    jax.eval_shape(look, *body.in_avals)
    (found,) = seen
    if not found.before and not found.after:
        return None
    weights, init, given = (
        list(values[:consts]),
        list(values[consts : consts + carried]),
        list(values[consts + carried :]),
    )
    ahead = [product(given[at], weights[place], how) for at, place, how in found.before]
    scan = partial(
        lax.scan,
        length=params["length"],
        reverse=params["reverse"],
        unroll=params["unroll"],
    )

    def whole(
        weights: Values, init: Values, given: Values, ahead: Values, slack: Values
    ) -> tuple[Values, Values]:
        """Return what the loop gives, and the inputs of the products with weights.

        `slack` has no value in it: its gradient is that of the products' results.
        """

        def step(state: Values, at: Any) -> tuple[Values, tuple[Values, Values]]:
            given, ahead, slack = at
            known, loose, inputs = iter(ahead), iter(slack), []

            def multiply(x: Any, w: Any, **params: Any) -> Any:
                if _place(w, weights) is None or not is_layer(x, w, **params):
                    return None
                if _place(x, given) is not None:
                    return next(known)
                if w.ndim != 2:
                    return product(x, w, params["precision"])
                inputs.append(x)
                return _held(x, lax.stop_gradient(w), next(loose), params["precision"])

            out = run({"dot_general": multiply}, [*weights, *state, *given])
            return out[:carried], (out[carried:], inputs)

        state, (out, inputs) = scan(step, init, (given, ahead, slack))
        return [*state, *out], inputs

    times = params["length"]
    slack = [jnp.zeros((times, *shape), kind) for *_, (shape, kind) in found.after]

    @jax.custom_vjp
    def run_loop(weights: Values, init: Values, given: Values, ahead: Values) -> Values:
        return whole(weights, init, given, ahead, slack)[0]

    def forward(*arguments: Any) -> Any:
        out, pull, inputs = jax.vjp(whole, *arguments, slack, has_aux=True)
        return out, (pull, inputs)

    def backward(kept: Any, gradients: Values) -> Any:
        pull, inputs = kept
        *back, loose = pull(gradients)
        for (place, how, _), x, g in zip(found.after, inputs, loose, strict=True):
            rows = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
            sum_ = lax.dot_general(*rows, (((0,), (0,)), ((), ())), precision=how)
            back[0][place] = back[0][place] + sum_
        return tuple(back)

    run_loop.defvjp(forward, backward)
    found_out: Values = run_loop(weights, init, given, ahead)
    return found_out


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def _held(x: Any, weights: Any, slack: Any, precision: Any) -> Any:  # noqa: ARG001
    """Return the product of `x` by held weights; its gradient is that of `slack`, too."""
    return product(x, weights, precision)


def _forward(x: Any, weights: Any, slack: Any, precision: Any) -> Any:
    return _held(x, weights, slack, precision), weights


def _backward(precision: Any, weights: Any, gradient: Any) -> Any:
    last = gradient.ndim - 1
    back = lax.dot_general(gradient, weights, (((last,), (1,)), ((), ())), precision=precision)
    return back, jnp.zeros_like(weights), gradient


_held.defvjp(_forward, _backward)
