"""A study while it runs: its programs, its trials' states, its file, what is left of its budget."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from steepest import spaces, storage
from steepest.budget import Budget, OutOfTime
from steepest.engines.engine import Engine, Program
from steepest.engines.shelf import Shelf, checkpoint_seconds
from steepest.errors import TaskError
from steepest.records import Config, Outcome, Stage, Study
from steepest.search.ground import Ground
from steepest.search.past import Past
from steepest.search.trials import (
    FAILURES,
    Key,
    Running,
    Training,
    Watch,
    program_key,
    recover,
    start_trials,
    train_trials,
)
from steepest.stopping import Stop
from steepest.workers import Pace

log = logging.getLogger(__name__)


SHARE = 0.01  # of the time that keeping states may take; where it takes longer, they wait longer
SIDE_BY_SIDE, IN_TURN = "side by side", "one after another"
STATES = "states"  # the directory beside the study file


@dataclass
class Session:
    """What the stages of a search share. Every `tell` is one transaction of the study file.

    While all that is asked for is known from before, nothing is written: the file knows more.
    """

    engine: Engine
    study: Study
    path: Path
    watch: Watch
    stop: Stop
    past: Past = field(default_factory=Past)
    budget: Budget = field(default_factory=lambda: Budget(0))
    started: float = field(default_factory=time.perf_counter)
    programs: dict[Key, Program] = field(default_factory=dict)
    prepared: float = 0.0  # seconds of compiling by the clock, as several compile at a time
    compiled: float = 0.0  # the programs' own seconds when they were prepared
    numbered: int = 0  # trials started
    shelf: Shelf = field(init=False)
    live: bool = field(init=False)  # whether there is something that the file does not know

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.engine.memory // 2, self.path.parent / STATES)
        self.live = self.past.study is None
        self.interval = checkpoint_seconds()
        self.kept = time.perf_counter()
        if self.past.study is not None:
            self.started -= self.past.study.seconds
            self.prepared = self.past.study.compile_seconds

    def prepare(self, configs: Iterable[Config], epochs: int = 0) -> None:
        """Compile what `configs` need and is not compiled yet."""
        new = {program_key(config): config for config in configs}
        new = {key: config for key, config in new.items() if key not in self.programs}
        if new:
            before, grown = time.perf_counter(), self._compiled() - self.compiled
            self.programs.update(self.engine.prepare(new, epochs))
            self.prepared += time.perf_counter() - before
            self.compiled = self._compiled() - grown
            log.info("%d programs are ready, in %.1f s", len(new), time.perf_counter() - before)

    def chose(self) -> None:
        """Note how members train, which may have been chosen by measuring: it decides last bits."""
        if self.engine.lockstep is not None:
            how = SIDE_BY_SIDE if self.engine.lockstep else IN_TURN
            hardware = {**self.study.hardware, "members": how}
            self.study = replace(self.study, hardware=hardware)

    def _compiled(self) -> float:
        return sum(program.compile_seconds for program in self.programs.values())

    def start(self, stage: Stage, configs: Mapping[str, Sequence[Config]]) -> list[Running]:
        """Return new trials, untrained.

        Raises:
            StudyFileError: in the study that goes on, others were started here.
        """
        self.prepare(config for some in configs.values() for config in some)
        running = start_trials(configs, stage, first=self.numbered)
        self.numbered += len(running)
        for one in running:
            self.past.check(one.trial)
        return running

    def train(self, running: list[Running], epochs: int) -> None:
        """Train trials up to an epoch, and tell them; what is known from before is taken.

        Raises:
            OutOfTime: the deadline is over; what was trained until then is told all the same.
            Stopped: somebody asked to stop; alike.
            TaskError: no trial can be trained at all.
        """
        before = [one.trial.epochs for one in running]
        for one in running:
            one.trial = self.past.upto(one.trial, epochs)
        left = [
            one
            for one in running
            if one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs < epochs
        ]
        # What was known is charged as it was then.
        ends = [one.trial.epochs if one in left else epochs for one in running]
        self.budget.spent += sum(one.trial.epochs for one in running) - sum(before)
        self.budget.left = max(0, self.budget.left - sum(ends) + sum(before))
        try:
            if left:
                self._train(left, epochs)
        finally:
            self.tell(running)
        self.stop.check()

    def _train(self, left: list[Running], epochs: int) -> None:
        if not self.live and self.past.cut_before(self.numbered):
            raise OutOfTime
        self.go_live(left)
        self.budget.check()
        training = self._training()
        recover(training, left)
        train_trials(training, left, epochs)

    def _training(self) -> Training:
        def progress(planned: int, spent: int) -> None:
            self.budget.charge(planned, spent)
            self.watch("", self.budget)

        pace = Pace(self._due, lambda: bool(self.stop.asked))
        return Training(self.engine, self.programs, self.shelf, pace, progress, self._noted)

    def _due(self) -> bool:
        return time.perf_counter() - self.kept > self.interval

    def _noted(self, running: list[Running]) -> None:
        """Hear of trials that have got further; write them down, if it is time."""
        failed = [one.trial for one in running if one.trial.outcome is Outcome.FAILED]
        known = {trial.number: trial for trial in self.study.trials}
        known.update({one.trial.number: one.trial for one in running})
        self.study = replace(self.study, trials=tuple(known[n] for n in sorted(known)))
        trials = self.study.trials
        if failed and not any(trial.epochs for trial in trials):
            reasons = [trial.reason for trial in trials if trial.outcome is Outcome.FAILED]
            if len(reasons) >= min(FAILURES, self.numbered):
                raise TaskError(f"no trial can be trained: {reasons[0]}")
        if self._due():
            self.tell(Running(trial) for trial in trials)
            self.keep()

    def keep(self) -> None:
        """Put the states of trials on the disk; the study file knows of their epochs already."""
        began = time.perf_counter()
        try:
            self.shelf.keep()
        except OSError as error:
            log.warning(
                "states of trials cannot be kept in %s (%s); the study goes on, but after a kill "
                "they would be trained again from their start; make room there",
                self.shelf.directory,
                error.strerror,
            )
        self.kept = time.perf_counter()
        self.interval = max(checkpoint_seconds(), (self.kept - began) / SHARE)
        log.debug("states were kept in %.3f s", self.kept - began)

    def go_live(self, running: Iterable[Running] = ()) -> None:
        """From here on something is new: write down all that is known, as it is seen from here."""
        if not self.live:
            self.live = True
            self.tell([*(Running(trial) for trial in self.study.trials), *running])

    def recover(self, running: list[Running]) -> None:
        """Have the states of trials that were trained before, to measure them."""
        if running:
            self.go_live(running)
            recover(self._training(), running)
            self.stop.check()

    def allow(self, share: float) -> None:
        """Set the deadline at a share of the time that is left of what was given, if it was."""
        if self.study.settings.seconds is not None:
            end, now = self.started + self.study.settings.seconds, time.perf_counter()
            self.budget.deadline = now + share * (end - now)

    def cut(self, why: str) -> None:
        """Note what cut the study short; the next `tell` writes it down."""
        self.study = replace(self.study, stopped=why)

    def grow(self, grounds: Mapping[str, Ground]) -> None:
        """Note the ranges that grew; the next `tell` writes them down."""
        for name, ground in grounds.items():
            if ground.space != dict(ground.contestant.space):
                grown = {key: spaces.to_dict(space) for key, space in ground.space.items()}
                self.note(name, expanded=grown)

    def note(self, optimizer: str, **facts: Any) -> None:
        """Note something of an optimizer; the next `tell` writes it down."""
        optimizers = dict(self.study.optimizers)
        optimizers[optimizer] = {**optimizers[optimizer], **facts}
        self.study = replace(self.study, optimizers=optimizers)

    def tell(
        self, running: Iterable[Running], finished: bool | None = None, complete: bool = False
    ) -> None:
        """Write trials into the study file; `finished` is said once, when there is a verdict, and
        `complete` when nothing is left to do."""
        trials = [one.trial for one in running]
        known = {trial.number: trial for trial in (*self.study.trials, *trials)}
        self.study = replace(
            self.study,
            trials=tuple(known[number] for number in sorted(known)),
            seconds=time.perf_counter() - self.started,
            # What had to be compiled while trials were trained comes on top.
            compile_seconds=self.prepared + self._compiled() - self.compiled,
            finished=self.study.finished if finished is None else finished,
            complete=complete,
        )
        if self.live:
            storage.record(self.path, self.study, trials)
