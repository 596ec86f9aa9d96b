"""Trains pieces: an optimizer's configurations on a task, then the better ones from more seeds.

Pieces go round: an optimizer on each task in turn, the most used optimizers first. So whenever it
stops, what is there is balanced.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.atlas import design, store
from benchmarks.atlas.store import Run, TaskRuns
from benchmarks.atlas.table import SEEDS
from benchmarks.atlas.tasks import WORKS, make_task
from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.search.runner import program_key
from steepest.tasks.keras.trivial import with_trivial
from steepest.workers.local import Job, train

AGAIN, AGAIN_COSINE = 5, 3  # of an optimizer's best, how many are trained from more seeds
MAIN = 7  # optimizers that get their seeds before the others begin


class Trainer:
    """One task and what was trained of it."""

    def __init__(self, name: str, folder: Path = store.DATA) -> None:
        self.name, self.folder = name, folder
        self.task, digest = make_task(name)
        facts = facts_of(name, with_trivial(self.task).facts, digest)
        known = store.load(name, folder)
        if known and known.facts["digest"] != digest:
            raise SystemExit(
                f"{name} was measured with other data or another model ({known.facts['digest']}, "
                f"now {digest}); leave it out of --tasks, or move {store.place(name, folder)} away"
            )
        self.kept = replace(known, facts=facts | known.facts) if known else TaskRuns(name, facts)
        self.engine = make_engine(self.task)

    def missing(self, rule: str) -> list[Config]:
        """Return what is to be trained next of an optimizer; nothing once it is complete."""
        every = design.configs(rule)
        left = [one for one in every if (store.key_of(one), one.seed) not in self.kept.runs]
        return left or [
            one
            for one in better(self.kept.of(rule))
            if (store.key_of(one), one.seed) not in self.kept.runs
        ]

    def train(self, configs: Sequence[Config]) -> None:
        """Train configurations of one optimizer to the end, and keep them."""
        groups: dict[Any, list[Config]] = {}
        for config in configs:
            groups.setdefault(program_key(config), []).append(config)
        programs = self.engine.prepare({key: some[0] for key, some in groups.items()})
        found: list[Run] = []
        jobs = [self._job(programs[key], some, found) for key, some in groups.items()]
        train(jobs, 1, lambda *_: None)
        self.kept.add(found)
        store.save(self.kept, self.folder)

    def _job(self, program: Any, some: Sequence[Config], found: list[Run]) -> Job:
        population, epochs = Population.of(some), self.task.facts.epochs

        def begin(members: Sequence[int]) -> Any:
            return program.begin(population.take(members))

        def end(members: Sequence[int], state: Any, measured: Any) -> None:
            for i, member in enumerate(members):
                curves = {name: values[i] for name, values in measured.values.items()}
                seconds = measured.seconds / len(members)
                found.append(run_of(some[member], curves, bool(state.alive[i]), epochs, seconds))

        return Job(program, population, begin, end, epochs)


def run_of(
    config: Config, curves: Mapping[str, Any], alive: bool, epochs: int, seconds: float
) -> Run:
    """Return a training as it is kept: all its losses, infinite from where it diverged."""
    curve = np.full(epochs, np.inf)
    curve[: len(curves["loss"])] = curves["loss"]
    curve[~np.isfinite(curve)] = np.inf
    if not alive or not np.isfinite(curve).all():
        return Run(config, np.inf, np.inf, np.nan, curve, seconds)
    accuracy = float(curves["accuracy"][-1]) if "accuracy" in curves else np.nan
    training = float(curves["training_loss"][-1])
    return Run(config, float(curves["loss"][-1]), training, accuracy, curve, seconds)


def better(runs: Sequence[Run]) -> list[Config]:
    """Return the best configurations by their first seed, with the other seeds."""
    first = [run for run in runs if run.config.seed == 0 and np.isfinite(run.loss)]
    chosen: list[Config] = []
    for cosine, count in ((False, AGAIN), (True, AGAIN_COSINE)):
        some = [run for run in first if design.is_cosine(run.config) == cosine]
        chosen += [run.config for run in sorted(some, key=lambda run: run.loss)[:count]]
    usual = [design.configs(run.config.rule)[0] for run in runs[:1]]
    every = list({store.key_of(one): one for one in (*usual, *chosen)}.values())
    return [replace(one, seed=seed) for seed in range(1, SEEDS) for one in every]


def facts_of(name: str, facts: Any, digest: str) -> dict[str, Any]:
    """Return what the atlas keeps of a task."""
    import platform

    import jax
    import keras

    from steepest import __version__

    work = WORKS[name]
    return {
        "digest": digest,
        "family": work.family,
        "what": work.what,
        "loss": facts.loss,
        "series": work.series or name,
        "varies": work.varies,
        "value": work.value,
        "trivial": facts.trivial.values.get("loss") if facts.trivial else None,
        "parameters": facts.parameters,
        "training_examples": facts.training_examples,
        "validation_examples": facts.validation_examples,
        "epochs": facts.epochs,
        "batch_size": facts.batch_size,
        "steps": facts.steps,
        "weights": [[one.path, one.role, list(one.shape)] for one in facts.weights],
        "versions": {
            "steepest": __version__,
            "jax": jax.__version__,
            "keras": keras.__version__,
            "python": platform.python_version(),
        },
    }


def rounds(tasks: Sequence[str], optimizers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield task and optimizer of each piece, twice: the second time the better ones go again.

    The most used optimizers go before the rest, and of each group tasks before their variations.
    """
    varied = [name for name in tasks if WORKS[name].series not in ("", name)]
    for group in (optimizers[:MAIN], optimizers[MAIN:]):
        for some in ([name for name in tasks if name not in varied], varied):
            for _ in range(2):
                for optimizer in group:
                    for task in some:
                        yield task, optimizer


def run(
    tasks: Sequence[str], optimizers: Sequence[str], minutes: float, folder: Path = store.DATA
) -> None:
    """Train what is missing for so many minutes; a piece that has begun is finished."""
    until = time.monotonic() + 60 * minutes
    trainers: dict[str, Trainer] = {}
    for task, optimizer in rounds(tasks, optimizers):
        if time.monotonic() > until:
            return
        if task not in trainers:
            trainers[task] = Trainer(task, folder)
        missing = trainers[task].missing(optimizer)
        if not missing:
            continue
        began = time.monotonic()
        trainers[task].train(missing)
        took = time.monotonic() - began
        seconds = [trainers[task].kept.runs[store.key_of(c), c.seed].seconds for c in missing]
        click.echo(
            f"{task}: {optimizer}, {len(missing)} trainings in {took:.1f} s, "
            f"{np.mean(seconds):.3f} s each",
            err=True,
        )
