"""The time of an update alone: what an optimizer costs beside the gradients.

The update runs some hundreds of times inside one compiled loop, as in training, so that starting it
costs nothing. Its gradients are made of the weights by one product, as constant ones would let the
compiler take work out of the loop.
"""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.rules import step as steps

REPETITIONS = 2  # of a call, of which the quicker counts: what slows one down is no part of it
SECONDS = 0.008  # of a repetition, about
MOST = 10_000  # updates in a repetition


class UpdateTimer:
    """Times the update of one plan: compiled at the first call, so that optimizers can be timed in
    turns, and what the machine does meanwhile falls on all of them. `options` are XLA's, those that
    training is compiled with."""

    def __init__(self, plan: steps.Plan, options: dict[str, str | bool] | None = None):
        def run(count: Any, weights: Any, memory: Any, numbers: Any, complements: Any) -> Any:
            def once(i: Any, carry: Any) -> Any:
                weights, memory = carry
                gradients = [w * 1e-3 for w in weights]
                done = i.astype(jnp.float32)
                return steps.step(plan, gradients, weights, memory, done, numbers, complements)

            return lax.fori_loop(0, count, once, (weights, memory))

        self._run = jax.jit(run, compiler_options=options)
        self._count = 0  # updates in a repetition; found at the first call

    def seconds(
        self, weights: Sequence[Any], memory: steps.Memory, numbers: Any, complements: Any
    ) -> float:
        """Return the seconds of one update of one member."""
        given = jax.tree.map(jnp.asarray, (list(weights), memory, numbers, complements))

        def timed(count: int) -> float:
            started = time.perf_counter()
            done = self._run(jnp.int32(count), *given)
            jax.block_until_ready(done)  # type: ignore[no-untyped-call]
            return (time.perf_counter() - started) / count

        if not self._count:
            timed(1)  # compiles
            count, took = 1, timed(1)
            while took * count < SECONDS / 2 and count < MOST:
                count = min(MOST, max(2 * count, int(SECONDS / max(took, 1e-9))))
                took = timed(count)
            self._count = count
        return min(timed(self._count) for _ in range(REPETITIONS))
