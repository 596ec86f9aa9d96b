"""Trials in training: started, trained a rung further, halved, ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steepest.budget import Budget
from steepest.engines.engine import Engine, Program
from steepest.engines.shelf import Shelf
from steepest.engines.state import Advance, State
from steepest.halving import survivors
from steepest.records import Config, Curves, Outcome, Population, Stage, TaskFacts, Trial
from steepest.spaces import Value
from steepest.workers import Job, train

Watch = Callable[[str, Budget], None]  # what is being done, and how much of it is left
# What is compiled once: rule, dialect, schedule, choices, and which numbers there are.
Key = tuple[str, str, str, tuple[tuple[str, Value], ...], tuple[str, ...]]


@dataclass
class Running:
    """A trial in training. Its state is on the shelf, by its number."""

    trial: Trial


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


def train_trials(
    engine: Engine,
    programs: Mapping[Key, Program],
    shelf: Shelf,
    running: list[Running],
    epochs: int,
    budget: Budget,
    watch: Watch,
) -> None:
    """Train all of `running` up to `epochs`, those of one program together."""
    jobs = [
        _job(engine, programs[key], shelf, group, epochs)
        for key, group in _by_program(running).items()
    ]

    def progress(planned: int, spent: int) -> None:
        budget.charge(planned, spent)
        watch("", budget)

    train(jobs, engine.workers, progress)


def _job(engine: Engine, program: Program, shelf: Shelf, group: list[Running], epochs: int) -> Job:
    population = Population.of([one.trial.config for one in group])

    def begin(members: range) -> State:
        numbers = [group[member].trial.number for member in members]
        if all(number in shelf for number in numbers):
            return State.join([shelf.get(number) for number in numbers])
        return program.begin(population.take(members))

    def end(members: range, state: State, measured: Advance) -> None:
        for i, member in enumerate(members):
            one, own = group[member], state.take([i])
            shelf.put(one.trial.number, own)
            one.trial = _grown(engine.facts, one.trial, own, measured, i)

    return Job(program, population, begin, end, epochs)


def _by_program(running: list[Running]) -> dict[Key, list[Running]]:
    groups: dict[Key, list[Running]] = {}
    for one in running:
        groups.setdefault(program_key(one.trial.config), []).append(one)
    return groups


def measure_trials(
    programs: Mapping[Key, Program], shelf: Shelf, running: list[Running], on: str
) -> None:
    """Measure the trials that were trained to the end on the "test" or the "training" set, those of
    a program at once, as a stream is read for each call."""
    finished = [one for one in running if one.trial.outcome is Outcome.FINISHED]
    for key, group in _by_program(finished).items():
        population = Population.of([one.trial.config for one in group])
        state = State.join([shelf.get(one.trial.number) for one in group])
        found = programs[key].measure(population, state, on)
        for one, values in zip(group, found, strict=True):
            named: dict[str, Any] = {on: values}
            one.trial = replace(one.trial, **named)


def _grown(facts: TaskFacts, trial: Trial, state: State, measured: Advance, member: int) -> Trial:
    """Return `trial` with the epochs that were just trained."""
    count = int(measured.trained[member])
    epochs = tuple(range(trial.epochs + 1, trial.epochs + count + 1))
    values = {n: tuple(float(v) for v in a[member, :count]) for n, a in measured.values.items()}
    curves = Curves(
        epochs,
        tuple(epoch * facts.steps_per_epoch for epoch in epochs),
        values["training_loss"],
        values["loss"],
        {name: values[name] for name in facts.metrics},
    )
    share = count / max(1, int(measured.trained.sum()))
    return replace(
        trial,
        curves=trial.curves + curves,
        outcome=trial.outcome if state.alive[0] else Outcome.DIVERGED,
        seconds=trial.seconds + measured.seconds * share,
    )


def halve_trials(
    running: list[Running], shelf: Shelf, count: int, expected: Callable[[Trial], float]
) -> None:
    """Mark each optimizer's trials but the `count` of which least is expected, and forget their
    states."""
    for name in dict.fromkeys(one.trial.optimizer for one in running):
        mine = [one for one in running if one.trial.optimizer == name]
        on = set(survivors([expected(one.trial) for one in mine], count))
        for i, one in enumerate(mine):
            if one.trial.outcome is Outcome.UNFINISHED and i not in on:
                one.trial = replace(one.trial, outcome=Outcome.HALVED)
                shelf.drop(one.trial.number)


def end_trials(running: list[Running]) -> None:
    """Mark the trials that were trained to the end."""
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED:
            one.trial = replace(one.trial, outcome=Outcome.FINISHED)
