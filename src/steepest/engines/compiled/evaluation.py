"""Loss and metrics over a set, batch by batch, within a compiled program."""

import logging
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.data.arrays import Arrays, Batch, Scalar
from steepest.data.stream import Data, Stream
from steepest.engines.compiled.parts import Parts, dearest_of
from steepest.tasks.task import Task

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunks:
    """Data that is gone through in order, in batches `[batches, size, ...]`.

    Of the last one only the first `left` examples count; the others are copies of the last.
    """

    batches: Batch
    left: int

    @property
    def sizes(self) -> tuple[int, int]:
        """How many examples count in a full batch, and in the last one."""
        return jax.tree.leaves(self.batches)[0].shape[1], self.left


def chunked(batch: Data, size: int) -> Chunks:
    """Cut data into batches of the training's size, as `fit` does: not every loss is a mean."""
    assert not isinstance(batch, Stream)
    count = jax.tree.leaves(batch[0])[0].shape[0]
    size = min(size, count)
    batches = -(-count // size)

    # Cut in NumPy, as each cut on the device would be a program to compile.
    def full(array: Any) -> Any:
        given = np.asarray(array)
        if count % size:
            fill = np.repeat(given[-1:], batches * size - count, 0)
            given = np.concatenate([given, fill])
        return jnp.asarray(given.reshape(batches, size, *given.shape[1:]))

    return Chunks(jax.tree.map(full, batch), count - (batches - 1) * size)


jax.tree_util.register_dataclass(Chunks, ["batches"], ["left"])


def evaluation(
    task: Task, parts: Parts, weights: Arrays, variables: Arrays, chunks: Chunks
) -> tuple[dict[str, Scalar], Arrays]:
    """Return the loss and the metrics over all examples, and the state after it."""
    count, (size, left) = jax.tree.leaves(chunks.batches)[0].shape[0], chunks.sizes

    def add(carry: Any, examples: Batch) -> tuple[Any, None]:
        return parts.measure(weights, carry[0], carry[1], examples), None

    def add_either(carry: Any, at: Any) -> tuple[Any, None]:
        full, examples = at
        # Beside an epoch of gradients, each of which takes three times an evaluation.
        dearest = dearest_of(chunks.sizes, count * size + 3 * task.facts.training_examples)
        return parts.either_measure(chunks.sizes, dearest, full, weights, *carry, examples), None

    def add_at(carry: Any, i: Any) -> tuple[Any, None]:
        return add(carry, jax.tree.map(lambda a: a[i], chunks.batches))

    def in_turn(carry: Any) -> Any:
        if left == size:
            return lax.scan(add, carry, chunks.batches)[0]
        try:
            full = jnp.arange(count) < count - 1
            return lax.scan(add_either, carry, (full, chunks.batches))[0]
        except Exception as error:  # what is wrong with the metrics themselves they say again
            log.debug("an evaluation for each size of a batch: %s", error)
        carry, _ = lax.scan(add_at, carry, jnp.arange(count - 1))
        return add(carry, jax.tree.map(lambda a: a[-1, :left], chunks.batches))[0]

    variables, totals = in_turn((variables, jax.tree.map(jnp.asarray, task.totals)))
    values = task.summarize(totals)
    return {name: values[name] for name in ("loss", *task.facts.metrics)}, variables
