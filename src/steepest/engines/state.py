"""Where the members of a population stand between two calls of an engine: on the host, in NumPy.

So a population can be cut, joined, sent to a worker and written to a file without any engine.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steepest.records import Population
from steepest.rules import step
from steepest.tasks.task import Arrays, Task


@dataclass(frozen=True)
class State:
    """Where the members of a population stand, on the host: arrays `[members, ...]`.

    `memory` is what `rules/step.py` remembers: for each weight array the tuple of arrays of the
    rule, and where the recipe asks for them gathered gradients and averaged weights.
    """

    weights: Arrays
    memory: step.Memory
    variables: Arrays  # batch statistics, random streams
    step: np.ndarray[Any, Any]  # int32 [members]
    epoch: np.ndarray[Any, Any]  # int32 [members]
    alive: np.ndarray[Any, Any]  # bool [members]; False once the loss was not finite

    def __len__(self) -> int:
        return len(self.step)

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self.tree()))

    def tree(self) -> tuple[Any, ...]:
        """Return the arrays as one nested tuple, for JAX."""
        return (self.weights, self.memory, self.variables, self.step, self.epoch, self.alive)

    def take(self, members: Any) -> "State":
        """Return the state of those members alone."""
        index = np.asarray(members, np.int64)
        return State(*jax.tree.map(lambda a: np.asarray(a)[index], self.tree()))

    @staticmethod
    def join(parts: "list[State]") -> "State":
        """Return the states of `parts` as one, in their order."""
        trees = [part.tree() for part in parts]
        return State(*jax.tree.map(lambda *leaves: np.concatenate(leaves), *trees))


@dataclass(frozen=True)
class Advance:
    """What a call of `advance` gave: per member and epoch, NaN where none was trained.

    `values` maps "training_loss", "loss" (of validation) and each metric to float32
    `[members, epochs]`, for the epochs from `start` to `stop`.
    """

    values: Mapping[str, np.ndarray[Any, Any]]
    trained: np.ndarray[Any, Any]  # int [members]: epochs that were trained
    seconds: float


def so_far(
    before: State, state: State, pieces: list[dict[str, Any]], started: float
) -> tuple[range, State, Advance]:
    """Return all members, their state, and what was measured in all pieces."""
    measured = {
        name: np.concatenate([piece[name] for piece in pieces], axis=1)
        for name in (pieces[0] if pieces else ())
    }
    seconds = time.perf_counter() - started
    return range(len(state)), state, Advance(measured, state.epoch - before.epoch, seconds)


def begin(task: Task, population: Population) -> State:
    """Return the state of an untrained population: fresh weights from each member's seed."""
    seeds, members = np.unique(population.seeds, return_inverse=True)
    drawn = [task.initialize(int(seed)) for seed in seeds]
    weights, variables = (
        [np.stack([part[i] for part in parts])[members] for i in range(len(parts[0]))]
        for parts in zip(*drawn, strict=True)
    )
    count = len(population)
    return State(
        weights=weights,
        memory=_begin_memory(task, population, weights),
        variables=variables,
        step=np.zeros(count, np.int32),
        epoch=np.zeros(count, np.int32),
        alive=np.ones(count, bool),
    )


def _begin_memory(task: Task, population: Population, weights: Arrays) -> step.Memory:
    """Return what all members remember before the first step, stacked."""
    plan = step.make_plan(population.config(0), task.facts.weights)
    begun = []
    for member in range(len(population)):
        values = population.config(member).numbers
        numbers, complements = step.prepare(population.schedule, values, task.facts.steps)
        own = [np.asarray(w[member]) for w in weights]
        begun.append(step.begin(plan, own, numbers, complements))
    memory: step.Memory = jax.tree.map(lambda *leaves: np.stack(leaves), *begun)
    return memory
