"""The study: tune, confirm; and where it was asked for, sweep.

Every optimizer is tuned (`search/tuning.py`) with the same number of trainings, the same initial
weights and the same order of the data. What that finds is not believed but confirmed
(`search/confirm.py`): the best configuration of each optimizer trains again from fresh seeds, the
same ones for all optimizers, to be compared seed by seed.
"""

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from steepest import budget as budgets
from steepest import storage
from steepest.budget import OutOfTime
from steepest.engines.protocol import SIDE_BY_SIDE, Engine
from steepest.errors import InputError
from steepest.parse.contestant import Contestant
from steepest.records import Config, Settings, StudyRecord, TaskFacts
from steepest.search import time_limit
from steepest.search.confirm import best_config, confirm
from steepest.search.new_study import measure_untrained, new_study
from steepest.search.old_lists import check_version, with_lists_of
from steepest.search.replay import Replay, check_same, resumed_from
from steepest.search.runner import Watch, program_key
from steepest.search.search_space import SearchSpace
from steepest.search.session import Session
from steepest.search.sweep import most_swept, sweep_and_time
from steepest.search.tuning import Tuner, end_search, make_tuners, tune
from steepest.signals import Stop, Stopped, listening
from steepest.spaces import Value
from steepest.text import many

log = logging.getLogger(__name__)

# The share of a limit of time after which confirmation begins at the latest. What is planned is
# planned to end before (planning.py), so this holds where trainings take longer than measured.
SEARCH_TIME = 0.8
LOOKED_FOR = 5  # seeds that progress counts on; how many there will be nobody knows


def search(
    engine: Engine,
    contestants: Sequence[Contestant],
    settings: Settings,
    path: Path,
    watch: Watch,
    asked: Mapping[str, Any] | None = None,
    began: float | None = None,
) -> StudyRecord:
    """Run the whole study, writing it to the file at `path` turn by turn; return it.

    `engine` trains the populations. A study of the same question that is there already goes on from
    where it was stopped, by its limit of time too if there is another one now, or if more seeds are
    asked for; one that was completed is returned. A limit of time holds from `began` on, by the
    budget's clock: from when somebody asked, as a task may take long to load and to trace.

    Raises:
        InputError: the study that is there is of another question.
        StudyFileError: the file cannot be written, or another process writes it.
        Stopped: somebody asked to stop; what was trained is kept, and is where to go on from.
    """
    with listening() as stop, contextlib.ExitStack() as stack:
        before = None
        if path.exists():
            stack.enter_context(storage.held(path.parent))
            before = storage.read(path)
            contestants = [_begun(one, before) for one in contestants]
            settings = replace(settings, start_lists=before.settings.start_lists)
        asks = replace(new_study(engine, contestants, settings), asked=dict(asked or {}))
        if before is not None:
            check_same(before, asks)
            longer = before.stopped and _other_limit(before, asks)
            if before.complete and not longer and not _more_seeds(before, asks):
                return before
            session = _resumed(engine, asks, before, path, watch, stop)
        else:
            session = Session(engine, asks, path, watch, stop)
        if began is not None:
            session.started -= max(0.0, budgets.clock() - began)
        return _search(session, contestants, stack)


def _begun(one: Contestant, before: StudyRecord) -> Contestant:
    """Return a contestant that starts as it did before: older versions knew no start of a
    baseline, and had other start lists."""
    known = before.optimizers.get(one.name)
    if known is None:
        return one
    version = before.settings.start_lists
    check_version(version)
    return with_lists_of(version, replace(one, start=dict(known.start)), known)


def _other_limit(before: StudyRecord, asks: StudyRecord) -> bool:
    return before.settings.seconds != asks.settings.seconds


def _more_seeds(before: StudyRecord, asks: StudyRecord) -> bool:
    """Return whether more seeds are asked for than some contestant has: they get them, whatever
    the budget was."""
    now, then = asks.settings, before.settings
    if (now.seeds, now.full_trainings) == (then.seeds, then.full_trainings):
        return False
    if now.full_trainings not in (None, then.full_trainings):
        return False
    return now.seeds > max((len(before.confirmed(name)) for name in before.optimizers), default=0)


