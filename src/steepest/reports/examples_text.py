"""What other examples than those of validation might say of who is behind."""

import math
from collections.abc import Mapping

from steepest.measures.verdict import Standing, Verdict
from steepest.records import StudyRecord
from steepest.statistics import State
from steepest.text import listed

EACH = 3  # up to which those who may be as good are named
MOST = 100  # times as many examples: beyond that it is not told how many would tell; chosen


def doubtful(verdict: Verdict) -> list[Standing]:
    """Return who is behind by seeds but may not be on other examples."""
    found = [s for s in verdict.standings.values() if s.state is State.BEHIND and s.elsewhere]
    return [s for s in found if s.elsewhere and (s.elsewhere.low or 0.0) < 0]


def on_others(study: StudyRecord, verdict: Verdict, names: Mapping[str, str]) -> str:
    """Say who may not be behind on other examples; empty where nobody is so.

    `names` is how a sentence names each contestant.
    """
    some, count = doubtful(verdict), study.task.validation_examples
    if not study.finished or not some:
        return ""
    told = [names[one.name] for one in some[:EACH]]
    if len(some) > EACH:
        told.append(f"{len(some) - EACH} more")
    times = max(map(_times, some))
    enough = "more" if times > MOST else f"about {float(f'{count * times:.2g}'):,.0f}"
    return (
        f"On validation examples beyond these {count:,}, {listed(told)} may be as good; "
        f"{enough} would tell."
    )


def _times(one: Standing) -> float:
    """Return how many times the examples it takes for the distance to pass what they leave to
    chance."""
    far, seeds = one.elsewhere, one.behind
    if far is None or seeds is None or not far.mean:
        return math.inf
    chance = (far.half_width or 0.0) ** 2 - (seeds.half_width or 0.0) ** 2
    return max(1.0, chance / far.mean**2)
