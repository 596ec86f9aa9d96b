"""The price of a study, told before it is paid."""

import math

from steepest.budget import BUDGETS, offered
from steepest.records import StudyRecord
from steepest.text import duration, many

LONG = 60.0  # seconds from which on a price is told


def price(study: StudyRecord, seconds: float) -> str:
    """Return what a study will cost, in a line; empty for one that is soon done.

    `seconds` is what one training takes beside others.
    """
    settings, count = study.settings, len(study.optimizers)
    tuned = sum(bool(one.space) for one in study.optimizers.values())
    total = settings.full_trainings
    if total is None:
        total = settings.search * tuned + settings.seeds * count
    whole = total * seconds
    if whole < LONG:
        return ""
    quick = offered(BUDGETS["quick"], tuned, count - tuned) * seconds
    less = f"; --budget quick about {duration(quick)}" if quick < 0.8 * whole else ""
    if settings.seconds is not None and settings.seconds < whole:
        less = f", of which the limit of time leaves {duration(settings.seconds)}"
    return (
        f"{many(math.ceil(total), 'training')} of about {duration(seconds)}, "
        f"{many(count, 'optimizer')}: about {duration(whole)} at the most{less}"
    )
