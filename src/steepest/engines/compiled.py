"""A population trained inside one compiled JAX program.

The counts of members and epochs are arguments of the program and not part of it, so one compile of
a rule serves every rung, every cut to survivors and the confirmation. One call of `advance` takes
a population from its state some epochs further; resuming and halving are "call it again with the
state". The engine knows nothing of trials and rungs.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from steepest.engines import probe
from steepest.engines.cores import cores, together
from steepest.engines.engine import Key, Program, SoFar, Tell, silent
from steepest.engines.layout import lay_out, orders_of
from steepest.engines.member import (
    Chunks,
    chunked,
    compiler_options,
    evaluation,
    make_parts,
    make_population,
)
from steepest.engines.sets import sets_of
from steepest.engines.state import Advance, State, begin, so_far
from steepest.engines.update_time import update_seconds
from steepest.engines.width import Width, budget, first_width, fits, is_out_of_memory, narrower
from steepest.errors import TaskError
from steepest.records import Config, Population
from steepest.rules import step as steps
from steepest.tasks.task import Task

PIECE_SECONDS = 2.0  # after which a call tells how far it is
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


@dataclass
class CompiledProgram:
    """The compiled training of one rule. Where memory runs out, it is compiled again, narrower."""

    engine: CompiledEngine
    config: Config  # any that it trains
    plan: steps.Plan
    executable: Any
    width: Width
    epochs: int  # a call of the executable trains so many at most
    compile_seconds: float
    whole: bool = False  # a call takes what is trained in half a second
    epoch_seconds: float = 0.0  # of a member, in the last call; 0 before there was one
    lock: Any = field(default_factory=threading.Lock)

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` takes at a time."""
        return self.width.capacity * len(self.engine.devices)

    @property
    def places(self) -> int:
        """How many members a call of the executable trains."""
        return self.width.at_once * len(self.engine.devices)

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        return begin(self.engine.task, population)

    def arguments(
        self, population: Population, state: State, count: int, first: int, stop: int
    ) -> tuple[Any, ...]:
        """Return what the executable takes to train `count` members from epoch `first` on."""
        engine, devices = self.engine, len(self.engine.devices)
        layout = lay_out(count, devices, self.width.at_once)
        size = engine.facts.training_examples
        there = population.take(layout.members)
        orders, slots = orders_of(there.seeds, devices, range(first, stop), self.epochs, size)
        return (
            engine.training,
            engine.validation,
            np.int32(first),
            np.int32(stop),
            orders,
            layout.filled,
            slots,
            *_numbers(engine.task, there),
            state.take(layout.members).tree(),
        )

    def advance(
        self,
        population: Population,
        state: State,
        stop: int,
        tell: Tell = silent,
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Raises:
            TaskError: there is no memory for a single member.
        """
        width = self.width
        if len(population) > self.capacity:  # it became narrower
            return self._advance_parts(population, state, stop, tell)
        try:
            return self._advance(population, state, stop, tell)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            with self.lock:
                if self.width == width:  # and no other thread was faster
                    self._narrow(error)
        return self.advance(population, state, stop, tell)

    def _narrow(self, error: BaseException) -> None:
        less = narrower(self.width)
        if less is None:
            raise TaskError(
                "there is no memory left to train even one member at a time; give a smaller batch "
                "size, fewer examples or a smaller model"
            ) from error
        made = self.engine.compile(self.config, less)
        self.executable, self.width, self.epochs = made.executable, made.width, made.epochs
        self.compile_seconds += made.compile_seconds

    def _advance_parts(
        self, population: Population, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        size, done = self.capacity, []
        for first in range(0, len(population), size):
            part = range(first, min(first + size, len(population)))
            told = partial(_tell_of, tell, first)
            done.append(self.advance(population.take(part), state.take(part), stop, told))
        values = {
            name: np.concatenate([advance.values[name] for _, advance in done])
            for name in done[0][1].values
        }
        trained = np.concatenate([advance.trained for _, advance in done])
        seconds = sum(advance.seconds for _, advance in done)
        return State.join([state for state, _ in done]), Advance(values, trained, seconds)

    def _advance(
        self, population: Population, state: State, stop: int, tell: Tell
    ) -> tuple[State, Advance]:
        started = time.perf_counter()
        before, count = state, len(population)
        start = int(state.epoch[state.alive].min()) if state.alive.any() else stop
        pieces, first = [], start
        while first < stop:
            # A long training is cut, so that it can be told of, and stopped when time is over.
            timely = int(PIECE_SECONDS / (self.epoch_seconds * count)) if self.epoch_seconds else 1
            until = min(stop, first + max(1, min(self.epochs, timely)))
            began, trained = time.perf_counter(), int(state.epoch.sum())
            state, values = self._train(population, state, first, until)
            pieces.append({n: a[:, first:until] for n, a in values.items()})
            self.epoch_seconds = (time.perf_counter() - began) / (count * (until - first))
            if until < stop:
                ready = partial(so_far, before, state, pieces, started)
                tell(int(state.epoch.sum()) - trained, ready)
            first = until
        return so_far(before, state, pieces, started)[1:]

    def _train(
        self, population: Population, state: State, first: int, until: int
    ) -> tuple[State, dict[str, Any]]:
        """Call the executable for as many members at a time as it takes."""
        done = []
        for place in range(0, len(population), self.places):
            part = range(place, min(place + self.places, len(population)))
            mine = population.take(part)
            arguments = self.arguments(mine, state.take(part), len(part), first, until)
            places = lay_out(len(part), len(self.engine.devices), self.width.at_once).places
            found = self.executable(*arguments)
            done.append(jax.tree.map(lambda a, places=places: np.array(a)[places], found))
        tree, values = jax.tree.map(lambda *parts: np.concatenate(parts), *done)
        return State(*tree), values

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        numbers, complements = _numbers(self.engine.task, population)
        found, chunks = [], self.engine.chunks[on]
        for member in range(len(state)):
            one = (state.weights, state.memory, state.variables, numbers, complements)
            weights, memory, variables, n, c = jax.tree.map(lambda a, i=member: a[i], one)
            shown = steps.shown(self.plan, weights, memory, n, c)
            values = self.engine.run_measure(shown, variables, chunks)
            found.append({name: float(value) for name, value in values.items()})
        return found

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, of the first member, a repetition each."""
        numbers, complements = _numbers(self.engine.task, population)
        one = jax.tree.map(
            lambda a: np.asarray(a)[0], (state.weights, state.memory, numbers, complements)
        )
        return update_seconds(self.plan, *one)


def _numbers(task: Task, population: Population) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members' numbers and their complements, each float32 `[members]`."""
    return steps.prepare(population.schedule, population.numbers, task.facts.steps)


def _tell_of(tell: Tell, first: int, epochs: int, so_far: SoFar | None = None) -> None:
    """Tell of a part of the members, which begins with member `first`."""

    if so_far is None:
        tell(epochs)
        return

    def shifted() -> tuple[list[int], State, Advance]:
        places, state, measured = so_far()
        return [first + place for place in places], state, measured

    tell(epochs, shifted)
