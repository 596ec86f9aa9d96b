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

REPETITIONS = 5
SECONDS = 0.008  # of a repetition, about
MOST = 10_000  # updates in a repetition


def update_seconds(
    plan: steps.Plan, weights: Sequence[Any], memory: steps.Memory, numbers: Any, complements: Any
) -> tuple[float, ...]:
    """Return the seconds of one update of one member, a repetition each."""

    def run(count: Any, weights: Any, memory: Any, numbers: Any, complements: Any) -> Any:
        def once(i: Any, carry: Any) -> Any:
            weights, memory = carry
            gradients = [w * 1e-3 for w in weights]
            done = i.astype(jnp.float32)
            return steps.step(plan, gradients, weights, memory, done, numbers, complements)

        return lax.fori_loop(0, count, once, (weights, memory))

    given = jax.tree.map(jnp.asarray, (list(weights), memory, numbers, complements))
    compiled = jax.jit(run)

    def timed(count: int) -> float:
        started = time.perf_counter()
        done = compiled(jnp.int32(count), *given)
        jax.block_until_ready(done)  # type: ignore[no-untyped-call]
        return (time.perf_counter() - started) / count

    timed(1)  # compiles
    count, took = 1, timed(1)
    while took * count < SECONDS / 2 and count < MOST:
        count = min(MOST, max(2 * count, int(SECONDS / max(took, 1e-9))))
        took = timed(count)
    return tuple(timed(count) for _ in range(REPETITIONS))
