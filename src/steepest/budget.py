"""The budget of a study: what it buys, spent and left.

Unit is the full training: one of all epochs, of any optimizer, so that equal budgets are equal
terms. Where trainings are cheap a budget is a number of seconds instead; the clock is asked once,
and what it said is a number of trainings from there on.
"""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """What a budget is: full trainings for each optimizer, or as many as some seconds buy."""

    trainings: float
    seconds: float | None = None
    searched: float = 39.0  # of them, at most, for the search of one optimizer


BUDGETS = {
    "quick": Offer(4.0, 5.0, 23.0),
    "standard": Offer(8.0, 30.0),
    "thorough": Offer(20.0, 180.0, 51.0),
}
SEARCH_SHARE = 0.75  # of all trainings, at most, go to the search; a half was as good
SEEDS = 280  # of a contestant, at most, where nobody says another number
RATES = 5  # that each search tries at the least
ALONE = 12.0  # trainings of a search on one seed, before any are for other seeds
AGAIN = (24, 8)  # and how many those are
FAR = 3.0  # trainings beside those, with learning rates far from the best
GOOD = 6.0  # trainings of a search from which on a third seed is worth more than another one
FIRST, LOOK = 2, 3  # seeds of each contestant that a budget keeps for confirmation, if it can


clock = time.perf_counter  # what deadlines are read from; tests put one of their own here


class OutOfTime(Exception):  # noqa: N818 (it is no error)
    """The time that a study was given is over.

    Raised between two calls of an engine, and never inside one: a deadline is a request to stop.
    """


def offered(offer: Offer, tuned: int, untuned: int) -> float:
    """Return the full trainings in which a budget is counted, where its seconds buy no more."""
    return offer.trainings * tuned + FIRST * (untuned or 1)


def least_search(restart: bool) -> float:
    """Return the full trainings in which a search tries five rates and trains one to the end.

    `restart` says that a training goes on from half its length by starting anew, as its schedule
    is another one then.
    """
    return RATES / 2 + (1.0 if restart else 0.5)


def search_share(
    total: float, tuned: int, untuned: int, most: float, restart: bool = False
) -> float:
    """Return the full trainings that the search of one optimizer gets of `total` for all.

    One training of each optimizer's defaults is kept and three seeds of each contestant, which is
    the first look, or two, if that leaves enough to search; else one seed of each; else none.
    """
    if not tuned:
        return 0.0
    every, least = tuned + untuned, least_search(restart)
    found = (total - LOOK * every - tuned) / tuned
    if found < GOOD:
        found = (total - FIRST * every - tuned) / tuned
        found = min(found, GOOD) if found >= least else min(least, (total - every) / tuned)
    if found < 1.0:
        found = total / tuned
    return min(found, most, max(SEARCH_SHARE * total / tuned, least))


def trainings_again(search: float) -> int:
    """Return how many trainings of a search are for its best ones from other seeds."""
    return next((again for again in AGAIN if search >= ALONE + again), 0)


def trainings_far(search: float) -> float:
    """Return how many trainings of a search are for learning rates far from its best."""
    return FAR if search - trainings_again(search) >= ALONE + FAR else 0.0


def full_trainings(search: float, tuned: int, untuned: int) -> float:
    """Return what a study takes in all whose searches take `search` each."""
    return search * tuned + FIRST * (tuned + untuned) + tuned


@dataclass
class Budget:
    """Epochs spent, and those still to come. What diverged trials did not need is not respent.

    `deadline` is a time of `clock`, after which training stops.
    """

    left: int
    spent: int = 0
    deadline: float | None = None
    best: str = ""  # what is best so far, in words, for those who wait
    price: str = ""  # what the study will cost, in a line, once that is known

    @property
    def planned(self) -> int:
        """Epochs in all, as far as is known."""
        return self.spent + self.left

    def charge(self, planned: int, spent: int) -> None:
        """Note that of `planned` epochs, `spent` were trained."""
        self.spent += spent
        self.left = max(0, self.left - planned)

    def over(self) -> bool:
        """Return whether the deadline is over."""
        return self.deadline is not None and clock() > self.deadline

    def check(self) -> None:
        """Raise `OutOfTime` if the deadline is over."""
        if self.over():
            raise OutOfTime
