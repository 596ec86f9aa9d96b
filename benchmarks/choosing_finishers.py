"""What it costs to choose among an optimizer's finishers on one seed, two seeds or three.

For each task and study seed, the search runs as in `steepest compare` up to the last rung. Every
finisher then trains from eight fresh seeds: the last five say how good it really is, the first ones
repeat it for the choice. Printed is the mean excess of the chosen finisher's loss over the best
finisher's, by optimizer: 0 % would be the right choice every time.

To repeat it (about five minutes):

    python benchmarks/choosing_finishers.py --studies 8 diabetes breast-cancer digits
"""

import math
from collections.abc import Sequence

import click
import numpy as np

from steepest.budget import Budget
from steepest.comparison import OPTIMIZERS, make_settings
from steepest.engines.compiled import CompiledEngine
from steepest.records import Config, Outcome, Stage, Trial
from steepest.rules.contestant import contestants
from steepest.search.loop import SEEDS_APART, _ask
from steepest.search.trials import (
    end_trials,
    halve_trials,
    program_key,
    start_trials,
    train_trials,
)
from steepest.tasks.samples import SAMPLES

REPEATS, JUDGES = 3, 5
HOPELESS = 10.0  # what a run that diverged counts as


def excess(finishers: Sequence[Trial], losses: np.ndarray) -> list[float]:
    """Return the excess of the choice by 1, 2 and 3 seeds; `losses` is `[finishers, seeds]`."""
    truth = losses[:, REPEATS:].mean(axis=1)
    found = []
    for seeds in range(REPEATS):
        seen = [
            np.mean([trial.score, *row[:seeds]])
            for trial, row in zip(finishers, losses, strict=True)
        ]
        found.append(float(truth[int(np.argmin(seen))] / truth.min() - 1))
    return found


@click.command()
@click.argument("tasks", nargs=-1, required=True)
@click.option("--studies", default=8, show_default=True, help="Search seeds for each task.")
def main(tasks: Sequence[str], studies: int) -> None:
    """Print the table."""
    for name in tasks:
        task = SAMPLES[name].build()
        epochs = task.facts.epochs
        asked = contestants(OPTIMIZERS, 32)
        engine = CompiledEngine(task)
        programs = {}
        rows: dict[str, list[list[float]]] = {contestant.name: [] for contestant in asked}
        for seed in range(studies):
            settings = make_settings(32, 5, seed, "constant", epochs)
            configs = {contestant.name: _ask(contestant, settings) for contestant in asked}
            for some in configs.values():
                if program_key(some[0]) not in programs:
                    programs[program_key(some[0])] = engine.compile(some[0])
            budget = Budget(left=0)

            def train(running: list, stop: int, budget: Budget = budget) -> None:
                train_trials(engine, programs, running, stop, budget, lambda *_: None)  # noqa: B023

            running = start_trials(configs, Stage.SEARCH, first=0)
            for rung in settings.rungs:
                train(running, rung)
                if rung == epochs:
                    end_trials(running)
                else:
                    halve_trials(list(configs), running)
                    running = [r for r in running if r.trial.outcome is Outcome.UNFINISHED]
            for contestant in asked:
                mine = [
                    one.trial
                    for one in running
                    if one.trial.optimizer == contestant.name
                    and one.trial.outcome is Outcome.FINISHED
                ]
                fresh = [
                    Config(**{**trial.config.__dict__, "seed": seed * SEEDS_APART + 1 + i})
                    for trial in mine
                    for i in range(REPEATS + JUDGES)
                ]
                again = start_trials({contestant.name: fresh}, Stage.CONFIRM, first=0)
                train(again, epochs)
                scores = [
                    one.trial.score if math.isfinite(one.trial.score) else HOPELESS for one in again
                ]
                rows[contestant.name].append(
                    excess(mine, np.array(scores).reshape(len(mine), REPEATS + JUDGES))
                )
        for optimizer, found in rows.items():
            means = 100 * np.mean(found, axis=0)
            shown = ", ".join(f"{i + 1} seed(s) {mean:.0f} %" for i, mean in enumerate(means))
            click.echo(f"{name:14} {optimizer:8} {shown}")


if __name__ == "__main__":
    main()
