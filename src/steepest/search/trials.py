"""Trials in training: started, trained a rung further, halved, ended."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.budget import Budget
from steepest.engines.engine import Engine, Program
from steepest.engines.shelf import Shelf
from steepest.engines.state import Advance, State
from steepest.halving import survivors
from steepest.plain import plain
from steepest.records import Config, Curves, Outcome, Population, Stage, TaskFacts, Trial
from steepest.spaces import Value
from steepest.workers import Job, Pace, train

log = logging.getLogger(__name__)

Watch = Callable[[str, Budget], None]  # what is being done, and how much of it is left
# What is compiled once: rule, dialect, schedule, choices, and which numbers there are.
Key = tuple[str, str, str, tuple[tuple[str, Value], ...], tuple[str, ...]]


ALIVE = (Outcome.UNFINISHED, Outcome.FINISHED)
FAILURES = 3  # of trials in a row, when none was ever trained: then it is not the configuration
EXPLODED = 1000.0  # times what trials begin with, which a loss does not come back from


@dataclass
class Running:
    """A trial in training. Its state is on the shelf, by its number."""

    trial: Trial
    seconds: float = 0.0  # before the call that trains it now


def program_key(config: Config) -> Key:
    """Return what the compiled program of `config` depends on."""
    return (
        config.rule,
        config.dialect,
        config.schedule,
        tuple(sorted(config.choices.items())),
        # The length of a schedule is a number that every program with a schedule has.
        tuple(sorted(name for name in config.numbers if name != "decay_steps")),
    )


def start_trials(
    configs: Mapping[str, Sequence[Config]], stage: Stage, first: int
) -> list[Running]:
    pairs = [(name, config) for name, some in configs.items() for config in some]
    return [
        Running(Trial(first + i, name, stage, config)) for i, (name, config) in enumerate(pairs)
    ]


@dataclass
class Training:
    """What training takes: where states wait, what it costs, and who hears of it."""

    engine: Engine
    programs: Mapping[Key, Program]
    shelf: Shelf
    pace: Pace
    progress: Callable[[int, int], None]  # epochs planned and trained
    noted: Callable[[list[Running]], None]  # trials that have got further


def train_trials(training: Training, running: list[Running], epochs: int) -> None:
    """Train all of `running` up to `epochs`, those of one program together."""
    jobs = [
        _job(training, training.programs[key], group, epochs)
        for key, group in _by_program(running).items()
    ]
    train(jobs, training.engine.workers, training.progress, training.pace)


def recover(training: Training, running: list[Running]) -> None:
    """Bring the states of trials that are known from before to where their curves end.

    From what was kept of them, or from the start; this is trained for a second time, so it costs
    nothing of the budget, and nobody counts it.
    """
    behind: dict[int, list[Running]] = {}
    for one in running:
        number, trial = one.trial.number, one.trial
        if number in training.shelf or not trial.epochs or trial.outcome not in ALIVE:
            continue
        population = Population.of([trial.config])
        begun = training.programs[program_key(trial.config)].begin(population)
        found = training.shelf.find(number, trial.config, begun)
        usable = found is not None and int(found.epoch[0]) <= trial.epochs
        training.shelf.put(number, trial.config, found if found and usable else begun)
        at = int(training.shelf.get(number).epoch[0])
        log.debug("trial %d: state of epoch %d for %d epochs", number, at, trial.epochs)
        if at < trial.epochs:
            behind.setdefault(trial.epochs, []).append(one)
    again = replace(training, progress=lambda *_: None, noted=lambda _: None)
    for epochs, some in behind.items():
        train_trials(again, some, epochs)


def _job(training: Training, program: Program, group: list[Running], epochs: int) -> Job:
    population = Population.of([one.trial.config for one in group])
    shelf = training.shelf

    def begin(members: Sequence[int]) -> State:
        numbers = [group[member].trial.number for member in members]
        for member in members:
            group[member].seconds = group[member].trial.seconds
        if all(number in shelf for number in numbers):
            return State.join([shelf.get(number) for number in numbers])
        return program.begin(population.take(members))

    def end(members: Sequence[int], state: State, measured: Advance) -> None:
        for i, member in enumerate(members):
            one, own = group[member], state.take([i])
            one.trial = _grown(training.engine.facts, one, own, measured, i)
            if one.trial.outcome in ALIVE:
                shelf.put(one.trial.number, one.trial.config, own)
            else:
                shelf.drop(one.trial.number)
        training.noted([group[member] for member in members])

    def fail(member: int, reason: str) -> None:
        one = group[member]
        log.warning("trial %d of %s failed: %s", one.trial.number, one.trial.optimizer, reason)
        one.trial = replace(one.trial, outcome=Outcome.FAILED, reason=plain(reason))
        shelf.drop(one.trial.number)
        training.noted([one])

    return Job(program, population, begin, end, epochs, fail)


def _by_program(running: list[Running]) -> dict[Key, list[Running]]:
    groups: dict[Key, list[Running]] = {}
    for one in running:
        groups.setdefault(program_key(one.trial.config), []).append(one)
    return groups


def unmeasured(running: list[Running], on: str) -> list[Running]:
    """Return the trials that were trained to the end and are not measured on a set yet."""
    return [
        one
        for one in running
        if one.trial.outcome is Outcome.FINISHED and getattr(one.trial, on) is None
    ]


def measure_trials(
    programs: Mapping[Key, Program], shelf: Shelf, running: list[Running], on: str
) -> None:
    """Measure trials on the "test" or the "training" set, those of a program at once, as a stream
    is read for each call."""
    for key, group in _by_program(unmeasured(running, on)).items():
        population = Population.of([one.trial.config for one in group])
        state = State.join([shelf.get(one.trial.number) for one in group])
        found = programs[key].measure(population, state, on)
        for one, values in zip(group, found, strict=True):
            named: dict[str, Any] = {on: values}
            one.trial = replace(one.trial, **named)


def _grown(facts: TaskFacts, one: Running, state: State, measured: Advance, member: int) -> Trial:
    """Return the trial with the epochs that were just trained, and are not known already."""
    trial, count = one.trial, int(measured.trained[member])
    known = trial.epochs - (int(state.epoch[0]) - count)  # of those
    epochs = tuple(range(trial.epochs + 1, trial.epochs + count - known + 1))
    values = {
        n: tuple(float(v) for v in a[member, known:count]) for n, a in measured.values.items()
    }
    curves = Curves(
        epochs,
        tuple(epoch * facts.steps_per_epoch for epoch in epochs),
        values.get("training_loss", ()),
        values.get("loss", ()),
        {name: values.get(name, ()) for name in facts.metrics},
    )
    share = count / max(1, int(measured.trained.sum()))
    return replace(
        trial,
        curves=trial.curves + curves,
        outcome=trial.outcome if state.alive[0] else Outcome.DIVERGED,
        seconds=max(trial.seconds, one.seconds + measured.seconds * share),
    )


def halve_trials(
    running: list[Running], shelf: Shelf, count: int, expected: Callable[[Trial], float]
) -> None:
    """Mark each optimizer's trials but the `count` of which least is expected, and forget their
    states."""
    begun = [one.trial.curves.validation_loss[:1] for one in running]
    usual = float(np.median([loss for some in begun for loss in some if np.isfinite(loss)] or [0]))
    for name in dict.fromkeys(one.trial.optimizer for one in running):
        mine = [one for one in running if one.trial.optimizer == name]
        on = set(survivors([expected(one.trial) for one in mine], count))
        for i, one in enumerate(mine):
            if one.trial.outcome is Outcome.UNFINISHED and i not in on:
                one.trial = replace(one.trial, outcome=_why_not(one.trial, usual))
                shelf.drop(one.trial.number)


def _why_not(trial: Trial, usual: float) -> Outcome:
    """Return why a trial does not go on; `usual` is the loss that trials begin with."""
    curves = trial.curves
    last = max((*curves.training_loss[-1:], *curves.validation_loss[-1:]), default=0.0)
    if trial.epochs > 1 and len(set(curves.training_loss)) == len(set(curves.validation_loss)) == 1:
        return Outcome.CONSTANT
    if last > EXPLODED * usual > 0:
        return Outcome.EXPLODED
    return Outcome.HALVED


def end_trials(running: list[Running]) -> None:
    """Mark the trials that were trained to the end."""
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED:
            one.trial = replace(one.trial, outcome=Outcome.FINISHED)
