"""The clock is asked once: how many trainings a study is given, and what it will cost.

Where a budget is a number of seconds, or there is a limit of time, what the first trials took says
how many trainings that buys. The number is kept in the study, and beside the compiled programs
where no limit decides, so that the same seed gives the same study.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence

from steepest import memo
from steepest.budget import SEEDS, full_trainings, search_share
from steepest.engines.cores import cores
from steepest.records import Planned, StudyRecord
from steepest.search.runner import Running
from steepest.search.search_space import SearchSpace
from steepest.search.session import Session

# Of a limit of time is planned for: a search leaves cores idle, as each optimizer trains one at a
# time, and what is measured at the end takes some too.
SAFE = 0.7


def plan_once(
    session: Session, spaces: Mapping[str, SearchSpace], trained: Sequence[Running]
) -> Planned:
    """Return what the study spends, which is decided here once."""
    study = session.study
    if study.planned is not None:
        return study.planned
    settings = study.settings
    tuned = sum(bool(space.ranges) for space in spaces.values())
    untuned = len(spaces) - tuned
    plan = Planned(settings.search if tuned else 0.0, settings.full_trainings)
    seconds = _training_seconds(session, trained)
    bought = _bought(study, seconds, full_trainings(settings.searched, tuned, untuned))
    found = _larger(plan, bought, settings.searched, tuned, untuned, settings.own_horizon)
    if settings.seconds is not None and seconds:
        found = _within(session, found, seconds, tuned, untuned)
    found = Planned(found.search, found.full_trainings, seconds)
    session.note_planned(found)
    return found


def _bought(study: StudyRecord, seconds: float, search: float) -> float:
    """Return the trainings that the budget's seconds buy, as it was found out the first time."""
    settings = study.settings
    if not settings.buys:
        return 0.0
    key = _key(study) if settings.seconds is None else ""
    with contextlib.suppress(ValueError):  # what somebody else wrote there
        return max(0.0, float(memo.read(key) or "nothing"))
    if not seconds:
        return 0.0
    most = search + SEEDS * len(study.optimizers)
    found = float(math.floor(min(settings.buys / seconds, most)))
    memo.write(key, repr(found))
    return found


def _larger(
    plan: Planned, bought: float, searched: float, tuned: int, untuned: int, restart: bool
) -> Planned:
    """Return the plan with as many trainings as were bought, if they are more than it has."""
    if plan.full_trainings is not None and bought <= plan.full_trainings:
        return plan
    share = search_share(bought, tuned, untuned, searched, restart)
    search = max(plan.search, math.floor(2 * share) / 2)
    # Who asks for seeds gets them, whatever that costs.
    return Planned(search, None if plan.full_trainings is None else bought)


def _within(session: Session, plan: Planned, seconds: float, tuned: int, untuned: int) -> Planned:
    """Return the plan cut to what the limit of time leaves."""
    left = session.time_left() or 0.0
    spent = session.budget.spent / session.study.task.epochs
    most = spent + max(0.0, SAFE * left) / seconds
    total = plan.full_trainings
    needed = full_trainings(plan.search, tuned, untuned) if total is None else total
    if needed <= most:
        return plan
    own = session.study.settings.own_horizon
    search = min(plan.search, search_share(most, tuned, untuned, plan.search, own))
    return Planned(max(0.0, search), most)


def _training_seconds(session: Session, trained: Sequence[Running]) -> float:
    """Return the seconds by which a training of all epochs makes a study longer; 0 if unknown."""
    epochs = sum(one.trial.epochs for one in trained)
    seconds = sum(one.trial.seconds for one in trained)
    if not epochs or not seconds:
        return 0.0
    return seconds / epochs * session.study.task.epochs / max(1, session.engine.workers)


def _key(study: StudyRecord) -> str:
    """Return what the time of a training depends on; empty where a task is not known again."""
    if not study.task.fingerprint:
        return ""
    rules = [(one.rule, one.dialect, one.schedule) for one in study.optimizers.values()]
    asked = (
        dict(study.task.fingerprint),
        (study.task.epochs, study.task.batch_size, study.settings.buys),
        rules,
        (study.hardware.get("device"), cores()),
    )
    return f"trainings-{memo.name(asked)}"
