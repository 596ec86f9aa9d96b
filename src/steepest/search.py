"""The loop: ask for trials, train them a rung, halve, tell; then confirm each optimizer's best.

Every optimizer is given the same number of trials, the same rungs, the same initial weights and
the same order of the data. Its trials are Keras' defaults and a scrambled Sobol sequence over its
own space (SciPy's; Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points"). What the search
finds is not believed but confirmed: the best configuration of each optimizer trains again from
fresh seeds, the same ones for all optimizers, so that they can be compared seed by seed.
"""

import importlib.metadata
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.stats import qmc

from steepest import spaces, storage
from steepest.budget import Budget, search_epochs
from steepest.engines.compiled import (
    Advance,
    Program,
    State,
    begin,
    compile_program,
    compile_test,
    place,
)
from steepest.halving import survivors
from steepest.records import (
    Config,
    Curves,
    Outcome,
    Population,
    Settings,
    Stage,
    Study,
    Trial,
)
from steepest.rules.contestant import Contestant
from steepest.tasks.task import Task
from steepest.workers import Job, cores, together, train

SEEDS_APART = (
    1000  # the seeds of a study with seed s are s·1000 (search), s·1000 + 1, ... (confirm)
)

Watch = Callable[[str, Budget], None]  # what is being done, and how much of it is left
Key = tuple[str, str, tuple[tuple[str, bool], ...]]  # what is compiled once: rule, schedule, flags


@dataclass
class Running:
    """A trial in training: its record so far, and its state."""

    trial: Trial
    state: State | None = None


def search(
    task: Task, contestants: Sequence[Contestant], settings: Settings, path: Path, watch: Watch
) -> Study:
    """Run the whole study, writing it to a new file at `path` rung by rung; return it.

    Raises:
        StudyFileError: the file is there already, or cannot be written.
    """
    started = time.perf_counter()
    study = _new_study(task, contestants, settings)
    asked = [_ask(contestant, settings) for contestant in contestants]
    budget = Budget(_left(settings, task.facts.epochs, [len(configs) for configs in asked]))
    storage.create(path, study)
    watch("compiling", budget)
    device = place(task)
    keys = {_key(config): config for configs in asked for config in configs}
    programs = dict(
        zip(
            keys,
            together(lambda config: compile_program(task, device, config), list(keys.values())),
            strict=True,
        )
    )
    compile_seconds = sum(program.compile_seconds for program in programs.values())

    def tell(trials: Sequence[Trial], finished: bool = False) -> None:
        nonlocal study
        known = {trial.number: trial for trial in (*study.trials, *trials)}
        study = replace(
            study,
            trials=tuple(known[number] for number in sorted(known)),
            seconds=time.perf_counter() - started,
            compile_seconds=compile_seconds,
            finished=finished,
        )
        storage.record(path, study, trials)

    running = _start(contestants, asked, Stage.SEARCH, first=0)
    for rung, epochs in enumerate(settings.rungs):
        watch(f"search, rung {rung + 1} of {len(settings.rungs)}", budget)
        _train(task, programs, running, epochs, budget, watch)
        _halve(contestants, running, last=epochs == task.facts.epochs)
        tell([one.trial for one in running])
        running = [one for one in running if one.trial.outcome is Outcome.UNFINISHED]
        counts = [sum(one.trial.optimizer == c.name for one in running) for c in contestants]
        budget.left = _left(settings, task.facts.epochs, counts, epochs)

    finalists, configs = _finalists(contestants, study, settings)
    budget.left = len(finalists) * settings.seeds * task.facts.epochs
    watch("confirming on fresh seeds", budget)
    running = _start(finalists, configs, Stage.CONFIRM, first=len(study.trials))
    _train(task, programs, running, task.facts.epochs, budget, watch)
    test = compile_test(task, device)
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED:
            one.trial = replace(
                one.trial,
                outcome=Outcome.FINISHED,
                test=test(one.state)[0] if test and one.state else None,
            )
    tell([one.trial for one in running], finished=True)
    return study


