"""Where the benchmark touches the engine: any trainings of one task, all in one population."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.engines import make_engine
from steepest.records import Config, Population
from steepest.search.trials import program_key
from steepest.workers import Job, train


@dataclass
class Run:
    """A training, as far as it has got and how far it shall go. `losses` are of validation."""

    config: Config
    stop: int  # epochs
    state: Any = None
    losses: tuple[float, ...] = ()

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


class Trainer:
    """Trains runs of one task, those of a program and a number of epochs together."""

    def __init__(self, task: Any) -> None:
        self.facts = task.facts
        self.engine = Remembering(make_engine(task))
        self.epochs = task.facts.epochs
        self.trained = 0  # epochs, in all

    def advance(self, runs: Sequence[Run]) -> None:
        """Train each run up to its `stop`. What diverged stays where it is."""
        groups: dict[Any, list[Run]] = {}
        for run in runs:
            key = program_key(run.config), len(run.losses), run.stop
            groups.setdefault(key, []).append(run)
        programs = self.engine.prepare({key[0]: some[0].config for key, some in groups.items()})
        jobs = [_job(programs[key[0]], some) for key, some in groups.items()]
        train(jobs, self.engine.workers, self._count)

    def _count(self, planned: int, trained: int) -> None:
        self.trained += trained

    def finals(self, configs: Iterable[Config]) -> list[float]:
        """Train each config to the end; return the final losses, infinite where it diverged."""
        runs = [Run(config, self.epochs) for config in configs]
        self.advance(runs)
        return [run.value for run in runs]


def _job(program: Any, group: list[Run]) -> Job:
    population = Population.of([run.config for run in group])

    def begin(members: Sequence[int]) -> Any:
        if group[members[0]].state is None:
            return program.begin(population.take(members))
        return type(group[members[0]].state).join([group[member].state for member in members])

    def end(members: Sequence[int], state: Any, measured: Any) -> None:
        for i, member in enumerate(members):
            run, count = group[member], int(measured.trained[i])
            run.losses += tuple(float(v) for v in measured.values["loss"][i, :count])
            run.state = state.take([i])
            if not state.alive[i]:
                run.losses += (float("inf"),) * (run.stop - len(run.losses))

    return Job(program, population, begin, end, group[0].stop)
