"""What a study may spend and what is left, in epochs of training.

One epoch costs the same for every optimizer, so equal epochs are equal terms; the report divides
by the epochs of a full training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from steepest.halving import keep


def search_epochs(trials: int, rungs: Sequence[int]) -> int:
    """Return the epochs that halving spends on `trials` trials, if none diverges."""
    spent, before = 0, 0
    for rung in rungs:
        spent += trials * (rung - before)
        trials, before = keep(trials), rung
    return spent


@dataclass
class Budget:
    """Epochs planned and spent. What diverged trials did not need is given up, not respent."""

    planned: int
    spent: int = 0
    unused: int = 0

    @property
    def left(self) -> int:
        """Epochs that are still to be trained."""
        return self.planned - self.spent - self.unused

    def charge(self, planned: int, spent: int) -> None:
        """Note that of `planned` epochs, `spent` were trained."""
        self.spent += spent
        self.unused += planned - spent
