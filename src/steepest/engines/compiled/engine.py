"""A population trained inside one compiled JAX program.

The counts of members and epochs are arguments of the program and not part of it, so one compile
serves every length, every turn of a search and the confirmation. One call of `advance` takes
a population from its state some epochs further; resuming and halving are "call it again with the
state". The engine knows nothing of trials.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from steepest.data.stream import Data
from steepest.engines.compiled import autotune
from steepest.engines.compiled.by_place import is_light
from steepest.engines.compiled.device_task import make_device_task
from steepest.engines.compiled.executable import gradient_bytes, may_share
from steepest.engines.compiled.program import CompiledProgram, compile_programs
from steepest.engines.compiled.resident import numbers_of
from steepest.engines.compiled.together import Together
from steepest.engines.compiled.width import (
    Width,
    accelerator_width,
    budget,
    first_width,
    rules_a_program,
)
from steepest.engines.cores import cores, together
from steepest.engines.hardware import device_name
from steepest.engines.population import Population
from steepest.engines.protocol import Key, Program, unheard
from steepest.engines.state import State, begin
from steepest.records import Config
from steepest.rules import step as steps
from steepest.tasks.task import Task

log = logging.getLogger(__name__)

CORES = 2  # that XLA keeps busy with a program


class CompiledEngine:
    """Trains populations of a task that JAX can trace.

    Args:
        task: what to train.
        memory: bytes that trials, in training and waiting, may take; None for most of what is free.
        lockstep: train members side by side or one after another; None chooses by the device, and
            by measuring where that pays.
    """

    def __init__(
        self, task: Task, *, memory: int | None = None, lockstep: bool | None = None
    ) -> None:
        self.shared = make_device_task(task, budget(memory))
        self.facts = task.facts
        self.packages: tuple[str, ...] = ("jax", "jaxlib", task.facts.framework)
        self.workers = self.shared.workers
        self.memory = self.shared.memory
        devices = self.shared.devices
        self.device = device_name(devices)
        self.lockstep = lockstep
        self._gradient_bytes: int | None = None
        self.most: int | None = None  # members side by side, where that was measured
        self.members = 0  # that may want to train at a time; 0 if that is unknown

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return self.shared.sets

    def prepare(
        self, configs: Mapping[Key, Config], epochs: int = 0, ready: Callable[[], None] = unheard
    ) -> Mapping[Key, Program]:
        """Compile a program for each config; those of several are one on few cores, and where an
        accelerator has room for members of several rules.

        Where on an accelerator so many epochs are to be trained that it pays, the other way to
        train members is measured first, and how many side by side, unless it was once on this
        machine. On a CPU nothing is to be won: a call has places for many members side by side,
        and a search trains few at a time.
        """
        every = list(configs.values())
        memo = autotune.Memo(self.facts, self.device, every, epochs)
        measures = bool(self.lockstep is None and epochs and every and not self.shared.on_cpu)
        if measures:
            self.lockstep, self.most = memo.read()
        if every and epochs:  # who may want to train at a time, at most
            self.members = -(-epochs // (len(every) * self.facts.epochs))
        started = time.perf_counter()

        def compile_and_tell(some: Sequence[int]) -> list[CompiledProgram]:
            made = self._compile_group([every[place] for place in some])
            for first, one in enumerate(made):
                if epochs and not self.shared.on_cpu and (not first or one.together is None):
                    one.warm()
                ready()
            return made

        def compile_all() -> list[CompiledProgram]:
            groups = self._groups(every)
            made = [one for own in together(compile_and_tell, groups) for one in own]
            places = [place for group in groups for place in group]
            return [made[places.index(place)] for place in range(len(every))]

        made = compile_all()
        if measures and self.lockstep is None:
            took = time.perf_counter() - started
            paid = epochs * self._seconds_an_epoch(made[0]) / (autotune.WORTH * took)
            width = made[0].width
            if paid > 1 and autotune.is_faster(self.shared, every[0], lockstep=not width.lockstep):
                self.lockstep = not width.lockstep
                made = together(self.compile, every)
            elif paid > autotune.MEMBERS < width.at_once:  # as a call takes several
                self.most = autotune.best_width(self.shared, every[0], width.at_once)
                if self.most < width.at_once:
                    made = compile_all()
            memo.write(made[0].width.lockstep, self.most)
        if self.lockstep is None and epochs and every:
            self.lockstep = made[0].width.lockstep
        return dict(zip(configs, made, strict=True))

    def _seconds_an_epoch(self, program: CompiledProgram) -> float:
        """Return what an epoch of a member takes, by training one, with all workers at it."""
        population = Population.of([program.config])
        _, measured = program.advance(population, program.begin(population), 1)
        return measured.seconds / self.workers

    def _groups(self, configs: Sequence[Config]) -> list[Sequence[int]]:
        """Return the configs' places in groups, each of them one program.

        On a CPU groups train to the same bits, and programs of their own are ready sooner only
        where there are cores for all of them.
        """
        if self._lockstep and self.shared.each is None:
            light = [i for i, one in enumerate(configs) if self._is_light(one)]
            heavy = [[i] for i in range(len(configs)) if i not in light]
            most = self._rules_a_program([configs[i] for i in light])
            return [*_cut(light, -(-len(light) // most)), *heavy]
        share = may_share(self.shared) and not self._lockstep
        count = min(len(configs), max(1, cores() // CORES)) if share else len(configs)
        return _cut(range(len(configs)), count)

    def _is_light(self, config: Config) -> bool:
        numbers = numbers_of(self.shared, Population.of([config]))
        return is_light(steps.plan_of(config, self.facts), self._begun(config), numbers)

    def _rules_a_program(self, configs: Sequence[Config]) -> int:
        """Return how many rules are to share a program side by side."""
        rules, on_cpu = len(configs), self.shared.on_cpu
        return min(
            (
                rules_a_program(
                    self._width(one, rules), self._member_bytes(one), rules, on_cpu=on_cpu
                )
                for one in configs
            ),
            default=1,
        )

    def _compile_group(self, configs: Sequence[Config]) -> list[CompiledProgram]:
        if len(configs) > 1:
            try:
                widths = [self._width(config, len(configs)) for config in configs]
                width = min(widths, key=lambda one: one.capacity)
                made = compile_programs(self.shared, configs, width)
                if made[0].by_place is not None:
                    Together(made)
                elif width.lockstep:
                    self.lockstep = False  # the model cannot be trained side by side
                return made
            except Exception as error:  # what is wrong with one of them it says again by itself
                log.info("rules do not share a program: %s: %s", type(error).__name__, error)
        return [self.compile(config) for config in configs]

    def compile(self, config: Config, width: Width | None = None) -> CompiledProgram:
        """Compile the training of `config`'s rule, choices and schedule, for any numbers."""
        width = width or self._width(config)
        (made,) = compile_programs(self.shared, [config], width)
        if width.lockstep and not made.width.lockstep:
            self.lockstep = False  # the model cannot be trained side by side
        return made

    @property
    def _lockstep(self) -> bool:
        """Whether members are to train side by side."""
        return not self.shared.on_cpu if self.lockstep is None else self.lockstep

    def _width(self, config: Config, rules: int = 1) -> Width:
        """Return the width to try first, where so many rules share a program."""
        if self._lockstep and not self.shared.on_cpu:
            size = self._member_bytes(config)
            found = accelerator_width(self.members, size, self.shared.room, rules)
            return replace(found, capacity=min(found.capacity, self.most or found.capacity))
        return first_width(self._lockstep, self._begun(config).nbytes)

    def _member_bytes(self, config: Config) -> int:
        """Return about what a member takes while it trains; on a CPU, its state."""
        one = self._begun(config)
        if self.shared.on_cpu:
            return one.nbytes
        if self._gradient_bytes is None:  # of all rules the same
            self._gradient_bytes = gradient_bytes(self.shared, one)
        return 2 * one.nbytes + self._gradient_bytes

    def _begun(self, config: Config) -> State:
        return begin(self.shared.task, Population.of([config]), self.shared.draw)


def _cut(places: Sequence[int], count: int) -> list[Sequence[int]]:
    """Return places in so many groups of about the same size."""
    bounds = [i * len(places) // max(1, count) for i in range(count + 1)]
    return [places[a:b] for a, b in pairwise(bounds)]
