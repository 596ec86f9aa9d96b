"""Where the members of a population stand between two calls of an engine: on the host, in NumPy.

So a population can be cut, joined, sent to a worker and written to a file without any engine.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float32, Int32, Integer, Shaped

from steepest.data.arrays import Arrays
from steepest.engines.population import Population
from steepest.rules import step
from steepest.tasks.task import Task


@dataclass(frozen=True)
class State:
    """Where the members of a population stand, on the host: arrays `[members, ...]`.

    `memory` is what `rules/step.py` remembers: for each weight array the tuple of arrays of the
    rule, and where the recipe asks for them gathered gradients and averaged weights. Under Keras'
    `fit` it is a list: the variables of Keras' optimizer. It is a list in a driver too, whose
    workers alone know how it is nested (`flat`).
    """

    weights: list[Shaped[np.ndarray, "members ..."]]
    memory: step.Memory | list[Shaped[np.ndarray, "members ..."]]
    variables: list[Shaped[np.ndarray, "members ..."]]  # batch statistics, random streams
    step: Int32[np.ndarray, " members"]
    epoch: Int32[np.ndarray, " members"]
    alive: Bool[np.ndarray, " members"]  # False once the loss was not finite
    # What callbacks have seen of each member (`engines/callbacks.py`); None without any.
    seen: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.step)

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self.tree()))

    def tree(self) -> tuple[Any, ...]:
        """Return the arrays as one nested tuple, for JAX."""
        own = (self.weights, self.memory, self.variables, self.step, self.epoch, self.alive)
        return (*own, self.seen)

    def goes_on(self, member: int) -> bool:
        """Return whether a member can be trained further: it neither diverged nor was stopped."""
        stopped = self.seen is not None and bool(self.seen["stopped"][member])
        return bool(self.alive[member]) and not stopped

    def take(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> "State":
        """Return the state of those members alone."""
        index = np.asarray(members, np.int64)
        leaves, form = jax.tree.flatten(self.tree())
        if len(index) == 1 and 0 <= index[0] < len(self):  # for checkpoints: in half the time
            one = slice(int(index[0]), int(index[0]) + 1)
            taken = [np.array(np.asarray(a)[one]) for a in leaves]
        else:
            taken = [np.asarray(a)[index] for a in leaves]
        return State(*jax.tree.unflatten(form, taken))

    def flat(self) -> "State":
        """Return it with its memory as a list of arrays, which any process can read.

        A person's own rule may nest its memory in classes of Optax or of the task file.
        """
        return replace(self.on_host(), memory=jax.tree.leaves(self.memory))

    @property
    def form(self) -> Any:
        """How the memory is nested, as JAX' tree of it."""
        return jax.tree.structure(self.memory)

    def nested(self, form: Any) -> "State":
        """Return it with its memory in the form that it has where it trains."""
        memory = jax.tree.unflatten(form, jax.tree.leaves(self.memory))
        return replace(self.on_host(), memory=memory)

    def on_host(self) -> "State":
        """Return it with its arrays on the host, where an engine left them elsewhere."""
        return self

    @staticmethod
    def join(parts: "Sequence[State]") -> "State":
        """Return the states of `parts` as one, in their order."""
        return parts[0].followed_by(parts[1:])

    def followed_by(self, others: "Sequence[State]") -> "State":
        """Return the members of this state and of others, in their order."""
        trees = [part.tree() for part in (self, *others)]
        return State(*jax.tree.map(lambda *leaves: np.concatenate(leaves), *trees))


class Fresh(State):
    """The state of an untrained population, which an engine can also make where it trains."""


@dataclass(frozen=True)
class Advance:
    """What a call of `advance` gave: per member and epoch, NaN where none was trained.

    `values` maps "training_loss", "loss" (of validation) and each metric to its curves, for the
    epochs from `start` to `stop`; `trained` is how many epochs were trained.
    """

    values: Mapping[str, Float32[np.ndarray, "members epochs"]]
    trained: Integer[np.ndarray, " members"]
    seconds: float
    kind: str = ""  # of processor or GPU, where workers may be of several


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


Draw = Callable[[int], tuple[Arrays, Arrays]]  # weights and variables of a seed


def begin(task: Task, population: Population, draw: Draw | None = None) -> State:
    """Return the state of an untrained population: fresh weights from each member's seed.

    Where all members have one seed they share the memory of its weights, which nobody writes to.
    `draw` is the task's own, or one that remembers.
    """
    seeds, members = np.unique(population.seeds, return_inverse=True)
    drawn = [(draw or task.initialize)(int(seed)) for seed in seeds]
    count = len(population)

    def spread(parts: Sequence[Any]) -> Any:
        if len(parts) == 1:
            return np.broadcast_to(parts[0], (count, *np.shape(parts[0])))
        return np.stack(parts)[members]

    weights, variables = (
        [spread([part[i] for part in parts]) for i in range(len(parts[0]))]
        for parts in zip(*drawn, strict=True)
    )
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
    plan = step.plan_of(population.config(0), task.facts)
    count = len(population)

    def begun(member: int) -> step.Memory:
        values = population.config(member).numbers
        numbers, complements = step.prepare(population.schedule, values, task.facts.steps)
        own = [np.asarray(w[member]) for w in weights]
        return step.begin(plan, own, numbers, complements)

    memory: step.Memory
    if _is_zeros(plan):
        memory = jax.tree.map(lambda a: np.zeros((count, *a.shape), a.dtype), begun(0))
    else:
        every = [begun(member) for member in range(count)]
        memory = jax.tree.map(lambda *leaves: np.stack(leaves), *every)
    return memory


def _is_zeros(plan: step.Plan) -> bool:
    """Return whether all that is remembered before the first step is zeros."""
    rule = plan.rule
    return rule.transformation is None and rule.begin is None and not plan.has("ema")
