"""Tuning: the trials of the search, of all optimizers side by side, as the strategy asks for them.

All optimizers have the same budget, the same initial weights and the same order of the data. Each
turn trains what the strategy of each asks for next; turns end when no budget pays for another.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from steepest.records import Config, Outcome, Settings, Stage, TaskFacts, Trial
from steepest.search import time_limit
from steepest.search.ahead import Guess, room
from steepest.search.choice import Tried, Worse, choose, steady_score
from steepest.search.far_rates import memorizes
from steepest.search.foresight import foresee
from steepest.search.outcomes import end_trials, let_go
from steepest.search.planning import plan_once
from steepest.search.runner import Running
from steepest.search.schedule_length import with_schedule_length
from steepest.search.search_space import SEEDS_APART, SearchSpace, Values
from steepest.search.session import Session
from steepest.search.strategy import Ask, Lengths, first_asks, next_asks, with_budget
from steepest.text import setting

Spaces = Mapping[str, SearchSpace]
MOST = 40  # trainings of an optimizer ahead of what is asked for
KEPT = 4  # trials of half length of an optimizer whose states are kept, as they may go on


@dataclass
class Tuner:
    """One optimizer's search so far."""

    space: SearchSpace
    lengths: Lengths
    starts: Sequence[Values]
    asked: list[tuple[Ask, Running]] = field(default_factory=list)
    trivial_loss: float = math.nan  # of one answer for every example, where it is known

    def tried(self, settings: Settings) -> list[Tried]:
        """Return what was tried; a configuration whose schedule was drawn out is one, not two."""
        found: dict[int, Tried] = {}
        lengths = self.lengths
        again: dict[int, list[float]] = {}
        for ask, one in self.asked:
            if ask.seed:
                number = next(t.number for t in found.values() if t.values == ask.values)
                again.setdefault(number, []).append(_steady(settings, one.trial, lengths.whole))
                continue
            trial = one.trial
            half = _score(settings, trial, lengths.half)
            full = _score(settings, trial, lengths.whole) if ask.epochs == lengths.whole else None
            early = trial.stopped_early(lengths.whole)
            cost = min(ask.epochs, trial.epochs) if early else ask.epochs
            values, number = ask.values, trial.number
            before = next((t for t in found.values() if t.values == values), None)
            if ask.goes_on is not None:
                number, cost = ask.goes_on, trial.epochs if early else lengths.whole
                half = found[number].half if number in found else half
            elif before is not None:  # once more from its start
                number, cost, half = before.number, before.cost + cost, before.half
            # What was stopped early goes on for nothing: it has been trained to its end.
            waits = trial.outcome is Outcome.UNFINISHED or early
            waits = waits and full is None and not lengths.restart
            steady = None if full is None else _steady(settings, trial, lengths.whole)
            fitted = _fitted(trial, ask.epochs)
            made = Tried(number, values, half, full, cost, waits, steady)
            wild, memorized = fitted > self.trivial_loss, memorizes(fitted, self.trivial_loss)
            found[number] = replace(made, wild=wild, memorized=memorized)
        return [replace(t, again=tuple(again.get(number, ()))) for number, t in found.items()]

    def next_asks(self, settings: Settings) -> list[Ask]:
        """Return what to train next."""
        return next_asks(self.space, self.starts, self.tried(settings), self.lengths)

    def foresee(self, settings: Settings, count: int) -> list[tuple[float, Ask]]:
        """Return what may be asked for beside what is in training, each with its chance."""
        left = [ask for ask, one in self.asked if _in_training(ask, one)]
        if any(ask.seed for ask in left):
            return []

        def asks(tried: Sequence[Tried]) -> list[Ask]:
            return next_asks(self.space, self.starts, tried, self.lengths)

        lengths = self.lengths
        return foresee(self.tried(settings), left, asks, lengths.whole, count, lengths.restart)

    def best(self, settings: Settings) -> Tried | None:
        """Return the configuration to confirm, as far as is known."""
        return choose(self.space, self.tried(settings), _worse(settings))


