"""A study while it runs: its programs, its trials' states, its file, what is left of its budget.

Who searches changes the study through the methods here alone.
"""

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from steepest import budget as budgets
from steepest import storage
from steepest.budget import Budget, OutOfTime
from steepest.checkpoints import Checkpoints, checkpoint_seconds
from steepest.engines.protocol import IN_TURN, SIDE_BY_SIDE, Engine, Program
from steepest.errors import TaskError
from steepest.records import Config, Outcome, Stage, StudyRecord
from steepest.search.ahead import Ahead
from steepest.search.price import price
from steepest.search.replay import Replay
from steepest.search.runner import (
    FAILURES,
    Key,
    Running,
    Training,
    Watch,
    program_key,
    recover,
    start_trials,
    train_trials,
    with_kinds,
)
from steepest.signals import Stop
from steepest.workers.local import Pace

log = logging.getLogger(__name__)

ENOUGH = 2.0  # seconds of training from which on its price can be told
OFTEN = 1.0  # seconds after which members are handed over where a deadline may stop them any time
SHARE = 0.01  # of the time that writing checkpoints may take; where it takes longer, they wait
STATES = "states"  # the directory beside the study file


@dataclass
class Session:
    """What the stages of a search share. Every `write` is one transaction of the study file.

    While all that is asked for is known from before, nothing is written: the file knows more.
    """

    engine: Engine
    _study: StudyRecord
    path: Path
    watch: Watch
    stop: Stop
    replay: Replay = field(default_factory=Replay)
    budget: Budget = field(default_factory=lambda: Budget(0))
    started: float = field(default_factory=lambda: budgets.clock())
    programs: dict[Key, Program] = field(default_factory=dict)
    prepared: float = 0.0  # seconds of compiling by the clock, as several compile at a time
    compiled: float = 0.0  # the programs' own seconds when they were prepared
    numbered: int = 0  # trials started
    # When the call that trains now began, and the epochs that were spent by then.
    began: tuple[float, int] = (0.0, 0)
    priced: bool = False  # whether the price of the study was told
    share: float | None = None  # of the time that is left, in which this stage has to end
    checkpoints: Checkpoints = field(init=False)
    ahead: Ahead = field(init=False)
    live: bool = field(init=False)  # whether there is something that the file does not know

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.engine.memory // 2, self.path.parent / STATES)
        self.ahead, self.live = Ahead(self.checkpoints), self.replay.study is None
        self.interval = checkpoint_seconds()
        self.kept = budgets.clock()
        if self.replay.study is not None:
            self.started -= self.replay.study.seconds
            self.prepared = self.replay.study.compile_seconds

    @property
    def study(self) -> StudyRecord:
        """The study as it stands."""
        return self._study

    def note(self, **facts: Any) -> None:
        """Note facts of the study's record by name; the next `write` writes them down."""
        self._study = replace(self._study, **facts)

    def prepare(self, configs: Iterable[Config], epochs: int = 0) -> None:
        """Compile what `configs` need and is not compiled yet."""
        new = {program_key(config): config for config in configs}
        new = {key: config for key, config in new.items() if key not in self.programs}
        if new:
            before, grown = budgets.clock(), self._compiled() - self.compiled
            done = itertools.count(1)

            def ready() -> None:
                count = next(done)
                if count < len(new):
                    self.watch(f"compiling: {count} of {len(new)} programs are ready", self.budget)

            self.programs.update(self.engine.prepare(new, epochs, ready))
            took = budgets.clock() - before
            self.prepared += took
            self.compiled = self._compiled() - grown
            log.info("%d programs are ready, in %.1f s", len(new), took)
            if self.share is not None:  # what compiling took was no stage's own
                self.allow(self.share)

    def program(self, config: Config) -> Program:
        """Return the program that trains `config`, compiled."""
        self.prepare([config])
        return self.programs[program_key(config)]

    def note_lockstep(self) -> None:
        """Note how members train, which may have been chosen by measuring: it decides last bits."""
        if self.engine.lockstep is not None:
            how = SIDE_BY_SIDE if self.engine.lockstep else IN_TURN
            self.note(hardware={**self.study.hardware, "members": how})

    def _compiled(self) -> float:
        return sum(program.compile_seconds for program in self.programs.values())

    def start(self, stage: Stage, configs: Mapping[str, Sequence[Config]]) -> list[Running]:
        """Return new trials, untrained.

        Raises:
            StudyFileError: in the study that goes on, others were started here.
        """
        running = start_trials(configs, stage, first=self.numbered)
        self.numbered += len(running)
        for one in running:
            self.replay.check(one.trial)
        return running

    def train(self, running: list[Running], epochs: int | None = None) -> None:
        """Train trials as far as they are to go, and tell them; what is known before is taken.

        Args:
            running: the trials.
            epochs: up to which all of them are to go, if it is not said of each.

        Raises:
            OutOfTime: the deadline is over; what was trained until then is told all the same.
            Stopped: somebody asked to stop; alike.
            TaskError: no trial can be trained at all.
        """
        before = [one.trial.epochs for one in running]
        for one in running:
            one.until = one.until if epochs is None else epochs
            one.trial = self.replay.upto(one.trial, one.until)
            self.ahead.give(one)
        left = [one for one in running if _to_train(one)]
        # What was known is charged as it was then.
        ends = [one.trial.epochs if _to_train(one) else one.until for one in running]
        self.budget.spent += sum(one.trial.epochs for one in running) - sum(before)
        self.budget.left = max(0, self.budget.left - sum(ends) + sum(before))
        try:
            if left:
                self._train(left)
        finally:
            self.write(running)
        self.stop.check()

    def _train(self, left: list[Running]) -> None:
        if not self.live and self.replay.cut_before(self.numbered):
            raise OutOfTime
        self.go_live(left)
        self.budget.check()
        self.prepare(one.trial.config for one in (*left, *self.ahead.running))
        self.budget.check()
        training = self._training()
        recover(training, left)
        self.began = budgets.clock(), self.budget.spent
        train_trials(training, left, self.ahead.jobs(training))
        if any(map(_to_train, left)) and not self.stop.asked:
            raise OutOfTime

    def _training(self, limited: bool = True) -> Training:
        def progress(planned: int, spent: int) -> None:
            self.budget.charge(planned, spent)
            if not self.priced:
                self._tell_price()
            self.watch("", self.budget)

        pace = Pace(self._due, lambda: bool(self.stop.asked))
        if limited and self.budget.deadline is not None:
            pace = replace(pace, over=self.budget.over, often=OFTEN)
        return Training(self.engine, self.programs, self.checkpoints, pace, progress, self._noted)

    def _tell_price(self) -> None:
        """Tell what the study will cost, as soon as the first epochs were trained."""
        since, spent = self.began
        epochs, took = self.budget.spent - spent, budgets.clock() - since
        if epochs > 0 and took > ENOUGH:
            self.priced = True
            seconds = took / epochs * self.study.task.epochs
            self.budget.price = price(self.study, seconds)

    def _due(self) -> bool:
        return budgets.clock() - self.kept > self.interval

    def _noted(self, running: list[Running]) -> None:
        """Hear of trials that have got further; write them down, if it is time."""
        failed = [one.trial for one in running if one.trial.outcome is Outcome.FAILED]
        known = {t.number: t for t in (*self.study.trials, *(one.trial for one in running))}
        trials = tuple(known[n] for n in sorted(known))
        self.note(trials=trials, trained_on=with_kinds(self.study.trained_on, running))
        if failed and not any(trial.epochs for trial in trials):
            reasons = [trial.reason for trial in trials if trial.outcome is Outcome.FAILED]
            if len(reasons) >= min(FAILURES, self.numbered):
                raise TaskError(f"no trial can be trained: {reasons[0]}")
        if self._due():
            self.write(Running(trial) for trial in trials)
            self.keep()

    def keep(self) -> None:
        """Put the states of trials on the disk; the study file knows of their epochs already."""
        began = budgets.clock()
        try:
            self.checkpoints.keep()
        except OSError as error:
            log.warning(
                "states of trials cannot be kept in %s (%s); the study goes on, but after a kill "
                "they would be trained again from their start; make room there",
                self.checkpoints.directory,
                error.strerror,
            )
        self.kept = budgets.clock()
        self.interval = max(checkpoint_seconds(), (self.kept - began) / SHARE)
        log.debug("states were kept in %.3f s", self.kept - began)

    def go_live(self, running: Iterable[Running] = ()) -> None:
        """From here on something is new: write down all that is known, as it is seen from here."""
        if not self.live:
            self.live = True
            self.write([*map(Running, self.study.trials), *running], anew=self.replay.by_content)

    def recover(self, running: list[Running]) -> None:
        """Bring back the states of trials that were trained before, to measure them, whatever the
        time: these trials are done."""
        if running:
            self.go_live(running)
            self.prepare(one.trial.config for one in running)
            recover(self._training(limited=False), running)
            self.stop.check()

    def allow(self, share: float) -> None:
        """Set the deadline at a share of the time that is left of what was given, if it was."""
        self.share, left = share, self.time_left()
        if left is not None:
            self.budget.deadline = budgets.clock() + share * left

    def time_left(self) -> float | None:
        """Return the seconds that are left of what was given; None without a limit."""
        limit = self.study.settings.seconds
        return None if limit is None else self.started + limit - budgets.clock()

    def cut(self, why: str) -> None:
        """Note what cut the study short; the next `write` writes it down."""
        self.note(stopped=why)

    def write(
        self,
        running: Iterable[Running],
        finished: bool | None = None,
        complete: bool = False,
        anew: bool = False,
    ) -> None:
        """Write trials into the study file; `finished` is said once, when there is a verdict, and
        `complete` when nothing is left to do. `anew` leaves nothing of what the file had."""
        trials = [one.trial for one in running]
        known = {trial.number: trial for trial in (*self.study.trials, *trials)}
        self.note(
            trials=tuple(known[number] for number in sorted(known)),
            seconds=budgets.clock() - self.started,
            # What had to be compiled while trials were trained comes on top.
            compile_seconds=self.prepared + self._compiled() - self.compiled,
            finished=self.study.finished if finished is None else finished,
            complete=complete,
        )
        if self.live:
            storage.record(self.path, self.study, trials, anew)


def _to_train(one: Running) -> bool:
    return one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs < one.until
