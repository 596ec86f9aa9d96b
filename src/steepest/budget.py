"""What a study may spend and what is left, in epochs of training.

One epoch costs the same for every optimizer, so equal epochs are equal terms; the report divides
by the epochs of a full training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from steepest.halving import keep


def search_epochs(trials: int, rungs: Sequence[int], done: int = 0) -> int:
    """Return the epochs that halving spends on `trials` trials that have had `done`, at most."""
    spent = 0
    for rung in rungs:
        if rung > done:
            spent += trials * (rung - done)
            trials, done = keep(trials), rung
    return spent


def finishers(trials: int, rungs: Sequence[int], done: int = 0) -> int:
    """Return how many of `trials` trials, which have had `done` epochs, reach the last rung."""
    for _ in [rung for rung in rungs if rung > done][:-1]:
        trials = keep(trials)
    return trials


@dataclass
class Budget:
    """Epochs spent, and those still to come. What diverged trials did not need is not respent."""

    left: int
    spent: int = 0

    @property
    def planned(self) -> int:
        """Epochs in all, as far as is known."""
        return self.spent + self.left

    def charge(self, planned: int, spent: int) -> None:
        """Note that of `planned` epochs, `spent` were trained."""
        self.spent += spent
        self.left -= planned
