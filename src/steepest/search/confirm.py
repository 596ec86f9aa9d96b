"""Confirmation: the best configuration of each optimizer, from fresh seeds, as a race.

All optimizers meet the same seeds. At each look, which are few (`statistics.LOOKS`), those that
cannot be the best any more get no further seeds, nor does anybody once nothing is open. Beside the
first seeds each optimizer's defaults are trained too, as people want to see what tuning is worth.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from steepest.budget import FIRST, OutOfTime
from steepest.records import Config, Outcome, Settings, Stage, StudyRecord
from steepest.search.ahead import Guess, room
from steepest.search.outcomes import end_trials
from steepest.search.parts import measure_parts
from steepest.search.planning import plan_once
from steepest.search.runner import Running, measure_trials, unmeasured
from steepest.search.schedule_length import with_schedule_length
from steepest.search.search_space import SEEDS_APART, SearchSpace
from steepest.search.session import Session
from steepest.search.tuning import Tuner
from steepest.statistics import State, next_look, race

# The seeds of a study with seed s: s·1000 for the search, s·1000 + 1, + 2, ... to confirm.
DEFAULTS = 3  # seeds on which the frameworks' defaults are trained, at most


def best_config(study: StudyRecord, space: SearchSpace, tuner: Tuner | None) -> Config | None:
    """Return an optimizer's best configuration; None if no trial has a loss."""
    settings = study.settings
    if tuner is None:
        return space.config(space.contestant.defaults(), settings)
    best = tuner.best(settings)
    if best is None:
        return None
    config = space.config(best.values, settings)
    if settings.own_horizon:
        config = with_schedule_length(config, space, study.task, study.task.epochs)
    return config


def confirm(
    session: Session, spaces: Mapping[str, SearchSpace], best: Mapping[str, Config | None]
) -> None:
    """Train each optimizer's best from fresh seeds until it is decided, or the budget is spent.

    What came to an end is measured on the test set and, where there is time, on the whole training
    set. There is a verdict if the search came to its end, and a seed of each.
    """
    settings, epochs = session.study.settings, session.study.task.epochs
    configs = {name: config for name, config in best.items() if config is not None}
    searched = not session.study.stopped
    if session.live and searched:  # states of the search are of no use any more
        session.checkpoints.clear()
    done: list[Running] = []
    try:
        _rounds(session, spaces, configs, done)
    except OutOfTime:
        end_trials(done, epochs)
        session.cut(f"the limit of {settings.seconds:g} s ended the study before its plan did")
    session.ahead.expect((), {}, ())
    ran = [name for name in configs if session.study.confirmed(name)]
    if searched and configs and not ran and not session.study.stopped:
        total = session.study.allowed
        had = "1 full training" if total == 1 else f"{total:.3g} full trainings"
        session.cut(f"of {had} none is left to confirm what was found")
    common = min((_ended(session.study, name) for name in ran), default=0)
    whole = searched and (common > 0 or not configs)
    for name in ("test", "training") if not session.study.stopped else ("test",):
        if name in session.engine.sets:
            session.recover(unmeasured(done, name))
            measure_trials(session.programs, session.checkpoints, done, name)
    if not session.study.stopped:
        measure_parts(session, done)
    session.write(done, finished=whole)
    session.stop.check()


def _rounds(
    session: Session,
    spaces: Mapping[str, SearchSpace],
    configs: Mapping[str, Config],
    done: list[Running],
) -> None:
    """Train seeds until the verdict is found, those of a round at the same time."""
    settings, epochs = session.study.settings, session.study.task.epochs
    first = settings.seed * SEEDS_APART + 1
    names, seeds = list(configs), 0
    usual = usual_configs(session, spaces, configs)
    searched = any(space.ranges for space in spaces.values())
    while names:
        # Without a search, it is the first seeds that tell what a budget of seconds buys.
        total = session.study.allowed if searched or seeds else settings.full_trainings
        names, upto = _affordable(session, total, names, seeds, len(usual))
        if upto == seeds:
            return
        told = f"seed {upto}" if upto == seeds + 1 else f"seeds {seeds + 1} to {upto}"
        session.watch(f"confirming, {told}", session.budget)
        fresh = {n: range(first + _had(session, n), first + upto) for n in names}
        some = {n: [replace(configs[n], seed=seed) for seed in fresh[n]] for n in names}
        running = session.start(Stage.CONFIRM, some)
        done += running
        beside = (
            [] if seeds else _defaults(session, usual, len(running), range(first, first + upto))
        )
        _expect(session, {name: configs[name] for name in names}, upto, running + beside)
        try:
            for turn in _turns(session, running + beside):
                session.train(turn, epochs)
        finally:
            end_trials(running + beside, epochs)
            for one in beside:
                if one.trial.outcome is Outcome.FINISHED:
                    session.checkpoints.drop(one.trial.number)
            session.write(running + beside)
        if not searched:
            plan_once(session, spaces, running)
        seeds = upto
        names = _open(session, seeds)


def _expect(
    session: Session, configs: Mapping[str, Config], seeds: int, asked: list[Running]
) -> None:
    """Have idle workers train the seeds up to the next look, which all may get."""
    settings, epochs = session.study.settings, session.study.task.epochs
    for one in asked:  # which says what it is asked for
        one.until = epochs
    if not settings.race or seeds >= settings.seeds:
        return
    first = settings.seed * SEEDS_APART + 1
    fresh = range(first + seeds, first + next_look(seeds, settings.seeds))
    guesses = [Guess(n, replace(one, seed=s), epochs) for s in fresh for n, one in configs.items()]
    session.ahead.expect(guesses[: room(session.engine, len(asked))], {}, asked)


