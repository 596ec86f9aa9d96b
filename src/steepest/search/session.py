"""A study while it runs: its programs, its trials' states, its file, what is left of its budget."""

import importlib.metadata
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steepest import spaces, storage
from steepest.budget import Budget
from steepest.engines.cores import cores
from steepest.engines.engine import Engine, Program
from steepest.engines.shelf import Shelf
from steepest.records import Config, Settings, Stage, Study
from steepest.rules.contestant import Contestant, notes
from steepest.search.ground import Ground
from steepest.search.trials import Key, Running, Watch, program_key, start_trials, train_trials


@dataclass
class Session:
    """What the stages of a search share. Every `tell` is one transaction of the study file."""

    engine: Engine
    study: Study
    path: Path
    watch: Watch
    budget: Budget = field(default_factory=lambda: Budget(0))
    started: float = field(default_factory=time.perf_counter)
    programs: dict[Key, Program] = field(default_factory=dict)
    prepared: float = 0.0  # seconds of compiling by the clock, as several compile at a time
    compiled: float = 0.0  # the programs' own seconds when they were prepared
    numbered: int = 0  # trials started
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.engine.memory // 2)

    def prepare(self, configs: Iterable[Config], epochs: int = 0) -> None:
        """Compile what `configs` need and is not compiled yet."""
        new = {program_key(config): config for config in configs}
        new = {key: config for key, config in new.items() if key not in self.programs}
        if new:
            before, grown = time.perf_counter(), self._compiled() - self.compiled
            self.programs.update(self.engine.prepare(new, epochs))
            self.prepared += time.perf_counter() - before
            self.compiled = self._compiled() - grown

    def _compiled(self) -> float:
        return sum(program.compile_seconds for program in self.programs.values())

    def start(self, stage: Stage, configs: Mapping[str, Sequence[Config]]) -> list[Running]:
        """Return new trials, untrained."""
        self.prepare(config for some in configs.values() for config in some)
        running = start_trials(configs, stage, first=self.numbered)
        self.numbered += len(running)
        return running

    def train(self, running: list[Running], epochs: int) -> None:
        """Train trials up to an epoch, and tell them.

        Raises:
            OutOfTime: the deadline is over; what was trained until then is told all the same.
        """
        try:
            self.budget.check()
            train_trials(
                self.engine, self.programs, self.shelf, running, epochs, self.budget, self.watch
            )
        finally:
            self.tell(running)

    def allow(self, share: float) -> None:
        """Set the deadline at a share of the time that is left of what was given, if it was."""
        if self.study.settings.seconds is not None:
            end, now = self.started + self.study.settings.seconds, time.perf_counter()
            self.budget.deadline = now + share * (end - now)

    def stop(self, why: str) -> None:
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

    def tell(self, running: Iterable[Running], finished: bool | None = None) -> None:
        """Write trials into the study file; `finished` is said once, when there is a verdict."""
        trials = [one.trial for one in running]
        known = {trial.number: trial for trial in (*self.study.trials, *trials)}
        self.study = replace(
            self.study,
            trials=tuple(known[number] for number in sorted(known)),
            seconds=time.perf_counter() - self.started,
            # What had to be compiled while trials were trained comes on top.
            compile_seconds=self.prepared + self._compiled() - self.compiled,
            finished=self.study.finished if finished is None else finished,
        )
        storage.record(self.path, self.study, trials)


def new_study(engine: Engine, contestants: Sequence[Contestant], settings: Settings) -> Study:
    """Return a study without trials: what is asked, of what, with what, on what."""
    packages = ("steepest", *engine.packages, "numpy", "scipy", "scikit-learn")
    hardware: dict[str, str] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": str(cores()),
        "device": engine.device,
    }
    optimizers: dict[str, dict[str, Any]] = {
        contestant.name: {
            "rule": contestant.rule,
            "dialect": contestant.dialect,
            "schedule": contestant.schedule,
            "baseline": contestant.baseline,
            "notes": notes(contestant, engine.facts.weights),
            "fixed": dict(contestant.fixed),
            "space": {name: spaces.to_dict(space) for name, space in contestant.space.items()},
            "given": list(contestant.given),
            "effective": Ground(contestant).effective,
        }
        for contestant in contestants
    }
    return Study(
        task=engine.facts,
        settings=settings,
        optimizers=optimizers,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        hardware=hardware,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
