"""How far one optimizer is behind another on other examples than those of the validation set.

All seeds meet the same validation examples, so an interval over seeds says nothing of others. Both
optimizers were measured on equal parts of that set (`search/parts.py`). Their distance d differs
from part to part by its deviation s, so on as many other examples it would differ by s/√parts, with
Student's t of parts - 1. That and the interval over seeds are independent: their squares add up.
"""

import math

from steepest.records import StudyRecord
from steepest.statistics import Estimate, estimate


def elsewhere(study: StudyRecord, leader: str, name: str, behind: Estimate) -> Estimate | None:
    """Return the distance to the leader with an interval for other examples like these; None
    where that is not known.

    Args:
        study: the study.
        leader: the optimizer that is ahead.
        name: the other one.
        behind: its distance over common seeds, positive where it is worse.
    """
    mine, its = study.parts.get(leader, ()), study.parts.get(name, ())
    if behind.mean is None or behind.half_width is None or len(mine) != len(its) or not mine:
        return None
    apart = estimate([one - other for one, other in zip(its, mine, strict=True)]).half_width
    if apart is None:
        return None
    # Of a large set the first examples of each part were measured: of all, less is left to chance.
    measured = len(mine) * study.part_examples
    share = measured / max(1, measured, study.task.validation_examples)
    reach = math.hypot(behind.half_width, apart * math.sqrt(share))
    return Estimate(behind.mean, behind.mean - reach, behind.mean + reach, ())
