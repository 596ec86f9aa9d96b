"""Where the benchmark touches the engine: any trainings of one task, all in one population, kept.

A configuration with its seed always trains alike, and a shorter training is the beginning of a
longer one where the schedule is constant. So each is trained once, and its curve is kept in a file:
to search again, or to search in another way, costs only what nobody has trained before.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts.spaces import from_key, to_key
from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.search.runner import program_key
from steepest.workers.local import Job, train

TOGETHER = 400  # trainings after which their curves are written
SHORT = 0.25  # of a full training: what is shorter is not trained to the end to be kept

Curve = tuple[float, ...]  # of validation losses, an epoch each; infinite once diverged


@dataclass
class Run:
    """A training, up to the epoch where it shall stop. `losses` are of validation."""

    config: Config
    stop: int  # epochs
    losses: Curve = ()

    @property
    def value(self) -> float:
        """The loss after the last epoch, infinite when there is none or it diverged."""
        if len(self.losses) < self.stop or not np.isfinite(self.losses[-1]):
            return float("inf")
        return self.losses[-1]


class Remembering:
    """An engine that compiles a program once, however many studies ask for it."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.programs: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def prepare(self, configs: Mapping[Any, Config], epochs: int = 0) -> dict[Any, Any]:
        """Return a program for each key, compiled unless it was asked for before."""
        missing = {key: one for key, one in configs.items() if key not in self.programs}
        if missing:  # without epochs, so that the way members train does not depend on the clock
            self.programs |= self.engine.prepare(missing)
        return {key: self.programs[key] for key in configs}


class Curves:
    """The curves of a task that were ever trained, in a SQLite file that processes may share."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = sqlite3.connect(file, timeout=60, check_same_thread=False)
        self.file.execute(
            "CREATE TABLE IF NOT EXISTS curves (key TEXT, seed INTEGER, curve BLOB, "
            "PRIMARY KEY (key, seed)) WITHOUT ROWID"
        )
        self.known: dict[tuple[str, int], Curve] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read what is in the file."""
        for key, seed, curve in self.file.execute("SELECT key, seed, curve FROM curves"):
            self.known[key, seed] = tuple(np.frombuffer(curve, np.float32).tolist())

    def add(self, found: Mapping[tuple[str, int], Curve]) -> None:
        """Keep curves, longer ones in the place of shorter ones."""
        self.known.update(found)
        rows = [(*pair, np.array(curve, np.float32).tobytes()) for pair, curve in found.items()]
        with self.file:
            self.file.executemany("INSERT OR REPLACE INTO curves VALUES (?, ?, ?)", rows)


class Trainer:
    """Trains runs of one task, those of a program and a number of epochs together."""

    def __init__(self, task: Any, folder: Path, workers: int | None = None) -> None:
        self.facts = task.facts
        self.engine = Remembering(make_engine(task))
        self.workers = workers or self.engine.workers
        self.epochs = task.facts.epochs
        self.curves = Curves(folder / "curves.sqlite")
        self.trained = 0  # epochs, in all, in this process
        self.seconds = 0.0  # that training took
        self._lock = threading.Lock()

    def advance(self, runs: Sequence[Run]) -> None:
        """Give each run its losses up to its `stop`: trained, unless they are known."""
        missing: dict[tuple[str, int], int] = {}
        for run in runs:
            pair = to_key(run.config), run.config.seed
            if len(self.curves.known.get(pair, ())) < run.stop:
                stop = run.stop if run.stop <= SHORT * self.epochs else self.epochs
                missing[pair] = max(stop, missing.get(pair, 0))
        wanted, began = list(missing.items()), time.perf_counter()
        for first in range(0, len(wanted), TOGETHER):
            self.curves.add(self._train(dict(wanted[first : first + TOGETHER])))
        self.seconds += time.perf_counter() - began if wanted else 0.0
        for run in runs:
            run.losses = self.curves.known[to_key(run.config), run.config.seed][: run.stop]

    def finals(self, configs: Iterable[Config]) -> list[float]:
        """Train each config to the end; return the final losses, infinite where it diverged."""
        runs = [Run(config, self.epochs) for config in configs]
        self.advance(runs)
        return [run.value for run in runs]

    def _train(self, wanted: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], Curve]:
        groups: dict[Any, list[Config]] = {}
        for (key, seed), stop in wanted.items():
            config = from_key(key, seed)
            groups.setdefault((program_key(config), stop), []).append(config)
        programs = self.engine.prepare({key[0]: some[0] for key, some in groups.items()})
        found: dict[tuple[str, int], Curve] = {}
        jobs = [self._job(programs[key], some, stop, found) for (key, stop), some in groups.items()]
        train(jobs, self.workers, self._count)
        return found

    def _job(
        self, program: Any, some: list[Config], stop: int, found: dict[tuple[str, int], Curve]
    ) -> Job:
        population = Population.of(some)

        def begin(members: Sequence[int]) -> Any:
            return program.begin(population.take(members))

        def end(members: Sequence[int], state: Any, measured: Any) -> None:
            for i, member in enumerate(members):
                count = int(measured.trained[i])
                curve = [float(v) for v in measured.values["loss"][i, :count]]
                if not state.alive[i]:
                    curve = [v if np.isfinite(v) else np.inf for v in curve]
                    curve += [np.inf] * (stop - len(curve))
                    curve[-1] = np.inf
                with self._lock:
                    found[to_key(some[member]), some[member].seed] = tuple(curve)

        return Job(program, population, begin, end, stop)

    def _count(self, planned: int, trained: int) -> None:
        self.trained += trained
