"""Population: configurations that train together, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64, Integer

from steepest.records import Config
from steepest.spaces import Value


@dataclass(frozen=True)
class Population:
    """Many configurations of one rule, dialect, schedule and choices, as arrays.

    What is compiled once, trained together and shipped to a worker. `numbers` maps each
    hyperparameter to its values.
    """

    rule: str
    dialect: str
    schedule: str
    choices: Mapping[str, Value]
    numbers: Mapping[str, Float64[np.ndarray, " members"]]
    seeds: Int64[np.ndarray, " members"]

    @classmethod
    def of(cls, configs: Sequence[Config]) -> "Population":
        """Stack `configs`, which must agree in all but numbers and seed."""
        first = configs[0]
        names = list(first.numbers)
        return cls(
            first.rule,
            first.dialect,
            first.schedule,
            first.choices,
            {n: np.array([c.numbers[n] for c in configs], np.float64) for n in names},
            np.array([c.seed for c in configs], np.int64),
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def config(self, member: int) -> Config:
        """Return the configuration of one member."""
        values = {**self.choices, **{n: float(a[member]) for n, a in self.numbers.items()}}
        return Config(self.rule, self.dialect, values, self.schedule, int(self.seeds[member]))

    def take(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> "Population":
        """Return the population of those members alone."""
        index = np.asarray(members, np.int64)
        numbers = {name: values[index] for name, values in self.numbers.items()}
        return replace(self, numbers=numbers, seeds=self.seeds[index])
