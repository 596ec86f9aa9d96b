"""Metrics that gather, as a compiled program has them: arrays that go from batch to batch, and what
the metrics say of these arrays, as a graph.

Held against the metric itself before it is used, like all that is lowered.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from steepest.tasks.torch.gathered import Computed, computed, states_of, updated
from steepest.tasks.torch.lowering.graph import capture
from steepest.tasks.torch.lowering.table import NotLoweredError
from steepest.tasks.torch.lowering.verify import prove
from steepest.tasks.torch.randomness import lent
from steepest.tasks.torch.step import Step, as_scalar


class Counters:
    """The arrays of all metrics of a step that gather, in a row.

    Raises:
        NotLoweredError: a metric has no such arrays, or torch.export cannot trace what it says.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.metrics = step.gathered.value
        every = {name: states_of(name, one) for name, one in self.metrics.items()}
        self.names = {name: tuple(states) for name, states in every.items()}
        self.initial = tuple(one.clone() for states in every.values() for one in states.values())
        self.kinds = tuple(one.dtype for one in self.initial)
        self.module = Computed(self.metrics, self.names)
        self.graph = capture(self.module, self.initial) if self.metrics else None

    def say(self, states: Sequence[Any]) -> dict[str, Any]:
        """Return what the metrics say, of arrays that JAX traces or has."""
        if self.graph is None:
            return {}
        values, _ = self.graph.run({}, states, None)
        return dict(zip(self.metrics, values, strict=True))

    def prove(self, leaves: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        """Hold the arrays and the graph against the metrics, on a batch.

        Returns values that the arrays may have, before another batch.

        Raises:
            NotLoweredError: a metric keeps more than its arrays.
            NotProvedError: the graph gives other numbers.
        """
        if not self.metrics:
            return [()]
        mode = self.step.training
        try:
            with lent(0), torch.no_grad():
                output, y = self.step.train(False).output(*leaves)
                once, twice = self._seen(output, y, 1), self._seen(output, y, 2)
        finally:
            self.step.train(mode)
        assert self.graph is not None
        prove(self.module, self.graph, self.graph, [once, twice])
        return [self.initial, once]

    def _seen(self, output: Any, y: Any, times: int) -> tuple[Tensor, ...]:
        """Return the arrays after a batch was met some times, by the metrics' own methods."""
        found: list[Tensor] = []
        for name, metric in self.metrics.items():
            metric.reset()
            states, theirs = dict(metric.metric_state), copy.deepcopy(metric)
            for time in range(times):
                given = output.roll(time, 0) if isinstance(output, Tensor) else output
                theirs.update(given, y)
                after = updated(name, metric, states, given, y)
                states = dict(zip(states, after, strict=True))
            mine = [theirs.metric_state[own] for own in states]
            again = Computed({name: metric}, self.names)(*mine)[0]
            pairs = [*zip(after, mine, strict=True), (again, as_scalar(computed(theirs)))]
            if any(a.shape != b.shape or not _same(a, b) for a, b in pairs):
                raise NotLoweredError(f"the metric {name} keeps more than the arrays that it names")
            found += mine
        return tuple(found)


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(torch.allclose(one.double(), other.double(), rtol=1e-6, atol=0, equal_nan=True))
