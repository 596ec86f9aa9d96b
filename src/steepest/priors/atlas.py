"""The atlas: what was measured of optimizers on many small tasks, as shipped with the package.

`atlas.json` is made by `python -m benchmarks.atlas build` from all trainings, which are kept
elsewhere. An excess is by what share a loss of validation lies above the lowest that is known of
the task.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float64

from steepest.spaces import Value

FORMAT = 1
WORST = 9.999  # the highest excess that is kept; also where training diverged
MILLI = 1000  # excesses are kept as whole thousandths


@dataclass(frozen=True)
class AtlasTask:
    """One task of the atlas. Tasks that one number tells apart are a series."""

    name: str
    family: str
    what: str
    series: str
    kind: str  # of the model: one of KINDS in `likeness.py`
    goal: str  # one of GOALS there
    parameters: int
    examples: int  # to train
    batch_size: int
    steps: int
    best: float  # the lowest loss of validation that is known


@dataclass(frozen=True)
class Measured:
    """One optimizer's configurations with a constant rate: the framework's default comes first.

    A configuration has what differs from Keras' defaults, and its learning rate. `excess` is
    `[configs, tasks]`, NaN where it was not trained.
    """

    configs: tuple[Mapping[str, Value], ...]
    excess: Float64[np.ndarray, "configs tasks"]


@dataclass(frozen=True)
class Atlas:
    """All of it: tasks, optimizers, and figures that were computed from the trainings."""

    version: int
    tasks: tuple[AtlasTask, ...]
    optimizers: Mapping[str, Measured]
    figures: Mapping[str, Any]

    @cached_property
    def series_weights(self) -> Float64[np.ndarray, " tasks"]:
        """What each task counts, so that a series counts as one task."""
        every = [task.series for task in self.tasks]
        return np.array([1 / every.count(one) for one in every])


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """Return the atlas that comes with this version."""
    text = files("steepest.priors").joinpath("atlas.json").read_text(encoding="utf-8")
    return from_json(json.loads(text))


def from_json(found: Mapping[str, Any]) -> Atlas:
    """Return an atlas from what `to_json` made."""
    return Atlas(
        found["version"],
        tuple(AtlasTask(**task) for task in found["tasks"]),
        {
            name: Measured(
                tuple(one["configs"]),
                np.array(
                    [[math.nan if v is None else v / MILLI for v in row] for row in one["excess"]]
                ),
            )
            for name, one in found["optimizers"].items()
        },
        found["figures"],
    )


def to_json(atlas: Atlas) -> dict[str, Any]:
    """Return an atlas as plain values; excesses as whole thousandths, None where not trained."""
    return {
        "format": FORMAT,
        "version": atlas.version,
        "tasks": [vars(task) for task in atlas.tasks],
        "optimizers": {
            name: {"configs": list(one.configs), "excess": [_row(row) for row in one.excess]}
            for name, one in atlas.optimizers.items()
        },
        "figures": dict(atlas.figures),
    }


def _row(row: Float64[np.ndarray, " tasks"]) -> list[int | None]:
    return [
        None if math.isnan(value) else round(MILLI * min(max(float(value), 0.0), WORST))
        for value in row
    ]