def usual_configs(
    session: Session, spaces: Mapping[str, SearchSpace], configs: Mapping[str, Config]
) -> dict[str, Config]:
    """Return the frameworks' defaults, but for those that a contestant is trained with anyway."""
    settings = session.study.settings
    known = [config.unseeded for config in configs.values()]
    usual = {
        name: space.config(space.contestant.defaults(), settings)
        for name, space in spaces.items()
        if space.ranges and name in configs
    }
    return {name: config for name, config in usual.items() if config.unseeded not in known}


def _defaults(
    session: Session, usual: Mapping[str, Config], taken: int, seeds: Sequence[int]
) -> list[Running]:
    """Start the frameworks' defaults on the first seeds, as far as the budget has them.

    `taken` are the trainings of the contestants on these seeds.
    """
    room = (_left(session, session.study.allowed) - taken) / max(1, len(usual))
    count = int(min(len(seeds), DEFAULTS, room))
    if session.study.judged:  # those that it has
        stages = [t.stage for t in session.replay.trials_of(next(iter(usual), ""))]
        count = min(len(seeds), stages.count(Stage.DEFAULT))
    some = {n: [replace(config, seed=s) for s in seeds[:count]] for n, config in usual.items()}
    return session.start(Stage.DEFAULT, some) if count > 0 else []


def _turns(session: Session, running: list[Running]) -> list[list[Running]]:
    """Return what is trained at a time: where time may end it, all optimizers on one seed, as only
    seeds that all of them have can be compared. Side by side, one seed takes as long as all."""
    together = all(program.places > 1 for program in session.programs.values())
    if session.study.settings.seconds is None or together:
        return [running]
    seeds = sorted({one.trial.config.seed for one in running})
    return [[one for one in running if one.trial.config.seed == seed] for seed in seeds]


def _left(session: Session, total: float | None) -> float:
    """Return how many full trainings are left of so many for the whole study; None: any number."""
    if total is None:
        return math.inf
    return total - session.budget.spent / session.study.task.epochs + 1e-9


def _had(session: Session, name: str) -> int:
    """Return how many seeds a contestant has; one that was behind for a look catches up."""
    return len(session.study.confirmed(name))


def _affordable(
    session: Session, total: float | None, names: list[str], seeds: int, usual: int
) -> tuple[list[str], int]:
    """Return who gets seeds, and up to how many, until the next look.

    Beside the first ones so many defaults are trained, for which a third seed of all is given up.
    A seed that not all can have is left: who is not among them would have had its last look before
    the others, and be judged as at a look on the way. Of a first seed alone nothing can be judged.
    """
    settings, left = session.study.settings, _left(session, total)
    if not settings.race:
        return names, settings.seeds
    # A last look that was taken before more seeds were asked for is a look.
    stops = [one for one in session.study.judged if one > seeds]
    look = min([next_look(seeds, settings.seeds), *stops])
    for upto in range(look, seeds, -1):  # as many as there are for all
        beside = usual if not seeds and upto > FIRST else 0
        if left >= sum(upto - _had(session, name) for name in names) + beside:
            return names, upto
    if seeds >= settings.seeds:
        return [], seeds
    if not seeds:
        return names[: int(left)], int(left >= 1)
    if seeds >= FIRST:
        return [], seeds
    # Those that are ahead, two at the least, as one alone says nothing.
    some = [name for name in names if _had(session, name) == seeds][: int(left)]
    return (some, seeds + 1) if len(some) >= FIRST else ([], seeds)


def _ended(study: StudyRecord, name: str) -> int:
    whole = study.task.epochs
    found = study.confirmed(name)
    return sum(t.epochs >= whole or t.lost or t.stopped_early(whole) for t in found)


def _open(session: Session, seeds: int) -> list[str]:
    """Return the optimizers that get more seeds, those that are ahead first."""
    settings = session.study.settings
    if not settings.race:
        return []
    scores = confirmed_scores(session.study, settings)
    ahead = sorted(scores, key=lambda name: sum(scores[name]) / len(scores[name]))
    if seeds < FIRST:
        return ahead
    before = max(session.study.judged, default=0)
    if seeds < before:  # a study that gets more seeds keeps those that it has
        had = {n: [t.stage for t in session.replay.trials_of(n)] for n in ahead}
        kept = [name for name in ahead if had[name].count(Stage.CONFIRM) > seeds]
        if kept:
            return kept
    left = _left(session, session.study.allowed)
    most = min(settings.seeds, seeds + int(min(left / 2, settings.seeds)))
    study = session.study
    found = race(scores, settings.margin, most, judged=study.judged, alike=study.configured())
    more: Sequence[str] = found.more
    if session.study.judged and State.OPEN in found.states.values():
        # Who asks for more seeds gets them, also where they will hardly decide.
        more = [n for n, state in found.states.items() if state in (State.LEADER, State.OPEN)]
    return [name for name in ahead if name in more]


def confirmed_scores(study: StudyRecord, settings: Settings) -> dict[str, list[float]]:
    """Return the scores of each contestant that has seeds, in order of seeds; lower is better."""
    found = {name: study.confirmed(name) for name in study.optimizers}
    return {n: [settings.score(t) for t in trials] for n, trials in found.items() if trials}
