"""What a study may spend: plans that a budget buys, and what is spent and left, in epochs.

One epoch costs the same for every optimizer, so equal epochs are equal terms; the report divides
by the epochs of a full training.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Full trainings an optimizer, of which a half is for the search and the rest to confirm.
BUDGETS = {"quick": 2.0, "standard": 4.0, "thorough": 20.0}
SEARCH_SHARE = 0.5
SEEDS = {"quick": 3, "standard": 5, "thorough": 10}  # at most, as a race may end before


class OutOfTime(Exception):  # noqa: N818 (it is no error)
    """The time that a study was given is over."""


@dataclass(frozen=True)
class Plan:
    """How an optimizer's share is spent in the search.

    `trials` are explored to the first rung; after rung i, `survivors[i]` of those that are left go
    on to the next one, and `refined[i]` new ones start and train up to there too.
    """

    trials: int
    survivors: tuple[int, ...]
    refined: tuple[int, ...]

    @property
    def tried(self) -> int:
        """Configurations in all."""
        return self.trials + sum(self.refined)


def cost(plan: Plan, rungs: Sequence[int], restart: bool) -> int:
    """Return the epochs that the search spends on one optimizer, at most.

    `restart` says that trials start anew at each rung, as each has a schedule of its own.
    """
    spent = plan.trials * rungs[0]
    for i, (on, new) in enumerate(zip(plan.survivors, plan.refined, strict=True)):
        spent += on * (rungs[i + 1] - (0 if restart else rungs[i])) + new * rungs[i + 1]
    return spent


def affordable(trainings: float, rungs: Sequence[int], restart: bool) -> Plan:
    """Return the largest plan whose search costs at most so many full trainings an optimizer."""

    def fits(one: Plan) -> bool:
        return cost(one, rungs, restart) <= trainings * rungs[-1]

    best = plan(0.0, rungs)
    for size in (0.1 * i for i in range(1, 10_000)):
        if not fits(one := plan(size, rungs)):
            break
        best = one
    if best.survivors and not best.survivors[-1]:  # what is left may take one to the end
        one = replace(best, survivors=(*best.survivors[:-1], 1))
        best = one if fits(one) else best
    while fits(one := replace(best, trials=best.trials + 1)):
        best = one
    return best


def plan(size: float, rungs: Sequence[int]) -> Plan:
    """Return the plan of a size: 1 explores six trials, and trains one of them to the end.

    From each rung to the next go one trial that is there and a new one; as the last rung costs
    most, new ones start there only in larger plans, and nothing goes there in smaller ones.
    """
    later, few = len(rungs) - 1, max(1, round(size))
    if not later:
        return Plan(max(1, math.floor(2 * size)), (), ())
    survivors, refined = [few] * later, [few if size >= 0.6 else 0] * later
    survivors[-1] = few if size >= 0.8 else 0
    refined[-1] = round(size / 2 - 0.25)
    return Plan(max(2, round(6 * size)), tuple(survivors), tuple(refined))


def plan_of(trials: int, rungs: Sequence[int]) -> Plan:
    """Return the plan that tries so many configurations in all."""
    size = trials / 7 if len(rungs) > 1 else trials / 2
    found = plan(size, rungs)
    while found.tried > trials and size > 0:
        size -= 0.1
        found = plan(size, rungs)
    return replace(found, trials=max(1, trials - sum(found.refined)))


@dataclass
class Budget:
    """Epochs spent, and those still to come. What diverged trials did not need is not respent.

    `deadline` is a time of `time.perf_counter`, after which training stops.
    """

    left: int
    spent: int = 0
    deadline: float | None = None

    @property
    def planned(self) -> int:
        """Epochs in all, as far as is known."""
        return self.spent + self.left

    def charge(self, planned: int, spent: int) -> None:
        """Note that of `planned` epochs, `spent` were trained.

        Raises:
            OutOfTime: the deadline is over.
        """
        self.spent += spent
        self.left = max(0, self.left - planned)
        self.check()

    def check(self) -> None:
        """Raise `OutOfTime` if the deadline is over."""
        if self.deadline is not None and time.perf_counter() > self.deadline:
            raise OutOfTime
