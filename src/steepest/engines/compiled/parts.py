"""The gradient and the measure of a task, which the programs of all rules share."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from jax import lax

from steepest.data.arrays import Arrays, Batch
from steepest.engines.rewrite import ACCELERATED, rewritten
from steepest.engines.rewrite.ragged import BRANCHES, ragged
from steepest.engines.rewrite.recurrent import looped
from steepest.tasks.task import Task

log = logging.getLogger(__name__)

# A full batch takes longer than the smaller one for which a second program is spared. It may do so
# where that is less than this share of an epoch's rows, or so many operations of floating point
# without the gradient, which is about a millisecond.
LITTLE, CHEAP = 1 / 32, 1e6


@dataclass(frozen=True)
class Parts:
    """What the programs of all rules share, each traced once for each size of a batch."""

    gradient: Callable[..., Any]  # weights, variables, batch → (loss, variables), gradients
    measure: Callable[..., Any]  # weights, variables, totals, batch → variables, totals
    # sizes of full batches and of the last, `dearest`, is it full, then as `measure`; it may refuse
    either_measure: Callable[..., Any]
    # is it full, weights, variables, batch → as `gradient`, where an epoch's last batch is smaller
    either_gradient: Callable[..., Any] | None = None
    # weights, variables, batch → whether that is one program, and not one for each size
    shares: Callable[..., bool] = lambda *_: False


def make_parts(task: Task, on_cpu: bool) -> Parts:
    """Return the task's gradient and measure, in what is fast in a loop on this device."""

    def fast(function: Callable[..., Any]) -> Callable[..., Any]:
        return rewritten(function) if on_cpu else rewritten(looped(function), ACCELERATED)

    def for_both(function: Any, sizes: tuple[int, int], dearest: float, trained: bool) -> Any:
        # Where members train side by side, each branch asks the host.
        return fast(ragged(function, sizes, dearest, BRANCHES if on_cpu else 0, trained))

    facts = task.facts
    gradient = jax.jit(jax.value_and_grad(fast(task.loss), has_aux=True))
    left = 0 if facts.drop_last else facts.training_examples % facts.batch_size

    def shared(full: Any, weights: Arrays, variables: Arrays, batch: Batch) -> Any:
        sizes = facts.batch_size, left
        dearest = dearest_of(sizes, facts.training_examples)
        loss = for_both(task.loss, sizes, dearest, trained=True)
        return jax.value_and_grad(loss, 1, has_aux=True)(full, weights, variables, batch)

    def shares(weights: Arrays, variables: Arrays, batch: Batch) -> bool:
        try:
            jax.eval_shape(shared, True, weights, variables, batch)
        except Exception:  # what is wrong with the loss itself it says where it is trained
            return False
        return True

    def either(full: Any, weights: Arrays, variables: Arrays, batch: Batch) -> Any:
        try:
            return shared(full, weights, variables, batch)
        except Exception as error:  # what is wrong with the loss itself it says again
            log.debug("a gradient for each size of a batch: %s", error)

        def rest(weights: Arrays, variables: Arrays, batch: Batch) -> Any:
            return gradient(weights, variables, jax.tree.map(lambda a: a[:left], batch))

        return lax.cond(full, gradient, rest, weights, variables, batch)

    def either_measure(
        sizes: tuple[int, int], dearest: float, full: Any, *given: Any
    ) -> tuple[Arrays, Any]:
        found: tuple[Arrays, Any] = for_both(task.measure, sizes, dearest, False)(full, *given)
        return found

    return Parts(
        gradient,
        jax.jit(fast(task.measure)),
        jax.jit(either_measure, static_argnums=(0, 1)),
        jax.jit(either) if left else None,
        shares if left else lambda *_: False,
    )


def dearest_of(sizes: tuple[int, int], examples: int) -> float:
    """Return how many operations the rows may take that fill a smaller batch.

    They are taken once for all `examples`.
    """
    share = (sizes[0] - sizes[1]) / examples
    return math.inf if share < LITTLE else CHEAP
