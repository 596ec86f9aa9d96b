"""Confirmation: the best configuration of each optimizer, from fresh seeds, as a race.

All optimizers meet the same seeds. After each seed, those that cannot be the best any more get no
further ones, nor does anybody once nothing is open.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from steepest.budget import OutOfTime
from steepest.records import Config, Stage, Study
from steepest.search.ground import SEEDS_APART, Ground
from steepest.search.horizon import with_horizon
from steepest.search.later import searched
from steepest.search.model import fit
from steepest.search.session import Session
from steepest.search.trials import Running, end_trials, measure_trials, unmeasured
from steepest.statistics import race

# The seeds of a study with seed s: s·1000 for the search, s·1000 + 1, + 2, ... to confirm.
FIRST = 2  # seeds before the first look, as one says nothing of chance


def chosen(study: Study, ground: Ground) -> Config | None:
    """Return an optimizer's best configuration, as the model of all its trials has it.

    None if no trial has a loss, so that nothing is known.
    """
    settings, contestant = study.settings, ground.contestant
    if not ground.space:
        return ground.config(contestant.defaults(), settings)
    tried = [t for t in searched(study, contestant.name) if settings.score(t) < math.inf]
    if not tried:
        return None
    best = min(tried, key=lambda t: (-t.epochs, settings.score(t), t.number))
    model = fit(ground, settings, searched(study, contestant.name))
    if model is None:
        return with_horizon(best.config, ground, study.task, study.task.epochs)
    point = model.best(settings.seed)
    where = ground.point(best.config.hyperparameters)
    if where is None or min(where) < 0 or max(where) > 1:  # it was shown another optimizer's best
        inside = float(model.predict(np.array([point]))[0][0])
        if model.expected(best, settings, tried) < inside:
            return with_horizon(best.config, ground, study.task, study.task.epochs)
    return ground.config(ground.values(point), settings)


def confirm(session: Session, best: Mapping[str, Config | None]) -> None:
    """Train each optimizer's best from fresh seeds until it is decided, or the budget is spent.

    What came to an end is measured on the whole training set and on the test set.
    """
    settings = session.study.settings
    first = settings.seed * SEEDS_APART + 1
    configs = {name: config for name, config in best.items() if config is not None}
    if session.live:  # states of the search are of no use any more
        session.shelf.clear()
    done: list[Running] = []
    names, seeds = list(configs), 0
    whole = bool(names) or not session.study.stopped
    try:
        while names:
            names, count = _affordable(session, names, seeds)
            if not count:
                break
            session.watch(f"confirming, seed {seeds + 1}", session.budget)
            fresh = range(first + seeds, first + seeds + count)
            some = {n: [replace(configs[n], seed=seed) for seed in fresh] for n in names}
            running = session.start(Stage.CONFIRM, some)
            done += running
            session.train(running, session.study.task.epochs)
            end_trials(running)
            session.tell(running)
            seeds += count
            names = _open(session, seeds)
    except OutOfTime:
        session.cut(f"the limit of {settings.seconds:g} s ended the study before its plan did")
        whole = False
    for name in ("training", "test"):
        if name in session.engine.sets:
            session.recover(unmeasured(done, name))
            measure_trials(session.programs, session.shelf, done, name)
    session.tell(done, finished=whole)
    session.stop.check()


def _left(session: Session) -> float:
    """Return how many full trainings are left of the budget."""
    settings = session.study.settings
    if settings.full_trainings is None:
        return math.inf
    return settings.full_trainings - session.budget.spent / session.study.task.epochs + 1e-9


def _affordable(session: Session, names: list[str], seeds: int) -> tuple[list[str], int]:
    """Return who gets seeds, and how many at once."""
    settings, left = session.study.settings, _left(session)
    if not settings.race:
        return names, settings.seeds - seeds
    if not seeds:  # one seed is the least there is
        return names, int(max(1, min(FIRST, settings.seeds, left // len(names))))
    if left < len(names):  # those that are ahead
        names = names[: int(left)] if left >= 2 else []
    return names, int(bool(names) and seeds < settings.seeds)


def _open(session: Session, seeds: int) -> list[str]:
    """Return the optimizers that get one more seed."""
    settings = session.study.settings
    if not settings.race:
        return []
    confirmed = {name: session.study.confirmed(name) for name in session.study.optimizers}
    scores = {
        name: [settings.score(trial) for trial in trials]
        for name, trials in confirmed.items()
        if trials
    }
    ahead = sorted(scores, key=lambda name: sum(scores[name]) / len(scores[name]))
    if seeds < FIRST:
        return ahead
    most = min(settings.seeds, seeds + int(min(_left(session) / 2, settings.seeds)))
    more = race(scores, settings.practical, most).more
    return [name for name in ahead if name in more]
