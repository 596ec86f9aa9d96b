"""An engine for whole studies whose trainings are looked up, where they were trained before.

A study cannot tell it from the engine beneath: the same curves come out, and each training is said
to take the seconds that were measured once, so that a budget of seconds buys the same trainings
however often, and beside whatever, the benchmark is run. There are no weights, so nothing can be
measured after training.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.verdicts.training import Run, Trainer
from steepest.engines.population import Population
from steepest.engines.protocol import Tell, silent, unheard
from steepest.engines.state import Advance, State
from steepest.records import Config


class ReplayedEngine:
    """The engine of a trainer's task. `clock` has seconds of "compile" and of a "training"."""

    workers = 1

    def __init__(self, trainer: Trainer, clock: Mapping[str, float]) -> None:
        self.trainer, self.clock = trainer, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trainer.engine, name)

    @property
    def sets(self) -> Mapping[str, Any]:
        """Nothing, as there are no weights to measure."""
        return {}

    def prepare(
        self, configs: Mapping[Any, Config], epochs: int = 0, ready: Callable[[], None] = unheard
    ) -> dict[Any, Any]:
        """Return a program for each key."""
        an_epoch = self.clock["training"] / self.trainer.epochs
        return {key: Replayed(self.trainer, an_epoch) for key in configs}


@dataclass
class Replayed:
    """A program that looks up what it would train."""

    trainer: Trainer
    epoch_seconds: float
    capacity: int = 10**6
    places: int = 1  # no accelerator: no seed comes for nothing beside another
    whole: bool = True
    compile_seconds: float = 0.0
    together: None = None

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population, without weights."""
        count = len(population)
        zero = np.zeros(count, np.int32)
        return State([], {}, [], zero, zero.copy(), np.ones(count, bool))

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Return what the engine beneath would, in `epoch_seconds` an epoch."""
        runs = [Run(population.config(i), stop) for i in range(len(population))]
        self.trainer.advance(runs)
        start = int(state.epoch[state.alive].min()) if state.alive.any() else stop
        curves = np.full((len(runs), max(0, stop - start)), np.nan, np.float32)
        epoch, alive = state.epoch.copy(), state.alive.copy()
        for i, run in enumerate(runs):
            if not state.alive[i]:
                continue
            losses = np.array(run.losses, np.float32)
            lost = np.flatnonzero(~np.isfinite(losses))
            epoch[i] = int(lost[0]) + 1 if len(lost) else stop
            alive[i] = not len(lost)
            before = int(state.epoch[i])
            curves[i, before - start : epoch[i] - start] = losses[before : epoch[i]]
        trained = epoch - state.epoch
        steps = state.step + trained * self.trainer.facts.steps_per_epoch
        seconds = float(trained.sum()) * self.epoch_seconds
        after = State([], {}, [], steps.astype(np.int32), epoch, alive)
        values = {"training_loss": curves, "loss": curves}
        return after, Advance(values, trained, seconds)

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return nothing."""
        return [{} for _ in range(len(population))]

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return nothing."""
        return ()
