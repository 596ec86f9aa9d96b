"""The loop: ask for trials, train them a rung, halve, tell; then confirm each optimizer's best.

Every optimizer is given the same number of trials, the same rungs, the same initial weights and
the same order of the data. Its trials are Keras' defaults and a scrambled Sobol sequence over its
own space (SciPy's; Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points"). Those that reach
the last rung train once more from a second seed, as the best on one seed is mostly the luckiest.
What the search finds is not believed but confirmed: the best configuration of each optimizer trains
again from fresh seeds, the same ones for all optimizers, to be compared seed by seed.
"""

import importlib.metadata
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import qmc

from steepest import spaces, storage
from steepest.budget import Budget, finishers, search_epochs
from steepest.engines.cores import cores
from steepest.engines.engine import Engine, Program
from steepest.engines.shelf import Shelf
from steepest.errors import InputError
from steepest.records import (
    Config,
    Outcome,
    Settings,
    Stage,
    Study,
    TaskFacts,
    Trial,
)
from steepest.rules.contestant import Contestant, notes
from steepest.search.trials import (
    Running,
    Watch,
    end_trials,
    halve_trials,
    program_key,
    start_trials,
    test_trials,
    train_trials,
)

# The seeds of a study with seed s: s·1000 for the search, s·1000 + 1, + 2, ... to confirm, and
# s·1000 + 999 to repeat what reached the last rung.
SEEDS_APART, REPEAT_SEED = 1000, 999


