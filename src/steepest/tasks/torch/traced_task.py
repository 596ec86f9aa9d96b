"""A lowered PyTorch module as pure functions: the `Task` that a compiled population trains.

A graph is of one mode and one shape of a batch. Those of arrays are captured, and those that train
proved, before there is a task (`proof.py`); those of a stream's other shapes when they are met.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

from steepest.data.arrays import Arrays, Batch, Scalar
from steepest.tasks.task import Task
from steepest.tasks.torch.counters import Counters
from steepest.tasks.torch.initial_weights import to_array
from steepest.tasks.torch.loop_task import LoopTask
from steepest.tasks.torch.lowering.graph import Graph, capture
from steepest.tasks.torch.randomness import LOCK
from steepest.tasks.torch.step import Step, leaves_of

Shapes = tuple[tuple[int, ...], ...]
Late = Callable[[Shapes, Graph, Graph], None]  # the graphs of training and of evaluation


class Graphs:
    """The graphs of a step, by mode and shapes, captured when they are first asked for.

    Raises:
        NotLoweredError: a metric gathers what cannot be handed from batch to batch.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.counters = Counters(step)
        self.late: Late | None = None  # proves graphs of what comes after all that was known
        self._known: dict[Any, Graph] = {}

    def of(self, leaves: Sequence[Any], *, training: bool) -> Graph:
        """Return the graph for a batch of these arrays, traced or not.

        Raises:
            NotLoweredError: there is none.
        """
        shapes = tuple(tuple(one.shape) for one in leaves)
        found, late = self._of(shapes, training)
        if late and training and self.late is not None:
            self.late(shapes, found, self._of(shapes, False)[0])
        return found

    def _of(self, shapes: Shapes, training: bool) -> tuple[Graph, bool]:
        """Return a graph, and whether it was made now."""
        with LOCK:  # one export at a time, and none while weights are drawn: it saves random states
            found = self._known.get((training, shapes))
            made = found is None
            if found is None:
                examples = tuple(
                    torch.zeros(shape, dtype=kind)
                    for shape, kind in zip(shapes, self.step.types, strict=True)
                )
                examples += () if training else self.counters.initial
                mode = self.step.training
                try:
                    found = capture(self.step.train(training), examples)
                finally:
                    self.step.train(mode)
                self._known[training, shapes] = found
            return found, made


def traced_task(task: LoopTask, graphs: Graphs) -> Task:
    """Tie the graphs of a task's step into the functions of a `Task`."""
    names, counters = task.step.averaged, graphs.counters
    count_at = 1 + len(names)  # of the totals; behind it are the arrays of metrics that gather

    def run(
        w: Arrays, s: Arrays, batch: Batch, training: bool, counts: Sequence[Any] = ()
    ) -> tuple[list[Any], Arrays]:
        leaves = leaves_of(batch[:2])
        graph = graphs.of(leaves, training=training)
        *values, random = s
        key = None
        if graph.random:  # each batch draws from a key of its own
            both = jax.random.split(jax.random.wrap_key_data(random, impl="threefry2x32"))
            random, key = jax.random.key_data(both[0]), both[1]
        known = dict(zip((*task.weights, *task.state), (*w, *values), strict=False))
        outputs, changed = graph.run(known, [*leaves, *counts], key)
        after = [
            changed[name].astype(value.dtype) if name in changed else value
            for name, value in zip(task.state, values, strict=False)
        ]
        return outputs, [*after, random]

    def loss(w: Arrays, s: Arrays, batch: Batch) -> tuple[Scalar, Arrays]:
        outputs, after = run(w, s, batch, training=True)
        return outputs[0], after

    def measure(w: Arrays, s: Arrays, totals: Any, batch: Batch) -> tuple[Arrays, Any]:
        sums, count, counts = totals[:count_at], totals[count_at], totals[count_at + 1 :]
        outputs, after = run(w, s, batch, False, counts)
        size = leaves_of(batch[0])[0].shape[0]
        found = [
            total + jnp.asarray(value).astype("float32") * size
            for total, value in zip(sums, outputs[:count_at], strict=True)
        ]
        counted = [
            jnp.asarray(new).astype(old.dtype)
            for old, new in zip(counts, outputs[count_at:], strict=True)
        ]
        return after, (*found, count + size, *counted)

    def summarize(totals: Any) -> dict[str, Scalar]:
        named = zip(("loss", *names), totals[:count_at], strict=True)
        means = {name: total / totals[count_at] for name, total in named}
        return {**means, **counters.say(totals[count_at + 1 :])}

    zeros = (np.float32(0) for _ in ("loss", *names, "count"))
    return Task(
        facts=task.facts,
        training=task.training,
        validation=task.validation,
        test=task.test,
        initialize=task.initialize,
        loss=loss,
        constrain=lambda w: w,
        measure=measure,
        summarize=summarize,
        totals=(*zeros, *map(to_array, counters.initial)),
        trivial=task.trivial,
        optimizer=task.optimizer,
        order=task.order,
    )