def make_tuners(settings: Settings, facts: TaskFacts, spaces: Spaces) -> dict[str, Tuner]:
    """Return the search of each optimizer that is tuned, before its first trial."""
    most, restart = settings.trials, settings.own_horizon
    trivial = facts.trivial.values if facts.trivial and not facts.trivial.weighed else {}
    score = trivial.get(settings.decides, math.nan) * (-1 if settings.maximize else 1)
    lengths = Lengths(
        settings.rungs[0], facts.epochs, 0.0, most=most, restart=restart, trivial=score
    )
    loss = trivial.get("loss", math.nan)
    return {
        name: Tuner(space, lengths, space.starts(settings), trivial_loss=loss)
        for name, space in spaces.items()
        if space.ranges
    }


def tune(session: Session, spaces: Spaces, tuners: Mapping[str, Tuner]) -> None:
    """Search each optimizer's configurations until its budget is spent.

    The tuners know what was tried, also where this is cut short.

    Raises:
        OutOfTime: the deadline is over.
        Stopped: somebody asked to stop.
    """
    settings, facts = session.study.settings, session.study.task
    if not tuners:
        return
    half = settings.rungs[0]
    _budget(tuners, settings.search)
    session.watch(f"search, the first at {half} of {facts.epochs} epochs", session.budget)
    asks = {n: first_asks(t.starts, t.lengths) for n, t in tuners.items()}
    running = _start(session, tuners, asks)
    _expect(session, tuners, running)
    time_limit.explore(session, running)
    planned = plan_once(session, spaces, running)
    _budget(tuners, planned.search)
    session.watch("search", session.budget)
    while True:
        _put_away(session, tuners)
        asks = {name: tuner.next_asks(settings) for name, tuner in tuners.items()}
        if not any(asks.values()):
            break
        session.stop.check()
        running = _start(session, tuners, asks)
        _expect(session, tuners, running)
        session.train(running)
        session.budget.best = _best_so_far(session, tuners)


def end_search(session: Session, tuners: Mapping[str, Tuner]) -> None:
    """Mark how the trials of the search ended, and forget their states."""
    running = [one for tuner in tuners.values() for _, one in tuner.asked]
    every = list({one.trial.number: one for one in running}.values())
    session.ahead.expect((), {}, ())
    end_trials(every, session.study.task.epochs)
    let_go(every, session.checkpoints, session.study.initial.get("loss", math.nan))
    session.write(every)


def _best_so_far(session: Session, tuners: Mapping[str, Tuner]) -> str:
    """Return what did best until now, for those who wait."""
    settings = session.study.settings
    found = {name: tuner.best(settings) for name, tuner in tuners.items()}
    able = [(one.full, name, one) for name, one in found.items() if one and one.full is not None]
    if not able:
        return ""
    score, name, one = min(able, key=lambda each: each[:2])
    rate = one.values.get("learning_rate")
    at = f" at {setting(rate)}" if rate is not None else ""
    return f"{name}{at}: {settings.decides} {abs(score or 0.0):.4g}"


def _budget(tuners: Mapping[str, Tuner], trainings: float) -> None:
    for tuner in tuners.values():
        tuner.lengths = with_budget(tuner.lengths, trainings)


def _start(
    session: Session, tuners: Mapping[str, Tuner], asks: Mapping[str, Sequence[Ask]]
) -> list[Running]:
    """Return what is asked for, ready to be trained: new trials, and those that go on."""
    found: list[Running] = []
    for name, some in asks.items():
        tuner = tuners[name]
        for ask in some:
            before = [one for _, one in tuner.asked if one.trial.number == ask.goes_on]
            if before:
                one = before[0]
            else:
                config = _config(session, tuner, ask)
                one = session.start(Stage.SEARCH, {name: [config]})[0]
            one.until = ask.epochs
            tuner.asked.append((ask, one))
            found.append(one)
    return found