def _resumed(
    engine: Engine, asks: StudyRecord, before: StudyRecord, path: Path, watch: Watch, stop: Stop
) -> Session:
    """Return the session of a study that goes on."""
    said = resumed_from(before, asks, asks.started)
    log.info("%s", said)
    members = before.hardware.get("members")
    if members is not None and engine.lockstep is None:
        engine.lockstep = members == SIDE_BY_SIDE
    study = replace(
        asks,
        asked=_asked(before, asks),
        started=before.started,
        versions=before.versions,
        hardware=before.hardware,
        initial=before.initial,
        update_seconds=before.update_seconds,
        resumed=(*before.resumed, said),
        judged=before.judged,
        trained_on=before.trained_on,
        parts=before.parts,
        part_examples=before.part_examples,
    )
    if _more_seeds(before, asks):  # what was looked at before is a look, and has its level
        seeds = max(len(before.confirmed(name)) for name in before.optimizers)
        study = replace(study, judged=tuple(sorted({*before.judged, seeds} - {0})))
    again = _other_limit(before, asks) or _more_seeds(before, asks)
    if before.planned is not None and not _other_limit(before, asks):
        bound = asks.settings.full_trainings is not None and not _more_seeds(before, asks)
        total = before.planned.full_trainings if bound else None
        study = replace(study, planned=replace(before.planned, full_trainings=total))
    return Session(engine, study, path, watch, stop, Replay(before, again))


def _asked(before: StudyRecord, asks: StudyRecord) -> Mapping[str, Any]:
    """Return the options that the study had at first, with the limits of now."""
    new = {n: v for n, v in asks.asked.items() if n == "time" or (n == "seeds" and v is not None)}
    return {**before.asked, **new} if before.asked else before.asked


def _search(
    session: Session, contestants: Sequence[Contestant], stack: contextlib.ExitStack
) -> StudyRecord:
    engine, settings, path, watch = (
        session.engine,
        session.study.settings,
        session.path,
        session.watch,
    )
    spaces = {contestant.name: SearchSpace(contestant) for contestant in contestants}
    tuners = make_tuners(settings, engine.facts, spaces)
    configs = {
        name: [space.config(values, settings) for values in _first_values(space, tuners.get(name))]
        for name, space in spaces.items()
    }
    _check_updates(engine.facts, configs)
    session.budget.left = _planned(session.study, spaces)
    count = len({program_key(c) for some in configs.values() for c in some})
    watch(f"compiling {many(count, 'program')}", session.budget)
    first = time_limit.compiled_first(session, configs)
    session.prepare([c for some in first for c in some], session.budget.left)
    measure_untrained(session, configs)
    session.stop.keeps = True
    if session.replay.study is None:  # what cannot be compiled leaves nothing behind
        session.note_lockstep()
        storage.make_directory(path.parent)
        stack.enter_context(storage.held(path.parent))
        storage.create(path, session.study)
        session.checkpoints.clear()  # of a study whose file somebody removed
    try:
        _stages(session, spaces, tuners)
    except (Stopped, KeyboardInterrupt):
        session.keep()
        raise
    if session.study.finished:
        session.checkpoints.clear()
    elif session.live:  # time cut it short, and with more of it this can go on
        session.keep()
    return session.study


def _first_values(space: SearchSpace, tuner: Tuner | None) -> Sequence[Mapping[str, Value]]:
    """Return what an optimizer trains that is known before: it says what has to be compiled."""
    return [space.contestant.defaults(), *(tuner.starts if tuner else ())]


def _stages(
    session: Session, spaces: Mapping[str, SearchSpace], tuners: Mapping[str, Tuner]
) -> None:
    """Search, confirm, and measure what is told beside the verdict."""
    settings = session.study.settings
    session.allow(SEARCH_TIME)
    try:
        tune(session, spaces, tuners)
    except OutOfTime:
        session.cut(f"the limit of {settings.seconds:g} s cut the search short")
    end_search(session, tuners)
    session.allow(1.0)
    session.budget.best = ""  # of the search's one seed, which nobody believes any more
    session.budget.left = _planned(session.study, spaces, searched=True)
    confirm(
        session,
        spaces,
        {n: best_config(session.study, s, tuners.get(n)) for n, s in spaces.items()},
    )
    sweep_and_time(session, spaces)
    session.budget.left = 0
    session.watch("", session.budget)


def _check_updates(facts: TaskFacts, asked: Mapping[str, Sequence[Config]]) -> None:
    """Raise `InputError` if a whole training has fewer batches than an update gathers."""
    for name, configs in asked.items():
        count = max(int(config.choices.get("accumulation", 1)) for config in configs)
        if count > facts.steps:
            raise InputError(
                f"{name}'s accumulation is {count}, but a training has {facts.steps} batches, "
                "so it would never update; give fewer, or more epochs"
            )


def _planned(study: StudyRecord, spaces: Mapping[str, SearchSpace], searched: bool = False) -> int:
    """Return the epochs that are still to come, as far as is known; of many seeds the first."""
    settings, epochs = study.settings, study.task.epochs
    tuned = sum(bool(space.ranges) for space in spaces.values())
    search = 0.0 if searched else (study.planned or settings).search * tuned
    seeds = min(settings.seeds, LOOKED_FOR) * len(spaces)
    swept = most_swept(settings) * len(spaces)
    return math.ceil((search + seeds + tuned + swept) * epochs)
