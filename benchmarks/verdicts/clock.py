"""Seconds of this machine: what compiling and a training take, and what a trial of Keras' fit does.

Steepest's are of programs that nothing was compiled of before. A trial of Keras' `fit` is what
people write around a tuner: the model built anew, compiled, fitted, with JAX as its backend as that
is what is here; its first trial is left out. Both are measured in turn, and kept.
"""

import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.verdicts import seeds
from benchmarks.verdicts.oracle import GRID
from benchmarks.verdicts.spaces import OPTIMIZERS, make_config
from benchmarks.verdicts.tasks import WORKS
from benchmarks.verdicts.truth import load, save
from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.workers.local import Job, train

ROUNDS = 3
MEMBERS = 8  # trainings of each optimizer, side by side as in a study


def seconds_of(folder: Path, name: str, task: Any) -> dict[str, float]:
    """Return the seconds of "compile", of "training" (with all cores), of "fit" and "workers"."""
    file = folder / "clock.json"
    found: dict[str, float] = load(file)
    if not found:
        found = _measure(name, task)
        save(file, found)
    return found


def _measure(name: str, task: Any) -> dict[str, float]:
    engine = make_engine(task)
    configs = {one: make_config(one, {}, 0) for one in OPTIMIZERS}
    began = time.perf_counter()
    programs = engine.prepare(configs)
    compiling = time.perf_counter() - began
    ours, fits = [], [_fit(name, 0)][:0]
    for turn in range(ROUNDS):
        began = time.perf_counter()
        train([_job(task, programs[one], one, turn) for one in OPTIMIZERS], engine.workers, _quiet)
        ours.append((time.perf_counter() - began) / (MEMBERS * len(OPTIMIZERS)))
        fits.append(_fit(name, turn))
    return {
        "compile": compiling,
        "training": statistics.median(ours),
        "fit": statistics.median(fits),
        "workers": engine.workers,
    }


def _quiet(planned: int, trained: int) -> None:
    pass


def _job(task: Any, program: Any, optimizer: str, turn: int) -> Job:
    first = seeds.CLOCK + MEMBERS * turn
    population = Population.of(
        [make_config(optimizer, {}, seed) for seed in range(first, first + MEMBERS)]
    )
    return Job(
        program,
        population,
        lambda members: program.begin(population.take(members)),
        lambda members, state, measured: None,
        task.facts.epochs,
    )


def _fit(name: str, turn: int) -> float:
    """Return the seconds of one trial, its model built and compiled anew."""
    import keras

    work = WORKS[name]
    (x, y), validation = work.parts()
    optimizer, values = GRID[turn % len(GRID)]
    began = time.perf_counter()
    keras.utils.set_random_seed(turn)
    model = work.model(keras)
    model.compile(getattr(keras.optimizers, optimizer)(**values), loss=work.loss)
    model.fit(
        x,
        y,
        validation_data=validation,
        epochs=work.epochs,
        batch_size=work.batch_size,
        verbose=0,
    )
    return time.perf_counter() - began
