"""Optimizers over a grid of learning rates, as populations of Steepest's engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.parse.contestant import contestants
from steepest.records import Config
from steepest.workers.local import Job, train

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Grid:
    """What came of one optimizer: learning curves `[rates, seeds, epochs]`, NaN once diverged."""

    rates: tuple[float, ...]
    curves: dict[str, Array] = field(default_factory=dict)

    def end(self, name: str = "loss") -> Array:
        """Return what was measured after the last epoch, `[rates, seeds]`."""
        return self.curves[name][:, :, -1]

    def best(self, seed: int = 0, name: str = "loss") -> tuple[float, float]:
        """Return the lowest value that a seed ended with, and the learning rate that gave it."""
        values = self.end(name)[:, seed]
        place = int(np.nanargmin(values))
        return float(values[place]), self.rates[place]

    def inside(self, seed: int = 0) -> bool:
        """Return whether the best learning rate is no end of the grid, so that none was missed."""
        return self.best(seed)[1] not in (self.rates[0], self.rates[-1])


def decades(low: float, high: float, each: int = 2) -> tuple[float, ...]:
    """Return so many learning rates a decade: log₁₀ of the first and of the last are given."""
    steps = round((high - low) * each)
    return tuple(float(10 ** (low + step / each)) for step in range(steps + 1))


def trained(
    task: Any,
    optimizers: Mapping[str, Sequence[float]],
    seeds: Sequence[int] = (0,),
    *,
    schedule: str = "constant",
    recipe: Mapping[str, float] | None = None,
) -> dict[str, Grid]:
    """Train each optimizer from each seed with each learning rate, on all cores.

    `optimizers` maps names as `steepest compare` reads them, such as `SGD(momentum=0.9)`, to
    learning rates. What is not named is at Keras' default. Optimizers of one rule share a program.
    """
    populations: dict[str, list[Config]] = {}
    for name, rates in optimizers.items():
        (asked,) = contestants(name, 1, schedule=schedule, recipe=recipe)
        populations[name] = [
            asked.config({**asked.defaults(), "learning_rate": float(rate)}, seed)
            for rate in rates
            for seed in seeds
        ]
    engine, epochs = make_engine(task), task.facts.epochs
    programs = engine.prepare({configs[0].rule: configs[0] for configs in populations.values()})
    found = {name: Grid(tuple(rates)) for name, rates in optimizers.items()}

    def job(name: str, configs: list[Config]) -> Job:
        program, population = programs[configs[0].rule], Population.of(configs)
        curves: dict[str, Array] = {}

        def begin(members: Sequence[int]) -> Any:
            return program.begin(population.take(members))

        def end(members: Sequence[int], state: Any, measured: Any) -> None:
            for metric, values in measured.values.items():
                every = curves.setdefault(
                    metric, np.full((len(configs), task.facts.epochs), np.nan)
                )
                every[list(members)] = values
                shape = (len(found[name].rates), len(seeds), task.facts.epochs)
                found[name].curves[metric] = every.reshape(shape)

        return Job(program, population, begin, end, epochs)

    jobs = [job(name, configs) for name, configs in populations.items()]
    train(jobs, engine.workers, lambda planned, done: None)
    return found
