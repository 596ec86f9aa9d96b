"""A population trained inside one compiled JAX program.

The counts of members and epochs are arguments of the program and not part of it, so one compile of
a rule serves every rung, every cut to survivors and the confirmation. One call of `advance` takes
a population from its state some epochs further; resuming and halving are "call it again with the
state". The engine knows nothing of trials and rungs.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from steepest.engines import probe
from steepest.engines.cores import cores, together
from steepest.engines.engine import Key, Program
from steepest.engines.member import (
    Chunks,
    chunked,
    compiler_options,
    evaluation,
    make_parts,
    make_population,
)
from steepest.engines.program import CompiledProgram
from steepest.engines.sets import sets_of
from steepest.engines.state import State, begin
from steepest.engines.width import Width, budget, first_width, fits, narrower
from steepest.records import Config, Population
from steepest.rules import step as steps
from steepest.tasks.task import Task

ORDER_BYTES = 2**26  # the shuffled orders that a call is given, at most; then it takes several


class CompiledEngine:
    """Trains populations of a task that JAX can trace.

    Args:
        task: what to train.
        memory: bytes that trials, in training and waiting, may take; None for most of what is free.
        lockstep: train members side by side or one after another; None chooses by the device, and
            by measuring where that pays.
    """

    packages: tuple[str, ...] = ("jax", "jaxlib", "keras")

    def __init__(
        self, task: Task, *, memory: int | None = None, lockstep: bool | None = None
    ) -> None:
        self.task = task
        self.facts = task.facts
        self.devices = jax.devices()
        self.on_cpu = jax.default_backend() == "cpu"
        self.device = f"{len(self.devices)} × {self.devices[0].device_kind}"
        self.workers = cores() if self.on_cpu and len(self.devices) == 1 else 1
        self.options = compiler_options(self.on_cpu)
        self.parts = make_parts(task, self.on_cpu)
        size = task.facts.batch_size
        self.training = jax.tree.map(jnp.asarray, task.training)
        self.validation = chunked(task.validation, size)
        self.sets = sets_of(task)
        self.memory = budget(memory)
        self.lockstep = lockstep
        self.run_measure = jax.jit(
            lambda weights, variables, chunks: evaluation(
                task, self.parts, weights, variables, chunks
            )[0]
        )

    @cached_property
    def chunks(self) -> dict[str, Chunks]:
        """The sets that can be measured, on the device from the first time they are."""
        size = self.facts.batch_size
        return {
            name: self.validation if name == "validation" else chunked(data, size)
            for name, data in self.sets.items()
        }

    def prepare(self, configs: Mapping[Key, Config], epochs: int = 0) -> Mapping[Key, Program]:
        """Compile a program for each config, as many at a time as there are cores.

        Where so many epochs are to be trained that it pays, the other way to train members is
        measured first, unless it was once on this machine.
        """
        every = list(configs.values())
        memo = probe.Memo(self.facts, self.device, every, epochs)
        if self.lockstep is None and epochs and every:
            self.lockstep = memo.read()
        started = time.perf_counter()
        made = together(self.compile, every)
        if self.lockstep is None and epochs and every:
            took = time.perf_counter() - started
            if epochs * self._seconds_an_epoch(made[0]) > probe.WORTH * took:
                other = not made[0].width.lockstep
                if probe.is_faster(self, every[0], lockstep=other):
                    self.lockstep = other
                    made = together(self.compile, every)
            self.lockstep = made[0].width.lockstep
            memo.write(self.lockstep)
        return dict(zip(configs, made, strict=True))

    def _seconds_an_epoch(self, program: "CompiledProgram") -> float:
        """Return what an epoch of a member takes, by training one, with all workers at it."""
        population = Population.of([program.config])
        _, measured = program.advance(population, program.begin(population), 1)
        return measured.seconds / self.workers

    def compile(self, config: Config, width: Width | None = None) -> "CompiledProgram":
        """Compile the training of `config`'s rule, choices and schedule, for any numbers."""
        started = time.perf_counter()
        one = begin(self.task, Population.of([config]))
        width = width or first_width(self, one.nbytes)
        while True:
            made = self._compile(config, one, width)
            if fits(self, made.executable, width, one.nbytes) or not (less := narrower(width)):
                return replace(made, compile_seconds=time.perf_counter() - started)
            width = less

    def _compile(self, config: Config, one: State, width: Width) -> "CompiledProgram":
        plan = steps.make_plan(config, self.facts.weights)
        count, places = len(self.devices), len(self.devices) * width.at_once
        # The epochs whose orders a call is given.
        epochs = max(
            1, min(self.facts.epochs, ORDER_BYTES // (4 * places * self.facts.training_examples))
        )
        run = make_population(self.task, self.parts, plan, width.lockstep)
        if count > 1:
            spec: Any = PartitionSpec
            mesh, each, alike = Mesh(np.array(self.devices), ("members",)), spec("members"), spec()
            run = jax.shard_map(
                run,
                mesh=mesh,
                in_specs=(alike,) * 4 + (each,) * 6,
                out_specs=each,
                check_vma=False,
            )
        population = Population.of([config] * places)
        made = CompiledProgram(self, config, plan, None, width, epochs, 0.0)
        arguments = made.arguments(population, one.take([0] * places), 1, 0, 1)
        executable = jax.jit(run).lower(*arguments).compile(compiler_options=self.options)
        return replace(made, executable=executable)
