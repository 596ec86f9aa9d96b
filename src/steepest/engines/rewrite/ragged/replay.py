"""Runs a full batch's program so that it gives what the smaller batch's program does, if asked."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from steepest.engines.rewrite.equations import bind, inner_programs
from steepest.engines.rewrite.loops import counts
from steepest.engines.rewrite.ragged.derivatives import Gradient, differentiable
from steepest.engines.rewrite.ragged.pairs import (
    Extents,
    Layouts,
    Pair,
    RefusedError,
    extents_of,
    paired,
    ragged_axes,
    same_value,
)
from steepest.engines.rewrite.ragged.plain import CALLS, HOLD, is_plain

Values = list[Any]

BRANCHES = 4  # of single operations, at most: XLA copies what it takes out of one
# Numbers that an operation may leave some out of. With batch statistics of images a step took 1.14
# times as long, and with the states of PyTorch's LSTM at all times 1.5 times.
LARGE = 2**13
CUSTOM = ("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr")
NEUTRAL: dict[str, Any] = {"reduce_sum": 0, "reduce_and": True, "reduce_or": False}


class Replay:
    """Runs the full batch's program.

    Up to `branches` operations become one; `branched` has their names. A program that is not
    `differentiated` takes the values alone of functions that bring their own derivative.
    """

    def __init__(
        self,
        full: Any,
        layouts: Layouts,
        branches: int,
        branched: list[str] | None = None,
        differentiated: bool = True,
    ) -> None:
        self.full, self.layouts, self.branches = full, layouts, branches
        self.branched: list[str] = [] if branched is None else branched
        self.differentiated = differentiated

    def program(self, big: Any, small: Any, values: Sequence[Any]) -> Values:
        """Return the results of a program with its constants."""
        consts = [
            self.either(one, other, v, w)
            for one, other, v, w in zip(
                big.consts, small.consts, big.jaxpr.constvars, small.jaxpr.constvars, strict=True
            )
        ]
        return self.body(big.jaxpr, small.jaxpr, [*consts, *values])

    def body(self, big: Any, small: Any, values: Sequence[Any]) -> Values:
        pairs = paired(big, small, self.layouts)
        known = dict(zip([*big.constvars, *big.invars], values, strict=True))

        def read(v: Any, w: Any) -> Any:
            if isinstance(v, core.Literal):
                return self.either(v.val, w.val, v, w)
            return known[v]

        for pair in pairs:
            given = list(map(read, pair.big.invars, pair.small.invars))
            known.update(zip(pair.big.outvars, self.step(pair, given), strict=True))
        return list(map(read, big.outvars, small.outvars))

    def either(self, one: Any, other: Any, v: Any, w: Any) -> Any:
        """Return a constant, `v` in the full program and perhaps another in the smaller one."""
        if same_value(one, other):
            return one
        other = self.filled(other, extents_of(v, w))
        return lax.select(self.full, *(jnp.asarray(a, v.aval.dtype) for a in (one, other)))

    def step(self, pair: Pair, values: Values) -> Values:
        """Run one operation so that its results' leading rows are the smaller program's."""
        name = pair.name
        if is_plain(pair, self.differentiated):
            return bind(pair.big, values)
        if name in CALLS or (name in CUSTOM and not self.differentiated):
            return self.program(*_programs(pair), values)
        if name in CUSTOM:
            return self.custom(pair, values)
        if name in ("checkpoint", "remat2"):
            return self.remembered(pair, values)
        if name == "scan":
            return self.loop(pair, values)
        if name in HOLD or name == "reshape":  # copies, where XLA has none
            raise RefusedError(f"{name} holds what is not row by row")
        if name in NEUTRAL and pair.alike():
            axes = pair.big.params["axes"]
            return bind(pair.big, [self.masked(values[0], pair.ins[0], axes, NEUTRAL[name])])
        if name == "dot_general" and pair.alike():
            summed = pair.big.params["dimension_numbers"][0]
            return bind(pair.big, list(map(self.masked, values, pair.ins, summed, (0, 0))))
        if name == "iota" and pair.alike("shape"):
            return [self.counted(pair)]
        if name == "random_bits" and _is_leading(pair):
            return [self.copied(bind(pair.big, values)[0], pair.outs[0])]
        return self.branch(pair, values)

    def masked(self, x: Any, extents: Extents, axes: Sequence[int], neutral: Any) -> Any:
        """Return x with `neutral` in what does not count along some axes."""
        over = [axis for axis in axes if axis in ragged_axes(extents)]
        if not over:
            return x
        if x.size > LARGE:
            raise RefusedError(f"{x.size:,} numbers would have to be looked through at each step")
        counts = [self.within(x.shape, extents, axis) for axis in over]
        return lax.select(
            jnp.stack(counts).all(0) if len(counts) > 1 else counts[0],
            x,
            jnp.full_like(x, neutral),
        )

    def within(self, shape: Sequence[int], extents: Extents, axis: int) -> Any:
        """Return which places of an axis count, in an array of this shape."""
        n, m = extents[axis]
        if self.layouts.turns_of(extents[axis]) == 1:
            counts = lax.iota(np.int32, n) < lax.select(self.full, np.int32(n), np.int32(m))
        else:
            counts = self.full | jnp.asarray(self.layouts.counting(extents[axis]))
        return lax.broadcast_in_dim(counts, tuple(shape), (axis,))

    def cut(self, x: Any, extents: Extents) -> Any:
        """Return what the smaller program has of an array."""
        for axis in ragged_axes(extents):
            if self.layouts.turns_of(extents[axis]) == 1:
                x = lax.slice_in_dim(x, 0, extents[axis][1], axis=axis)
            else:
                x = jnp.take(x, np.flatnonzero(self.layouts.counting(extents[axis])), axis)
        return x

    def filled(self, x: Any, extents: Extents) -> Any:
        """Return an array of the smaller program with copies of its rows, in the full one's shape.

        NumPy's arrays stay NumPy's.
        """
        for axis in ragged_axes(extents):
            take = np.take if isinstance(x, np.ndarray) else jnp.take
            x = take(x, self.layouts.source(extents[axis]), axis)
        return x

    def counted(self, pair: Pair) -> Any:
        """Return a counter that goes no further than the smaller program's, if that is meant."""
        params = pair.big.params
        axis, shape, dtype = params["dimension"], params["shape"], params["dtype"]
        extent = pair.outs[0][axis]
        places = np.arange(extent[0]).astype(dtype), self.layouts.source(extent).astype(dtype)
        row = lax.select(self.full, *map(jnp.asarray, places))
        return lax.broadcast_in_dim(row, shape, (axis,))

    def copied(self, x: Any, extents: Extents) -> Any:
        """Return x, whose rows beyond the smaller program's are copies, if they do not count."""
        n, m = extents[0]
        each = len(np.unique(self.layouts.source(extents[0])[m:]))
        last = jnp.broadcast_to(x[None, m - each : m], (n // each, each, *x.shape[1:]))
        return lax.select(self.within(x.shape, extents, 0), x, last.reshape(x.shape))

    def branch(self, pair: Pair, values: Values) -> Values:
        """Return an operation's results from one of its two forms."""
        if len(self.branched) >= self.branches:
            raise RefusedError(f"{pair.name} is not row by row")
        self.branched.append(pair.name)

        def whole(values: Values) -> Values:
            return bind(pair.big, values)

        def part(values: Values) -> Values:
            cut = list(map(self.cut, values, pair.ins))
            out = bind(pair.small, cut)
            return [self.filled(x, one) for x, one in zip(out, pair.outs, strict=True)]

        found: Values = lax.cond(self.full, whole, part, values)
        return found

    def loop(self, pair: Pair, values: Values) -> Values:
        """Return what a scan gives whose body works not only row by row."""
        params, counted = pair.big.params, counts(pair.big.params)
        same = ("length", "reverse", "unroll")
        if (
            counted is None
            or counted != counts(pair.small.params)
            or any(params[name] != pair.small.params[name] for name in same)
        ):
            raise RefusedError("a loop over examples")
        consts, carried = counted
        one, other = _programs(pair)
        # No branches at each turn.
        inside = Replay(self.full, self.layouts, 0, differentiated=self.differentiated)

        def turn(state: Values, given: Values) -> tuple[Values, Values]:
            out = inside.program(one, other, [*values[:consts], *state, *given])
            return out[:carried], out[carried:]

        init, given = values[consts : consts + carried], values[consts + carried :]
        state, out = lax.scan(turn, init, given, **{name: params[name] for name in same})
        return [*state, *out]

    def remembered(self, pair: Pair, values: Values) -> Values:
        """Return what rematerialization gives."""
        one, other = _programs(pair)

        def run(full: Any, *values: Any) -> Values:
            inside = Replay(full, self.layouts, self.branches, self.branched, self.differentiated)
            return inside.body(one, other, values)

        how = {name: pair.big.params[name] for name in ("policy", "prevent_cse")}
        found: Values = jax.checkpoint(run, **how)(self.full, *values)
        return found

    def custom(self, pair: Pair, values: Values) -> Values:
        """Return what a function gives that has a derivative of its own, and keep that.

        Its gradient is replayed as its value is. Where examples do not count it is zero, whatever
        the function's own gradient makes of the zeros that come there.
        """
        known = self.layouts, self.branches, self.branched
        whole, part = Gradient(pair.big), Gradient(pair.small)

        @jax.custom_vjp
        def run(full: Any, *values: Any) -> Any:
            return forward(full, *values)[0]

        def forward(full: Any, *values: Any) -> Any:
            replay = Replay(full, *known, differentiated=False)
            out = replay.program(whole.forward, part.forward, values)
            results = len(pair.outs)
            return out[:results], (full, out[results:])

        def backward(kept: Any, gradients: Values) -> Any:
            full, residuals = kept
            replay = Replay(full, *known, differentiated=False)
            given = [g for g in gradients if g.dtype != jax.dtypes.float0]
            found = iter(replay.program(whole.backward, part.backward, [*residuals, *given]))
            back: list[Any] = [None]
            for moved, extents in zip(differentiable(pair.big), pair.ins, strict=True):
                x = next(found) if moved else None
                if x is not None:
                    x = replay.masked(x, extents, range(x.ndim), 0)
                back.append(x)
            return tuple(back)

        run.defvjp(forward, backward)
        found: Values = run(self.full, *values)
        return found


def _programs(pair: Pair) -> tuple[Any, Any]:
    """Return the only program inside an operation, in both forms."""
    ((one,),), ((other,),) = (inner_programs(e.params).values() for e in (pair.big, pair.small))
    return one, other


def _is_leading(pair: Pair) -> bool:
    """Return whether the first of random bits are the same, however many are drawn, and count."""
    config: Any = jax.config
    keys = pair.big.invars[0].aval
    threefry = str(keys.dtype) == "key<fry>"
    extents = pair.outs[0]
    leading = ragged_axes(extents) == [0] and pair.layouts.turns_of(extents[0]) == 1
    leading = leading and not keys.ndim
    return threefry and config.jax_threefry_partitionable and leading and pair.alike("shape")
