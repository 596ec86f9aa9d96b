"""Truth: what a configuration is worth, its final validation loss on fixed fresh seeds.

The best of a list on the seeds that ranked it would be the luckiest. So the settlers' seeds choose,
the judges' measure, and no search has seen either.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts.seeds import JUDGES
from benchmarks.verdicts.spaces import from_key
from benchmarks.verdicts.training import Trainer

LOOKS = (12, 48, 96, 192)  # seeds of the judges, until the difference is known well enough
ENOUGH = 0.01  # a standard error of the difference, as a share of the best's mean
FAR = 4.0  # or the standard error is so much smaller than the difference


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

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def losses(self, key: str, seeds: Sequence[int] = JUDGES) -> np.ndarray:
        """Return a configuration's losses, `[seeds]`, those that are not known trained now."""
        return np.array(self.trainer.finals(from_key(key, seed) for seed in seeds))

    def measure(self, keys: Iterable[str], seeds: Sequence[int] = JUDGES) -> None:
        """Train what is not known yet, all of it together."""
        keys = dict.fromkeys(keys)
        self.trainer.finals(from_key(key, seed) for key in keys for seed in seeds)

    def known(self, key: str, seeds: Sequence[int]) -> int:
        """Return how many of the seeds, from the first on, were trained before."""
        known, epochs = self.trainer.curves.known, self.trainer.epochs
        count = 0
        while count < len(seeds) and len(known.get((key, seeds[count]), ())) >= epochs:
            count += 1
        return count

    def mean(self, key: str, seeds: Sequence[int] = JUDGES) -> float:
        return float(self.losses(key, seeds).mean())

    def excess(self, key: str, reference: str) -> float:
        """Return how far a configuration's mean is above the reference's, as a share of it.

        Both on the same seeds, so many that the error is small beside 1 %, or beside the excess.
        """
        return self.excesses([key], reference)[key]

    def excesses(
        self, keys: Iterable[str], reference: str, enough: float = ENOUGH
    ) -> dict[str, float]:
        """Return the `excess` of many configurations, trained together."""
        left, found = list(dict.fromkeys(keys)), {}
        for count in LOOKS:
            some = JUDGES[:count]
            self.measure([*left, reference], some)
            known = self.losses(reference, some)
            for key in list(left):
                behind = (self.losses(key, some) - known) / known.mean()
                found[key] = float(behind.mean())
                error = float(behind.std(ddof=1)) / count**0.5 if np.isfinite(behind).all() else 0
                if error <= enough or error * FAR <= abs(found[key]):
                    left.remove(key)
        return found
