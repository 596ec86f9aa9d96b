"""The loop: explore, halve, refine, confirm; and where it was asked for, sweep.

Every optimizer is given the same number of trials, the same rungs, the same initial weights and
the same order of the data, and its own ranges. What the search finds is not believed but confirmed
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

from steepest import storage
from steepest.budget import OutOfTime, Plan, cost
from steepest.engines.engine import Engine
from steepest.errors import InputError
from steepest.records import Config, Outcome, Settings, Stage, Study, TaskFacts
from steepest.rules.contestant import Contestant
from steepest.search.afterwards import afterwards, most_swept
from steepest.search.confirm import chosen, confirm
from steepest.search.ground import Ground
from steepest.search.horizon import with_horizon
from steepest.search.later import expectation, later, modelled
from steepest.search.new import new_study
from steepest.search.past import Past, check_same, went_on
from steepest.search.session import SIDE_BY_SIDE, Session
from steepest.search.trials import Running, Watch, end_trials, halve_trials
from steepest.stopping import Stop, Stopped, listening

log = logging.getLogger(__name__)

SEARCH_TIME = 0.55  # the share of a limit of time after which confirmation begins at the latest


def search(
    engine: Engine,
    contestants: Sequence[Contestant],
    settings: Settings,
    path: Path,
    watch: Watch,
    asked: Mapping[str, Any] | None = None,
) -> Study:
    """Run the whole study, writing it to the file at `path` rung by rung; return it.

    `engine` trains the populations. A study of the same question that is there already goes on from
    where it was stopped; one that was completed is returned.

    Raises:
        InputError: the study that is there is of another question.
        StudyFileError: the file cannot be written, or another process writes it.
        Stopped: somebody asked to stop; what was trained is kept, and is where to go on from.
    """
    asks = replace(new_study(engine, contestants, settings), asked=dict(asked or {}))
    with listening() as stop, contextlib.ExitStack() as stack:
        if path.exists():
            stack.enter_context(storage.held(path.parent))
            before = storage.read(path)
            check_same(before, asks)
            if before.complete:
                return before
            return _search(_resumed(engine, asks, before, path, watch, stop), contestants, stack)
        session = Session(engine, asks, path, watch, stop)
        return _search(session, contestants, stack)


def _resumed(
    engine: Engine, asks: Study, before: Study, path: Path, watch: Watch, stop: Stop
) -> Session:
    """Return the session of a study that goes on."""
    said = went_on(before, asks, asks.started)
    log.info("%s", said)
    members = before.hardware.get("members")
    if members is not None and engine.lockstep is None:
        engine.lockstep = members == SIDE_BY_SIDE
    study = replace(
        asks,
        asked=before.asked,
        started=before.started,
        versions=before.versions,
        hardware=before.hardware,
        initial=before.initial,
        update_seconds=before.update_seconds,
        resumed=(*before.resumed, said),
    )
    return Session(engine, study, path, watch, stop, Past(before))


def _search(
    session: Session, contestants: Sequence[Contestant], stack: contextlib.ExitStack
) -> Study:
    engine, settings, path, watch = (
        session.engine,
        session.study.settings,
        session.path,
        session.watch,
    )
    grounds = {contestant.name: Ground(contestant) for contestant in contestants}
    configs = {
        name: [ground.config(values, settings) for values in ground.spread(settings)]
        for name, ground in grounds.items()
    }
    _check_updates(engine.facts, configs)
    session.budget.left = _planned(settings, engine.facts.epochs, grounds)
    watch("compiling", session.budget)
    session.prepare([c for some in configs.values() for c in some], session.budget.left)
    session.stop.keeps = True
    if session.past.study is None:  # what cannot be compiled leaves nothing behind
        session.chose()
        storage.make_directory(path.parent)
        stack.enter_context(storage.held(path.parent))
        storage.create(path, session.study)
        session.shelf.clear()  # of a study whose file somebody removed
    tuned = {name: configs[name] for name, ground in grounds.items() if ground.space}
    try:
        _stages(session, grounds, tuned)
    except (Stopped, KeyboardInterrupt):
        session.keep()
        raise
    return session.study


def _stages(
    session: Session, grounds: Mapping[str, Ground], tuned: Mapping[str, Sequence[Config]]
) -> None:
    """Search, confirm, and measure what is told beside the verdict."""
    settings = session.study.settings
    session.allow(SEARCH_TIME)
    try:
        _rungs(session, grounds, tuned)
    except OutOfTime:
        session.cut(f"the limit of {settings.seconds:g} s cut the search short")
    session.allow(1.0)
    confirm(session, {name: chosen(session.study, ground) for name, ground in grounds.items()})
    afterwards(session, grounds)
    session.shelf.clear()
    session.budget.left = 0
    session.watch("", session.budget)


def _rungs(
    session: Session, grounds: Mapping[str, Ground], asked: Mapping[str, Sequence[Config]]
) -> None:
    """Explore, halve and refine; all that was tried is in the study then."""
    settings, facts = session.study.settings, session.engine.facts
    session.watch(f"search, {settings.rungs[0]} of {facts.epochs} epochs", session.budget)
    running = session.start(Stage.SEARCH, _ending(session, grounds, asked, settings.rungs[0]))
    session.train(running, settings.rungs[0])
    for i, epochs in enumerate(settings.rungs[1:]):
        models = {name: modelled(session.study, grounds[name]) for name in asked}
        session.stop.check()
        session.grow(grounds)
        values = later(session.study, grounds, models, settings.refined[i])
        halve_trials(
            running, session.shelf, settings.survivors[i], expectation(session.study, models)
        )
        session.tell(running)
        running = [one for one in running if one.trial.outcome is Outcome.UNFINISHED]
        session.watch(f"search, {epochs} of {facts.epochs} epochs", session.budget)
        if settings.own_horizon:
            running = _restarted(session, grounds, running, epochs)
        configs = {n: [grounds[n].config(v, settings) for v in some] for n, some in values.items()}
        new = session.start(Stage.SEARCH, _ending(session, grounds, configs, epochs))
        session.train(running, epochs)
        session.train(new, epochs)
        running += new
    end_trials(running)
    session.tell(running)


def _ending(
    session: Session,
    grounds: Mapping[str, Ground],
    configs: Mapping[str, Sequence[Config]],
    epochs: int,
) -> Mapping[str, Sequence[Config]]:
    """Return configurations for a rung, whose schedule ends there if each rung has its own."""
    facts = session.engine.facts
    if not session.study.settings.own_horizon:
        return configs
    return {
        n: [with_horizon(c, grounds[n], facts, epochs) for c in cs] for n, cs in configs.items()
    }


def _restarted(
    session: Session, grounds: Mapping[str, Ground], running: list[Running], epochs: int
) -> list[Running]:
    """Return the trials anew, with a schedule that ends at their next rung."""
    configs: dict[str, list[Config]] = {}
    for one in running:
        one.trial = replace(one.trial, outcome=Outcome.SHORT)
        configs.setdefault(one.trial.optimizer, []).append(one.trial.config)
        session.shelf.drop(one.trial.number)
    session.tell(running)
    return session.start(Stage.SEARCH, _ending(session, grounds, configs, epochs))


def _check_updates(facts: TaskFacts, asked: Mapping[str, Sequence[Config]]) -> None:
    """Raise `InputError` if a whole training has fewer batches than an update gathers."""
    for name, configs in asked.items():
        count = max(int(config.choices.get("accumulation", 1)) for config in configs)
        if count > facts.steps:
            raise InputError(
                f"{name}'s accumulation is {count}, but a training has {facts.steps} batches, "
                "so it would never update; give fewer, or more epochs"
            )


def _planned(settings: Settings, epochs: int, grounds: Mapping[str, Ground]) -> int:
    """Return the epochs that the study takes at most."""
    plan = Plan(settings.trials, settings.survivors, settings.refined)
    searched = sum(bool(ground.space) for ground in grounds.values())
    most = searched * cost(plan, settings.rungs, settings.own_horizon)
    most += epochs * settings.seeds * len(grounds)
    if settings.full_trainings is not None:
        most = min(most, math.ceil(settings.full_trainings * epochs))
    return most + epochs * most_swept(settings) * len(grounds)
