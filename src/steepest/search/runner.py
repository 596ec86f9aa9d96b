"""Trials in training: started, trained further, measured."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from steepest.budget import Budget
from steepest.checkpoints import Checkpoints
from steepest.engines.callbacks import CallbackEngine
from steepest.engines.mixed import MixedPopulation, Places, joined
from steepest.engines.population import Population
from steepest.engines.protocol import Engine, Program, Trains
from steepest.engines.state import Advance, State
from steepest.records import Config, Curves, Outcome, Stage, TaskFacts, Trial
from steepest.spaces import Value
from steepest.text import plain
from steepest.workers.driver import train_out
from steepest.workers.local import Job, Pace, train
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import untrained

log = logging.getLogger(__name__)

Watch = Callable[[str, Budget], None]  # what is being done, and how much of it is left
# What is compiled once: rule, dialect, schedule, choices, and which numbers there are.
Key = tuple[str, str, str, tuple[tuple[str, Value], ...], tuple[str, ...]]


ALIVE = (Outcome.UNFINISHED, Outcome.FINISHED)
# Trials that failed before any was trained: then it is the model, and no configuration. A limit of
# patience, not measured.
FAILURES = 3


@dataclass
class Running:
    """A trial in training. Its state is on the checkpoints, by its number."""

    trial: Trial
    seconds: float = 0.0  # before the call that trains it now
    until: int = 0  # the epoch up to which it is to be trained
    kinds: set[str] = field(default_factory=set)  # of workers that trained it, if they are mixed


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
    checkpoints: Checkpoints
    pace: Pace
    progress: Callable[[int, int], None]  # epochs planned and trained
    noted: Callable[[list[Running]], None]  # trials that have got further


def train_trials(training: Training, running: list[Running], ahead: Sequence[Job] = ()) -> None:
    """Train each of `running` as far as it is to go, those of one length together whose program is
    one, or whose programs' members one call trains.

    Workers that nothing else needs train the jobs `ahead`; nobody waits for these.
    """
    calls: dict[tuple[int, int], list[Running]] = {}
    for one in running:
        program = training.programs[program_key(one.trial.config)]
        calls.setdefault((id(program.together or program), one.until), []).append(one)
    jobs = [job_of(training, some, until) for (_, until), some in calls.items()]
    if isinstance(training.engine, RemoteEngine):
        train_out([*jobs, *ahead], training.engine, training.progress, training.pace)
    else:
        train(jobs, training.engine.workers, training.progress, training.pace)


def recover(training: Training, running: list[Running]) -> None:
    """Bring the states of trials that are known from before to where their curves end.

    From what was kept of them, or from the start; this is trained for a second time, so it costs
    nothing of the budget, and nobody counts it.
    """
    behind: list[Running] = []
    for one in running:
        number, trial = one.trial.number, one.trial
        if number in training.checkpoints or not trial.epochs or trial.outcome not in ALIVE:
            continue
        population = Population.of([trial.config])
        begun = training.programs[program_key(trial.config)].begin(population)
        found = training.checkpoints.find(number, trial.config, begun)
        if isinstance(training.engine, CallbackEngine) and training.engine.forgets:
            found = None  # what callbacks of the person's own remember is in no file
        usable = found is not None and int(found.epoch[0]) <= trial.epochs
        training.checkpoints.put(number, trial.config, found if found and usable else begun)
        at = int(training.checkpoints.get(number).epoch[0])
        log.debug("trial %d: state of epoch %d for %d epochs", number, at, trial.epochs)
        if at < trial.epochs:
            behind.append(one)
    again = replace(training, progress=lambda *_: None, noted=lambda _: None)
    wanted = [one.until for one in behind]
    for one in behind:
        one.until = one.trial.epochs
    try:
        train_trials(again, behind)
    finally:
        for one, until in zip(behind, wanted, strict=True):
            one.until = until


def job_of(training: Training, group: list[Running], epochs: int) -> Job:
    """Return what trains some trials up to an epoch, and keeps what came of them.

    They are of one program, or of some that train together.
    """
    program, population, group = _together(training, group)
    checkpoints = training.checkpoints

    def begin(members: Sequence[int]) -> State:
        numbers = [group[member].trial.number for member in members]
        for member in members:
            group[member].seconds = group[member].trial.seconds
        fresh = [m for m, number in zip(members, numbers, strict=True) if number not in checkpoints]
        if len(fresh) == len(members) and isinstance(training.engine, RemoteEngine):
            return untrained(len(members))  # who trains them draws their weights
        if len(fresh) == len(members):
            return program.begin(population.take(members))
        # Others had begun before a kill: that is neither trained twice nor charged twice.
        found = {m: checkpoints.get(group[m].trial.number) for m in members if m not in fresh}
        found |= {m: program.begin(population.take([m])) for m in fresh}
        return joined(population.take(members), [found[m] for m in members])

    def end(members: Sequence[int], state: State, measured: Advance) -> None:
        for i, member in enumerate(members):
            one, own = group[member], state.take([i])
            one.trial = _grown(training.engine.facts, one, own, measured, i)
            one.kinds |= {measured.kind} - {""}
            if one.trial.outcome in ALIVE:
                checkpoints.put(one.trial.number, one.trial.config, own)
            else:
                checkpoints.drop(one.trial.number)
        training.noted([group[member] for member in members])

    def fail(member: int, reason: str) -> None:
        one = group[member]
        log.warning("trial %d of %s failed: %s", one.trial.number, one.trial.optimizer, reason)
        one.trial = replace(one.trial, outcome=Outcome.FAILED, reason=plain(reason))
        checkpoints.drop(one.trial.number)
        training.noted([one])

    return Job(program, population, begin, end, epochs, fail)


def _together(
    training: Training, group: list[Running]
) -> tuple[Trains, Population | MixedPopulation, list[Running]]:
    """Return what trains trials, their configurations, and the trials in that order.

    Those of several rules by turns, so that each part of them has about as many of each.
    """
    own = [training.programs[program_key(one.trial.config)] for one in group]
    together = own[0].together
    if together is None or all(one is own[0] for one in own):
        return own[0], Population.of([one.trial.config for one in group]), group
    rules = {id(program): rule for rule, program in enumerate(together.programs)}
    which = [rules[id(one)] for one in own]
    order = np.argsort(Places.of(which).index, kind="stable").tolist()
    group = [group[i] for i in order]
    configs = [one.trial.config for one in group]
    return together, MixedPopulation.of(configs, [which[i] for i in order]), group


def with_kinds(
    known: Mapping[str, tuple[int, ...]], running: list[Running]
) -> dict[str, tuple[int, ...]]:
    """Return which trials each kind of worker trained, with what is known of these."""
    found = {kind: set(numbers) for kind, numbers in known.items()}
    for one in running:
        for kind in one.kinds:
            found.setdefault(kind, set()).add(one.trial.number)
    return {kind: tuple(sorted(numbers)) for kind, numbers in found.items()}


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
    programs: Mapping[Key, Program], checkpoints: Checkpoints, running: list[Running], on: str
) -> None:
    """Measure trials on the "test" or the "training" set, those of a program at once, as a stream
    is read for each call."""
    for key, group in _by_program(unmeasured(running, on)).items():
        population = Population.of([one.trial.config for one in group])
        state = State.join([checkpoints.get(one.trial.number) for one in group])
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
    outcome = trial.outcome if state.alive[0] else Outcome.DIVERGED
    if state.alive[0] and not state.goes_on(0):
        outcome = Outcome.FINISHED  # a callback stopped it
    return replace(
        trial,
        curves=trial.curves + curves,
        outcome=outcome,
        seconds=max(trial.seconds, one.seconds + measured.seconds * share),
    )