def _config(session: Session, tuner: Tuner, ask: Ask) -> Config:
    """Return the configuration that an ask is of."""
    settings = session.study.settings
    config = tuner.space.config(ask.values, settings)
    config = replace(config, seed=config.seed + (ask.seed and SEEDS_APART - ask.seed))
    if settings.own_horizon:
        config = with_schedule_length(config, tuner.space, session.study.task, ask.epochs)
    return config


def _expect(session: Session, tuners: Mapping[str, Tuner], asked: list[Running]) -> None:
    """Have idle workers train what may be asked for next, the likeliest of all optimizers."""
    count = room(session.engine, len(asked))
    if not count:
        return
    settings, found = session.study.settings, list[tuple[float, Guess]]()
    waiting = {
        one.trial.number: one
        for tuner in tuners.values()
        for ask, one in tuner.asked
        if one.trial.number in session.checkpoints and not _in_training(ask, one)
    }
    for name, tuner in tuners.items():
        for chance, ask in tuner.foresee(settings, min(count, MOST)):
            if ask.goes_on is None or ask.goes_on in waiting:
                config = _config(session, tuner, ask)
                found.append((chance, Guess(name, config, ask.epochs, ask.goes_on)))
    found.sort(key=lambda pair: -pair[0])
    session.ahead.expect([guess for _, guess in found[:count]], waiting, asked)


def _in_training(ask: Ask, one: Running) -> bool:
    return one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs < ask.epochs


def _put_away(session: Session, tuners: Mapping[str, Tuner]) -> None:
    """End the trials that are done, and of those that may go on, keep the best alone."""
    settings, epochs = session.study.settings, session.study.task.epochs
    gone: list[Running] = []
    for tuner in tuners.values():
        some = {one.trial.number: one for _, one in tuner.asked}.values()
        end_trials(list(some), epochs)
        waiting = [one for one in some if one.trial.outcome is Outcome.UNFINISHED]
        if settings.own_horizon:
            for one in waiting:
                one.trial = replace(one.trial, outcome=Outcome.SHORT)
                session.checkpoints.drop(one.trial.number)
            continue
        waiting.sort(key=lambda one: (settings.score(one.trial), one.trial.number))
        gone += waiting[KEPT:]
    let_go(gone, session.checkpoints, session.study.initial.get("loss", math.nan))
    session.write([one for tuner in tuners.values() for _, one in tuner.asked])


def _fitted(trial: Trial, epochs: int) -> float:
    """Return the loss in training by an epoch: a trial that goes on may be further already."""
    then = _by(trial, epochs)
    return math.nan if then is None else next(reversed(then.curves.training_loss), math.nan)


def _score(settings: Settings, trial: Trial, epochs: int) -> float | None:
    """Return what a trial got by an epoch; infinite where it was lost before, None if untrained."""
    then = _by(trial, epochs)
    return then if then is None else math.inf if then.lost else settings.score(then)


def _steady(settings: Settings, trial: Trial, epochs: int) -> float:
    """Return its `steady_score` by an epoch; infinite where it was lost, or was not trained."""
    then = _by(trial, epochs)
    return math.inf if then is None or then.lost else steady_score(settings, then)


def _by(trial: Trial, epochs: int) -> Trial | None:
    """Return a trial as it was at an epoch, or where it was lost before; None if untrained."""
    if trial.lost and trial.epochs <= epochs:
        return trial
    if trial.epochs < epochs and not trial.stopped_early(epochs):
        return None
    return replace(trial, outcome=Outcome.UNFINISHED, curves=trial.curves.upto(epochs))


def _worse(settings: Settings) -> Worse:
    """Return what tells whether a score is so many times another: of the loss, or of the errors."""

    def worse(score: float, mine: float, times: float) -> bool:
        if not math.isfinite(score):
            return True
        if settings.maximize and 0 < -mine <= 1:
            return 1 + score > times * (1 + mine) + 0.05
        return mine > 0 and score > times * mine

    return worse
