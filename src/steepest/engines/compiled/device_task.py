"""A task on its devices: what the compiled programs of all rules share."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from steepest.data.arrays import Arrays, Batch
from steepest.data.order import order_of
from steepest.data.stream import Data
from steepest.engines.compiled.evaluation import Chunks, chunked, evaluation
from steepest.engines.compiled.parts import Parts, make_parts
from steepest.engines.compiled.placement import Orders
from steepest.engines.compiled.resting import Shelf
from steepest.engines.compiled.training import compiler_options, without_order
from steepest.engines.cores import cores
from steepest.engines.eval_sets import sets_of
from steepest.records import TaskFacts
from steepest.tasks.task import Task

KEPT_BYTES = 2**26  # of initial weights that are kept, as members of one seed ask for the same
WAITING = 4  # the part of an accelerator's memory where states may wait: a quarter
LOCK = threading.Lock()


@dataclass(frozen=True)
class DeviceTask:
    """A task with its traced parts, its data on the devices, and what may be used to train it."""

    task: Task
    parts: Parts
    training: Batch
    validation: Chunks
    sets: Mapping[str, Data]  # what trained weights can be measured on, on the host
    devices: tuple[jax.Device, ...]
    on_cpu: bool
    workers: int  # calls that run at the same time, in threads
    memory: int  # bytes that trials in training and waiting may take
    options: dict[str, str | bool] | None  # of the compiler
    orders: Orders
    # How arrays lie on several devices: members shared out, or the whole on each. None on one.
    each: NamedSharding | None
    alike: NamedSharding | None
    # Where states wait on an accelerator; None where they come to the host at once.
    shelf: Shelf | None = None
    drawn: dict[int, tuple[Arrays, Arrays]] = field(default_factory=dict)

    @property
    def facts(self) -> TaskFacts:
        """What is known of the task without its arrays."""
        return self.task.facts

    @property
    def room(self) -> int:
        """The bytes of memory that those in training may take; the rest is for those who wait."""
        return self.memory // 2 if self.on_cpu else self.memory - self.memory // WAITING

    @cached_property
    def placed(self) -> tuple[Batch, Chunks]:
        """The training and validation data, on every device."""
        both = (self.training, self.validation)
        return both if self.alike is None else jax.device_put(both, self.alike)

    def draw(self, seed: int) -> tuple[Arrays, Arrays]:
        """Return the initial weights and variables of a seed: those of the last few are kept.

        They are drawn on the CPU, so they are the same to the last bit whatever trains them.
        """
        found = self.drawn.get(seed)
        if found is None:
            with jax.default_device(host()):
                found = self.task.initialize(seed)
            size = sum(array.nbytes for part in found for array in part)
            most = max(1, KEPT_BYTES // max(1, size))
            with LOCK:
                while len(self.drawn) >= most:
                    del self.drawn[next(iter(self.drawn))]
                self.drawn[seed] = found
        return found

    @cached_property
    def chunks(self) -> dict[str, Chunks]:
        """The sets that can be measured, on the device from the first time they are."""
        size = self.facts.batch_size
        return {
            name: self.validation if name == "validation" else chunked(data, size)
            for name, data in self.sets.items()
        }

    def measure(self, weights: Arrays, variables: Arrays, on: str) -> dict[str, float]:
        """Return loss and metrics of one member's weights on one of the sets."""
        values = self._evaluate(weights, variables, self.chunks[on])
        return {name: float(value) for name, value in values.items()}

    def _values(self, weights: Arrays, variables: Arrays, chunks: Chunks) -> dict[str, Any]:
        return evaluation(self.task, self.parts, weights, variables, chunks)[0]

    @cached_property
    def _evaluate(self) -> Any:
        return jax.jit(self._values)

    @cached_property
    def measured(self) -> Any:
        """What measures members side by side, of any rule: weights, variables, chunks → values."""
        mapped = jax.vmap(self._values, in_axes=(0, 0, None))
        return jax.jit(mapped, compiler_options=without_order(self.options))


def host() -> jax.Device | None:
    """Return the CPU as JAX knows it; None where it is left away, or is what computes anyway."""
    if jax.default_backend() == "cpu":
        return None
    try:
        return jax.devices("cpu")[0]
    except RuntimeError:
        return None


def make_device_task(task: Task, memory: int) -> DeviceTask:
    """Put the data of `task` where JAX computes; `memory` is what trials may take, in bytes."""
    devices, on_cpu = tuple(jax.devices()), jax.default_backend() == "cpu"
    size = task.facts.training_examples
    each = alike = None
    if len(devices) > 1:
        mesh = Mesh(np.array(devices), ("members",))
        spec: Any = PartitionSpec
        each, alike = NamedSharding(mesh, spec("members")), NamedSharding(mesh, spec())
    return DeviceTask(
        task=task,
        parts=make_parts(task, on_cpu),
        training=jax.tree.map(jnp.asarray, task.training),
        validation=chunked(task.validation, task.facts.batch_size),
        sets=sets_of(task),
        devices=devices,
        on_cpu=on_cpu,
        workers=cores() if on_cpu and len(devices) == 1 else 1,
        memory=memory,
        options=compiler_options(jax.default_backend()),
        orders=Orders(task.order or order_of(size, task.facts.shuffle), size),
        each=each,
        alike=alike,
        shelf=None if on_cpu or len(devices) > 1 else Shelf(memory // WAITING),
    )
