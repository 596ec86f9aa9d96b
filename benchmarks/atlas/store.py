"""What was trained: a compressed file of NumPy arrays a task, written anew after each piece.

`keys` are configurations without their seeds, as JSON; `config` and `seed` are of each training.
`loss` is of validation after the last epoch (infinite where it diverged), `training` the mean of
the last epoch's batches, `accuracy` NaN where there is none. `curve` has validation losses of all
epochs, `[trainings, epochs]`, as half-precision logarithms: exact to a thousandth.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from steepest.records import Config

DATA = Path(__file__).parent / "data"
FORMAT = 1


@dataclass
class Run:
    """One training to the end: its configuration with a seed, and what came of it."""

    config: Config
    loss: float
    training: float
    accuracy: float
    curve: Any  # of validation losses, an epoch each
    seconds: float  # of one core, a share of what trained together

    @cached_property
    def key(self) -> tuple[str, int]:
        return key_of(self.config), self.config.seed


@dataclass
class TaskRuns:
    """All trainings of a task, and what is known of it."""

    name: str
    facts: dict[str, Any]
    runs: dict[tuple[str, int], Run] = field(default_factory=dict)

    def of(self, rule: str) -> list[Run]:
        """Return the trainings of an optimizer."""
        return [run for run in self.runs.values() if run.config.rule == rule]

    def add(self, runs: Iterable[Run]) -> None:
        """Keep more trainings."""
        self.runs.update({run.key: run for run in runs})


def key_of(config: Config) -> str:
    """Return what a configuration is but for its seed, as text."""
    values = dict(sorted(config.hyperparameters.items()))
    return json.dumps([config.rule, config.schedule, values], separators=(",", ":"))


def config_of(key: str, seed: int) -> Config:
    """Return the configuration that `key_of` wrote down, with a seed."""
    rule, schedule, values = json.loads(key)
    return Config(rule, "keras", values, schedule, seed)


def place(name: str, folder: Path = DATA) -> Path:
    """Return the file of a task."""
    return folder / f"{name}.npz"


def save(one: TaskRuns, folder: Path = DATA) -> None:
    """Write a task's file; who reads it meanwhile reads the old one."""
    runs = list(one.runs.values())
    keys = list(dict.fromkeys(key_of(run.config) for run in runs))
    at = {key: i for i, key in enumerate(keys)}
    arrays: Mapping[str, Any] = {
        "facts": _text({"format": FORMAT, **one.facts}),
        "keys": _text(keys),
        "config": np.array([at[key_of(run.config)] for run in runs], np.uint16),
        "seed": np.array([run.config.seed for run in runs], np.uint8),
        "loss": np.array([run.loss for run in runs], np.float32),
        "training": np.array([run.training for run in runs], np.float16),
        "accuracy": np.array([run.accuracy for run in runs], np.float16),
        "seconds": np.array([run.seconds for run in runs], np.float16),
        "curve": _logarithms(np.array([run.curve for run in runs], np.float32)),
    }
    folder.mkdir(parents=True, exist_ok=True)
    file, new = place(one.name, folder), folder / f".{one.name}.new.npz"
    np.savez_compressed(new, **arrays)
    os.replace(new, file)


def load(name: str, folder: Path = DATA) -> TaskRuns | None:
    """Return what was trained of a task, or None."""
    file = place(name, folder)
    if not file.is_file():
        return None
    with np.load(file) as kept:
        found = {key: kept[key] for key in kept.files}
    facts, keys = (json.loads(bytes(found[key]).decode()) for key in ("facts", "keys"))
    one = TaskRuns(name, facts)
    curves = np.exp(found["curve"].astype(np.float32))
    for i, (config, seed) in enumerate(zip(found["config"], found["seed"], strict=True)):
        numbers = (float(found[n][i]) for n in ("loss", "training", "accuracy"))
        seconds = float(found["seconds"][i])
        one.add([Run(config_of(keys[config], int(seed)), *numbers, curves[i], seconds)])
    return one


def _text(value: Any) -> Any:
    return np.frombuffer(json.dumps(value, separators=(",", ":")).encode(), np.uint8)


def _logarithms(curves: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(curves)
    return np.where(np.isnan(found), np.inf, found).astype(np.float16)