def _ask(contestant: Contestant, settings: Settings) -> list[Config]:
    """Return an optimizer's trials: the defaults first, then points spread over its space."""
    seed = settings.seed * SEEDS_APART
    values = [contestant.defaults()]
    if contestant.space and settings.trials > 1:
        sobol = qmc.Sobol(len(contestant.space), scramble=True, rng=settings.seed)
        points = sobol.random_base2(int(np.ceil(np.log2(settings.trials - 1))))
        values += [contestant.values(point) for point in points[: settings.trials - 1].tolist()]
    return [Config(contestant.rule, "keras", v, settings.schedule, seed) for v in values]


def _start(
    contestants: Sequence[Contestant],
    configs: Sequence[Sequence[Config]],
    stage: Stage,
    first: int,
) -> list[Running]:
    pairs = [
        (contestant.name, config)
        for contestant, some in zip(contestants, configs, strict=True)
        for config in some
    ]
    return [
        Running(Trial(first + i, name, stage, config)) for i, (name, config) in enumerate(pairs)
    ]


def _train(
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
        groups.setdefault(_key(one.trial.config), []).append(one)
    jobs = []
    for key, group in groups.items():
        population = Population.of([one.trial.config for one in group])
        states = [one.state for one in group if one.state is not None]
        state = State.join(states) if states else begin(task, population)
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


def _halve(contestants: Sequence[Contestant], running: list[Running], last: bool) -> None:
    """Mark each optimizer's trials that end here."""
    for contestant in contestants:
        mine = [one for one in running if one.trial.optimizer == contestant.name]
        on = range(len(mine)) if last else survivors([one.trial.score for one in mine])
        for i, one in enumerate(mine):
            if one.trial.outcome is Outcome.UNFINISHED and (last or i not in on):
                outcome = Outcome.FINISHED if last else Outcome.HALVED
                one.trial = replace(one.trial, outcome=outcome)


def _finalists(
    contestants: Sequence[Contestant], study: Study, settings: Settings
) -> tuple[list[Contestant], list[list[Config]]]:
    """Return the optimizers with a trial that finished, and their best one's fresh-seed trials."""
    finalists, configs = [], []
    for contestant in contestants:
        finished = [
            trial
            for trial in study.trials
            if trial.optimizer == contestant.name and trial.outcome is Outcome.FINISHED
        ]
        if not finished:
            continue
        best = min(finished, key=lambda trial: (trial.score, trial.number))
        first = settings.seed * SEEDS_APART + 1
        finalists.append(contestant)
        configs.append([replace(best.config, seed=first + i) for i in range(settings.seeds)])
    return finalists, configs


def _key(config: Config) -> Key:
    return config.rule, config.schedule, tuple(sorted(config.flags.items()))


def _left(settings: Settings, epochs: int, trials: Sequence[int], done: int = 0) -> int:
    """Return the epochs to come when each optimizer still has so many trials in the search."""
    searching = sum(search_epochs(count, settings.rungs, done) for count in trials)
    return searching + sum(count > 0 for count in trials) * settings.seeds * epochs


def _new_study(task: Task, contestants: Sequence[Contestant], settings: Settings) -> Study:
    packages = ("steepest", "jax", "jaxlib", "keras", "numpy", "scipy", "scikit-learn")
    device = jax.devices()[0]
    hardware: dict[str, str] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": str(cores()),
        "device": f"{jax.device_count()} × {device.device_kind}",
    }
    optimizers: dict[str, dict[str, Any]] = {
        contestant.name: {
            "rule": contestant.rule,
            "fixed": dict(contestant.fixed),
            "space": {name: spaces.to_dict(space) for name, space in contestant.space.items()},
        }
        for contestant in contestants
    }
    return Study(
        task=task.facts,
        settings=settings,
        optimizers=optimizers,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        hardware=hardware,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
