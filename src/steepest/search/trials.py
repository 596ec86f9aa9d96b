"""Trials in training: started, trained a rung further, halved, ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from steepest.budget import Budget
from steepest.engines.compiled import Program
from steepest.engines.state import Advance, State, begin
from steepest.halving import survivors
from steepest.records import Config, Curves, Outcome, Population, Stage, Trial
from steepest.spaces import Value
from steepest.tasks.task import Task
from steepest.workers import Job, train

Watch = Callable[[str, Budget], None]  # what is being done, and how much of it is left
# What is compiled once: rule, dialect, schedule, choices, and which numbers there are.
Key = tuple[str, str, str, tuple[tuple[str, Value], ...], tuple[str, ...]]


@dataclass
class Running:
    """A trial in training: its record so far, and its state."""

    trial: Trial
    state: State | None = None


def program_key(config: Config) -> Key:
    """Return what the compiled program of `config` depends on."""
    return (
        config.rule,
        config.dialect,
        config.schedule,
        tuple(sorted(config.choices.items())),
        tuple(sorted(config.numbers)),
    )


def start_trials(
    configs: Mapping[str, Sequence[Config]], stage: Stage, first: int
) -> list[Running]:
    pairs = [(name, config) for name, some in configs.items() for config in some]
    return [
        Running(Trial(first + i, name, stage, config)) for i, (name, config) in enumerate(pairs)
    ]


def train_trials(
    task: Task,
    programs: dict[Key, Program],
    running: list[Running],
    epochs: int,
    budget: Budget,
    watch: Watch,
) -> None:
    """Train all of `running` up to `epochs`, those of one program together."""
    groups: dict[Key, list[Running]] = {}
    for one in running:
        groups.setdefault(program_key(one.trial.config), []).append(one)
    jobs = []
    for key, group in groups.items():
        population = Population.of([one.trial.config for one in group])
        states = [one.state for one in group if one.state is not None]
        state = State.join(states) if states else begin(task, population)
        for one in group:
            one.state = None  # it is in the job now; weights take memory
        jobs.append(Job(programs[key], population, state, epochs))

    def progress(planned: int, spent: int) -> None:
        budget.charge(planned, spent)
        watch("", budget)

    for group, parts in zip(groups.values(), train(jobs, progress), strict=True):
        members = iter(group)
        for state, measured in parts:
            for i in range(len(state)):
                one = next(members)
                one.state = state.take([i])
                one.trial = _grown(task, one.trial, one.state, measured, i)


def _grown(task: Task, trial: Trial, state: State, measured: Advance, member: int) -> Trial:
    """Return `trial` with the epochs that were just trained."""
    count = int(measured.trained[member])
    epochs = tuple(range(trial.epochs + 1, trial.epochs + count + 1))
    values = {n: tuple(float(v) for v in a[member, :count]) for n, a in measured.values.items()}
    curves = Curves(
        epochs,
        tuple(epoch * task.facts.steps_per_epoch for epoch in epochs),
        values["training_loss"],
        values["loss"],
        {name: values[name] for name in task.facts.metrics},
    )
    share = count / max(1, int(measured.trained.sum()))
    return replace(
        trial,
        curves=trial.curves + curves,
        outcome=trial.outcome if state.alive[0] else Outcome.DIVERGED,
        seconds=trial.seconds + measured.seconds * share,
    )


def halve_trials(names: Sequence[str], running: list[Running]) -> None:
    """Mark each optimizer's trials that end at this rung."""
    for name in names:
        mine = [one for one in running if one.trial.optimizer == name]
        on = set(survivors([one.trial.score for one in mine]))
        for i, one in enumerate(mine):
            if one.trial.outcome is Outcome.UNFINISHED and i not in on:
                one.trial = replace(one.trial, outcome=Outcome.HALVED)
                one.state = None  # weights take memory


def end_trials(running: list[Running]) -> None:
    """Mark the trials that were trained to the end."""
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED:
            one.trial = replace(one.trial, outcome=Outcome.FINISHED)
