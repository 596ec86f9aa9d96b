"""The clock is asked once: how many trainings a study is given, and what it will cost.

Where a budget is a number of seconds, or there is a limit of time, what the first trials took says
how many trainings that buys. The number is kept in the study, and beside the compiled programs
where no limit decides, so that the same seed gives the same study.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steepest import memo
from steepest.budget import SEEDS, full_trainings, search_share
from steepest.engines.cores import cores
from steepest.records import Planned, StudyRecord
from steepest.search.runner import Running, program_key
from steepest.search.search_space import SearchSpace
from steepest.search.session import Session
from steepest.statistics import LOOKS

# Of a limit of time is planned for: a search leaves cores idle, as each optimizer trains one at a
# time, and what is measured at the end takes some too.
SAFE = 0.7
# Of a call, what a training of the search takes where members train side by side: its rounds after
# the first have few members. Twenty trainings of an optimizer were nine or ten calls.
CALLS = 0.5


@dataclass(frozen=True)
class Pace:
    """What trainings of all epochs take beside others, in seconds."""

    training: float  # by which one makes a study longer; 0 if unknown
    look: float = 0.0  # one of each optimizer, where others side by side come in the same time
    places: int = 1  # how many of an optimizer do


def plan_once(
    session: Session, spaces: Mapping[str, SearchSpace], trained: Sequence[Running]
) -> Planned:
    """Return what the study spends, which is decided here once."""
    study = session.study
    if study.planned is not None:
        return study.planned
    settings = study.settings
    tuned = sum(bool(space.ranges) for space in spaces.values())
    counts = tuned, len(spaces) - tuned
    plan = Planned(settings.search if tuned else 0.0, settings.full_trainings)
    pace = _pace(session, trained)
    found = _larger(plan, _bought(study, pace, counts))
    if settings.seconds is not None and pace.training:
        found = _within(session, found, pace, counts)
    found = Planned(found.search, found.full_trainings, pace.training)
    session.note(planned=found)
    return found


def _bought(study: StudyRecord, pace: Pace, counts: tuple[int, int]) -> tuple[float, float]:
    """Return what the budget's seconds buy, as it was found out the first time: trainings for the
    search of one optimizer, and in all."""
    settings = study.settings
    if not settings.buys:
        return 0.0, 0.0
    key = _key(study) if settings.seconds is None else ""
    with contextlib.suppress(ValueError):  # what somebody else wrote there
        search, total = map(float, (memo.read(key) or "nothing").split())
        return max(0.0, search), max(0.0, total)
    if not pace.training:
        return 0.0, 0.0
    most = full_trainings(settings.searched, *counts) + SEEDS * sum(counts)
    alone = float(math.floor(min(settings.buys / pace.training, most)))
    search, total = _buys(alone, pace, settings.searched, counts, settings.own_horizon)
    found = search, min(total, most)
    memo.write(key, f"{found[0]!r} {found[1]!r}")
    return found


def _buys(
    alone: float, pace: Pace, searched: float, counts: tuple[int, int], restart: bool
) -> tuple[float, float]:
    """Return the trainings for the search of one optimizer, and all, that the seconds of so many
    buy: `alone` of them, each at the price of one beside others.

    Where seeds train side by side, those of a look take as long as one. So what the search leaves
    buys looks, and the last of them says how many seeds.
    """
    tuned, every = counts[0], sum(counts)
    search = search_share(alone, *counts, searched, restart)
    if not pace.look:
        return search, alone
    left, seeds = (alone - search * tuned) * pace.training, 0
    for look in LOOKS:
        left -= pace.look * math.ceil((look - seeds) / pace.places)
        if left < 0:
            break
        seeds = look
    return search, (search + 1) * tuned + seeds * every if seeds else alone


def _larger(plan: Planned, bought: tuple[float, float]) -> Planned:
    """Return the plan with as many trainings as were bought, if they are more than it has."""
    share, total = bought
    if plan.full_trainings is not None and total <= plan.full_trainings:
        return plan
    search = max(plan.search, math.floor(2 * share) / 2)
    # Who asks for seeds gets them, whatever that costs.
    return Planned(search, None if plan.full_trainings is None else total)


def _within(session: Session, plan: Planned, pace: Pace, counts: tuple[int, int]) -> Planned:
    """Return the plan cut to what the limit of time leaves."""
    left = session.time_left() or 0.0
    spent = session.budget.spent / session.study.task.epochs
    alone = spent + max(0.0, SAFE * left) / pace.training
    own = session.study.settings.own_horizon
    search, most = _buys(alone, pace, plan.search, counts, own)
    total = plan.full_trainings
    needed = full_trainings(plan.search, *counts) if total is None else total
    if needed <= most:
        return plan
    return Planned(max(0.0, min(plan.search, search)), most)


def _pace(session: Session, trained: Sequence[Running]) -> Pace:
    """Return what trainings take, by those that were just trained."""
    epochs = sum(one.trial.epochs for one in trained)
    seconds = sum(one.trial.seconds for one in trained)
    if not epochs or not seconds:
        return Pace(0.0)
    whole = session.study.task.epochs
    training = seconds / epochs * whole / max(1, session.engine.workers)
    places = min((program.places for program in session.programs.values()), default=1)
    if places == 1:
        return Pace(training)
    # A call's seconds are shared out to its members; those of one program and length were in one.
    calls: dict[tuple[Any, int], float] = {}
    for one in trained:
        call = program_key(one.trial.config), one.until
        calls[call] = calls.get(call, 0.0) + one.trial.seconds / one.until * whole
    longest: dict[Any, float] = {}
    for (key, _), took in calls.items():
        longest[key] = max(longest.get(key, 0.0), took)
    look = sum(longest.values())
    return Pace(max(training, CALLS * look / len(longest)), look, places)


def _key(study: StudyRecord) -> str:
    """Return what the time of a training depends on; empty where a task is not known again."""
    if not study.task.fingerprint:
        return ""
    rules = [(one.rule, one.dialect, one.schedule) for one in study.optimizers.values()]
    asked = (
        dict(study.task.fingerprint),
        (study.task.epochs, study.task.batch_size, study.settings.buys, study.settings.searched),
        rules,
        (study.hardware.get("device"), cores()),
    )
    return f"trainings-{memo.name(asked)}"
