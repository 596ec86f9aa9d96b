"""Truth: what a configuration is worth, its final validation loss on fixed fresh seeds, kept."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts.seeds import JUDGES, SETTLERS
from benchmarks.verdicts.spaces import from_key
from benchmarks.verdicts.training import Trainer

CONTENDERS = 8  # of each optimizer, best on the judges' seeds, that the settlers' seeds measure


def save(file: Path, data: Any) -> None:
    """Write JSON so that an interrupted write leaves the old file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(data))
    new.replace(file)


def load(file: Path) -> Any:
    """Return what `save` wrote, or an empty dictionary."""
    return json.loads(file.read_text()) if file.is_file() else {}


class Truth:
    """The losses of configurations of one task, by `spaces.to_key`, one for each seed."""

    def __init__(self, folder: Path, trainer: Trainer) -> None:
        self.file, self.trainer = folder / "truth.json", trainer
        self.known: dict[str, dict[str, float]] = load(self.file)

    def measure(self, keys: Iterable[str], seeds: Sequence[int] = JUDGES) -> None:
        """Train what is not known yet, some hundred configurations at a time."""
        missing = [
            key
            for key in dict.fromkeys(keys)
            if not all(str(seed) in self.known.get(key, {}) for seed in seeds)
        ]
        for first in range(0, len(missing), 300):
            some = missing[first : first + 300]
            pairs = [
                (key, seed)
                for key in some
                for seed in seeds
                if str(seed) not in self.known.get(key, {})
            ]
            losses = self.trainer.finals(from_key(key, seed) for key, seed in pairs)
            for (key, seed), loss in zip(pairs, losses, strict=True):
                self.known.setdefault(key, {})[str(seed)] = loss
            for key, losses in load(self.file).items():  # of another process, perhaps
                self.known[key] = {**losses, **self.known.get(key, {})}
            save(self.file, self.known)

    def losses(self, key: str, seeds: Sequence[int] = JUDGES) -> np.ndarray:
        """Return a measured configuration's losses, `[seeds]`."""
        return np.array([self.known[key][str(seed)] for seed in seeds])

    def mean(self, key: str, seeds: Sequence[int] = JUDGES) -> float:
        return float(self.losses(key, seeds).mean())

    def measured(self, optimizer: str, seeds: Sequence[int]) -> list[str]:
        """Return the optimizer's configurations that have all these seeds, best first."""
        found = [
            key
            for key, losses in self.known.items()
            if json.loads(key)[:2] == [optimizer, "constant"]
            and all(str(seed) in losses for seed in seeds)
        ]
        return sorted(found, key=lambda key: (self.mean(key, seeds), key))

    def settle(self, optimizer: str) -> str:
        """Return the best configuration known of an optimizer, whoever found it.

        The best on the judges' seeds are measured on forty others, and those alone decide among
        them: the lowest of thousands of means of ten seeds would be the luckiest.
        """
        self.measure(self.measured(optimizer, JUDGES)[:CONTENDERS], SETTLERS)
        return self.measured(optimizer, SETTLERS)[0]
