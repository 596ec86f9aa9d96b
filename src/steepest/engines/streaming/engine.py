"""A population trained on a stream: each batch is read once for all its members.

    a thread reads ahead:      source → batches → blocks on the device ─┐
    for each block:                                                    ◄┘
        for each group of members: gradient → rule → weights, batch by batch
    at the end of an epoch: evaluate all members, block by block

A group is what one call of a program trains: on a CPU a member, and the cores take one each; on an
accelerator members side by side (`vmap`). Its state stays on the device from block to block.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.data.stream import Stream
from steepest.engines.compiled.parts import make_parts
from steepest.engines.compiled.width import budget
from steepest.engines.cores import cores, pool, together
from steepest.engines.eval_sets import sets_of
from steepest.engines.hardware import device_name
from steepest.engines.population import Population
from steepest.engines.protocol import Key, Program, Tell, silent, unheard
from steepest.engines.state import Advance, State, begin
from steepest.engines.streaming.curves import Curves, Group
from steepest.engines.streaming.prefetch import (
    Block,
    Examples,
    ahead,
    shuffled_arrays,
    usual_blocks,
)
from steepest.engines.streaming.steps import StreamSteps
from steepest.records import Config
from steepest.rules import step as steps
from steepest.tasks.task import Task

LOCKSTEP_MEMBERS = 32  # side by side on an accelerator


class StreamEngine:
    """Trains populations of a task whose data is read while they train."""

    def __init__(self, task: Task, *, memory: int | None = None) -> None:
        self.task = task
        self.memory = budget(memory)
        self.facts = task.facts
        self.packages: tuple[str, ...] = ("jax", "jaxlib", task.facts.framework)
        self.workers = 1  # one rule after the other: one reading goes on, all cores are its own
        devices = jax.devices()
        self.device = device_name(devices)
        self.on_cpu = jax.default_backend() == "cpu"
        self.threads = cores() if self.on_cpu else 1
        self.lockstep: bool | None = not self.on_cpu
        self.parts = make_parts(task, self.on_cpu)
        data, size = task.training, task.facts.batch_size
        self.training = (
            data if isinstance(data, Stream) else shuffled_arrays(data, size, self.facts.shuffle)
        )
        self.validation = Examples(task.validation, size)
        self.sets = sets_of(task)
        # Seeds that meet the data in orders of their own are read for at the same time.
        parallel = self.training.parallel and self.validation.parallel
        self.readers = self.threads if parallel else 1

    def prepare(
        self,
        configs: Mapping[Key, Config],
        epochs: int = 0,  # noqa: ARG002
        ready: Callable[[], None] = unheard,
    ) -> Mapping[Key, Program]:
        """Compile programs for each config, as many at a time as there are cores."""

        def compile_and_tell(config: Config) -> StreamProgram:
            made = self.compile(config)
            ready()
            return made

        made = together(compile_and_tell, list(configs.values()))
        return dict(zip(configs, made, strict=True))

    def compile(self, config: Config, *, lockstep: bool | None = None) -> "StreamProgram":
        """Compile the training of `config`'s rule, choices and schedule, for any numbers.

        For the shapes of the first batch and of what remains of an epoch; others are compiled when
        they come. `lockstep` trains members side by side, None chooses by the device.
        """
        started = time.perf_counter()
        lockstep = bool(self.lockstep) if lockstep is None else lockstep
        population = Population.of([config])
        one = begin(self.task, population)
        room = max(
            1, self.memory // 2 // sum(array.nbytes for array in jax.tree.leaves(one.tree()))
        )
        width = min(LOCKSTEP_MEMBERS, room) if lockstep else 1
        plan = steps.plan_of(config, self.facts)
        compiled = StreamSteps(self.task, self.parts, plan, lockstep)
        program = StreamProgram(self, compiled, width, room // width * width, 0.0)
        # Run once, on what is thrown away, which compiles what an epoch needs.
        group = program.group(population, one, [0])
        for block in usual_blocks(self.training):
            group.standing = compiled.train(group.standing, group.numbers, block)
        carry = compiled.begin_totals(group.standing)
        for block in self.validation.usual:
            carry = compiled.measure(carry, group.standing, group.numbers, block)
        compiled.finish(carry)
        seconds = time.perf_counter() - started
        return StreamProgram(self, compiled, width, program.capacity, seconds)


@dataclass(frozen=True)
class StreamProgram:
    """The compiled training of one rule."""

    engine: StreamEngine
    steps: StreamSteps
    width: int  # members of a group
    capacity: int
    compile_seconds: float
    whole: bool = True  # as each batch is read once for all members of a call
    places: int = 1
    together: None = None

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        return begin(self.engine.task, population)

    def group(self, population: Population, state: State, members: Sequence[int]) -> Group:
        """Put those members on the device."""
        places = [*members, *[members[-1]] * (self.width - len(members))]
        some, at = population.take(places), state.take(places)
        total = np.zeros(self.width, np.float32)
        # Copies, as programs write where they were.
        standing = jax.tree.map(jnp.array, (at.weights, at.memory, at.variables, at.step, total))
        facts = self.engine.facts
        numbers = steps.prepare(some.schedule, some.numbers, facts.steps)
        return Group(list(members), standing, jax.tree.map(jnp.array, numbers))

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Members of one seed meet the same batches in the same order, and so do all members where
        the stream orders itself; each reading of the data is for all who do. All members that are
        alive are at the same epoch.

        Raises:
            TaskError: the data cannot be read.
        """
        started = time.perf_counter()
        alive = np.flatnonzero(state.alive & (state.epoch < stop))
        start = int(state.epoch[alive].min()) if len(alive) else stop
        curves = Curves(state, start, stop, self.engine.facts.metrics, started)
        if len(alive):
            seeds = population.seeds[alive]
            orders = np.unique(seeds) if self.engine.training.by_seed else seeds[:1]
            parts = [
                alive[seeds == seed].tolist() if len(orders) > 1 else alive.tolist()
                for seed in orders
            ]
            with pool(self.engine.readers) as readers, pool(self.engine.threads) as threads:

                def one(number: int) -> None:
                    groups = [
                        self.group(population, state, parts[number][i : i + self.width])
                        for i in range(0, len(parts[number]), self.width)
                    ]
                    self._train(int(orders[number]), groups, curves, threads, tell)

                # All have ended before the first exception is told: each ends where it may.
                reading = [readers.submit(one, number) for number in range(len(parts))]
                wait(reading)
                for part in reading:
                    part.result()
        seconds = time.perf_counter() - started
        return curves.state, Advance(curves.values, curves.state.epoch - state.epoch, seconds)

    def _train(
        self, seed: int, groups: list[Group], curves: Curves, threads: Executor, tell: Tell
    ) -> None:
        """Train members who meet the data in one order."""
        stream = self.engine.training
        with ahead(stream, seed, curves.start, curves.stop, lambda: tell(0)) as blocks:
            for epoch in range(curves.start, curves.stop):
                living = [group for group in groups if group.alive]
                if not living:
                    return
                examples = 0

                def train(group: Group, block: Block) -> None:
                    group.standing = self.steps.train(
                        group.standing, group.numbers, block, lambda: tell(0)
                    )

                for block in blocks:
                    _all(threads, train, living, block)
                    examples += block.examples
                    if block.last:
                        break
                measured = self._measure(living, self.engine.validation, threads, tell)
                trained = 0
                for group, (values, variables) in zip(living, measured, strict=True):
                    weights, memory, _, t, total = group.standing
                    values["training_loss"] = np.asarray(total) / np.float32(examples)
                    group.standing = (weights, memory, variables, t, jnp.zeros_like(total))
                    trained += curves.note(group, epoch, values)
                tell(trained, partial(curves.so_far, groups, epoch + 1))

    def _measure(
        self, groups: list[Group], data: Examples, threads: Executor, tell: Tell
    ) -> list[tuple[dict[str, np.ndarray[Any, Any]], Any]]:
        """Return for each group loss and metrics `[members]`, and its variables after it."""
        carries = [self.steps.begin_totals(group.standing) for group in groups]

        def measure(number: int, block: Block) -> None:
            group = groups[number]
            carries[number] = self.steps.measure(
                carries[number], group.standing, group.numbers, block, lambda: tell(0)
            )

        with data.blocks(lambda: tell(0)) as blocks:
            for block in blocks:
                _all(threads, measure, range(len(groups)), block)
        return [(self.steps.finish(carry), carry[0]) for carry in carries]

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        data = Examples(self.engine.sets[on], self.engine.facts.batch_size)
        places = range(len(state))
        groups = [
            self.group(population, state, places[i : i + self.width]) for i in places[:: self.width]
        ]
        with pool(self.engine.threads) as threads:
            measured = self._measure(groups, data, threads, silent)
        return [
            {name: float(value[place]) for name, value in values.items()}
            for group, (values, _) in zip(groups, measured, strict=True)
            for place in range(len(group.members))
        ]

    def update_seconds(
        self,
        population: Population,  # noqa: ARG002
        state: State,  # noqa: ARG002
    ) -> tuple[float, ...]:
        """Return nothing: a step waits for its batch, so the update has no share worth telling."""
        return ()


def _all(threads: Executor, function: Callable[..., None], items: Any, block: Block) -> None:
    """Call `function(item, block)` for each item, at the same time, and wait for all."""
    if len(items) == 1:
        function(items[0], block)
    else:
        list(threads.map(lambda item: function(item, block), items))