def search(
    engine: Engine,
    contestants: Sequence[Contestant],
    settings: Settings,
    path: Path,
    watch: Watch,
) -> Study:
    """Run the whole study, writing it to a new file at `path` rung by rung; return it.

    `engine` trains the populations.

    Raises:
        StudyFileError: the file is there already, or cannot be written.
    """
    started, facts = time.perf_counter(), engine.facts
    study = _new_study(engine, contestants, settings)
    asked = {contestant.name: _ask(contestant, settings) for contestant in contestants}
    _check_updates(facts, asked)
    budget = Budget(_left(settings, facts.epochs, [len(some) for some in asked.values()]))
    storage.check_new(path)
    watch("compiling", budget)
    before = time.perf_counter()
    programs = engine.prepare(
        {program_key(config): config for configs in asked.values() for config in configs},
        budget.left,
    )
    prepared = time.perf_counter() - before
    first_compiled = _compiled(programs)
    shelf = Shelf(engine.memory // 2)

    storage.create(path, study)  # not before: what cannot be compiled leaves nothing behind

    def tell(trials: Sequence[Trial], finished: bool = False) -> None:
        nonlocal study
        known = {trial.number: trial for trial in (*study.trials, *trials)}
        study = replace(
            study,
            trials=tuple(known[number] for number in sorted(known)),
            seconds=time.perf_counter() - started,
            # Several at a time at first, by the clock; what had to be compiled later besides.
            compile_seconds=prepared + _compiled(programs) - first_compiled,
            finished=finished,
        )
        storage.record(path, study, trials)

    def complete(stage: Stage, some: dict[str, list[Config]], what: str) -> list[Running]:
        """Train trials to the end and tell them."""
        watch(what, budget)
        running = start_trials(some, stage, first=len(study.trials))
        train_trials(engine, programs, shelf, running, facts.epochs, budget, watch)
        end_trials(running)
        return running

    running = start_trials(asked, Stage.SEARCH, first=0)
    for rung, epochs in enumerate(settings.rungs):
        watch(f"search, rung {rung + 1} of {len(settings.rungs)}", budget)
        train_trials(engine, programs, shelf, running, epochs, budget, watch)
        if epochs == facts.epochs:
            end_trials(running)
        else:
            halve_trials(list(asked), running, shelf)
        tell([one.trial for one in running])
        running = [one for one in running if one.trial.outcome is Outcome.UNFINISHED]
        counts = [sum(one.trial.optimizer == name for one in running) for name in asked]
        budget.left = _left(settings, facts.epochs, counts, epochs)

    shelf.clear()
    finished = _finished(study)
    again = settings.seed * SEEDS_APART + REPEAT_SEED
    repeats = {
        name: [replace(trial.config, seed=again) for trial in trials]
        for name, trials in finished.items()
        if len(trials) > 1
    }
    budget.left = facts.epochs * (sum(map(len, repeats.values())) + len(finished) * settings.seeds)
    tell([one.trial for one in complete(Stage.REPEAT, repeats, "repeating the best")])
    shelf.clear()

    first = settings.seed * SEEDS_APART + 1
    best = {name: _best(study, trials).config for name, trials in finished.items()}
    fresh = {
        name: [replace(config, seed=first + i) for i in range(settings.seeds)]
        for name, config in best.items()
    }
    running = complete(Stage.CONFIRM, fresh, "confirming on fresh seeds")
    if engine.tests:
        test_trials(programs, shelf, running)
    tell([one.trial for one in running], finished=True)
    return study


def _compiled(programs: Mapping[Any, Program]) -> float:
    return sum(program.compile_seconds for program in programs.values())


def _ask(contestant: Contestant, settings: Settings) -> list[Config]:
    """Return an optimizer's trials: the defaults first, then points spread over its space."""
    seed = settings.seed * SEEDS_APART
    values = [contestant.defaults()]
    if contestant.space and settings.trials > 1 and not contestant.baseline:
        sobol = qmc.Sobol(len(contestant.space), scramble=True, rng=settings.seed)
        points = sobol.random_base2(int(np.ceil(np.log2(settings.trials - 1))))
        for point in points[: settings.trials - 1].tolist():
            if (found := contestant.values(point)) not in values:  # choices alone soon run out
                values.append(found)
    return [contestant.config(v, seed) for v in values]


def _check_updates(facts: TaskFacts, asked: dict[str, list[Config]]) -> None:
    """Raise `InputError` if a whole training has fewer batches than an update gathers."""
    for name, configs in asked.items():
        count = max(int(config.choices.get("accumulation", 1)) for config in configs)
        if count > facts.steps:
            raise InputError(
                f"{name}'s accumulation is {count}, but a training has {facts.steps} batches, "
                "so it would never update; give fewer, or more epochs"
            )


def _finished(study: Study) -> dict[str, list[Trial]]:
    """Return each optimizer's trials that reached the end of the search, if there are any."""
    found: dict[str, list[Trial]] = {}
    for trial in study.trials:
        if trial.stage is Stage.SEARCH and trial.outcome is Outcome.FINISHED:
            found.setdefault(trial.optimizer, []).append(trial)
    return {name: found[name] for name in study.optimizers if name in found}


def _best(study: Study, finished: Sequence[Trial]) -> Trial:
    """Return the finisher with the lowest mean loss over the search and its repeat."""
    name = finished[0].optimizer
    repeats = [t for t in study.trials if t.optimizer == name and t.stage is Stage.REPEAT]

    def mean(trial: Trial) -> float:
        values = trial.config.hyperparameters
        again = [other.score for other in repeats if other.config.hyperparameters == values]
        return (trial.score + sum(again)) / (1 + len(again))

    return min(finished, key=lambda trial: (mean(trial), trial.score, trial.number))


def _left(settings: Settings, epochs: int, trials: Sequence[int], done: int = 0) -> int:
    """Return the epochs to come when each optimizer still has so many trials in the search."""
    searching = sum(search_epochs(count, settings.rungs, done) for count in trials)
    last = [finishers(count, settings.rungs, done) for count in trials if count]
    repeats = sum(count for count in last if count > 1)
    return searching + epochs * (repeats + len(last) * settings.seeds)


def _new_study(engine: Engine, contestants: Sequence[Contestant], settings: Settings) -> Study:
    packages = ("steepest", *engine.packages, "numpy", "scipy", "scikit-learn")
    hardware: dict[str, str] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": str(cores()),
        "device": engine.device,
    }
    optimizers: dict[str, dict[str, Any]] = {
        contestant.name: {
            "rule": contestant.rule,
            "dialect": contestant.dialect,
            "schedule": contestant.schedule,
            "baseline": contestant.baseline,
            "notes": notes(contestant, engine.facts.weights),
            "fixed": dict(contestant.fixed),
            "space": {name: spaces.to_dict(space) for name, space in contestant.space.items()},
        }
        for contestant in contestants
    }
    return Study(
        task=engine.facts,
        settings=settings,
        optimizers=optimizers,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        hardware=hardware,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
