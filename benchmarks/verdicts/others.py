"""The tools that people use: what each spends, and what it would recommend after so much.

Each tunes the optimizer and its hyperparameters together, in one conditional space: of SGD the
learning rate and 1 − momentum, of Adam the learning rate and 1 − β₁, of RMSprop the learning rate
and 1 − momentum, all on a log scale and in Steepest's own ranges. Where a choice had to be made, it
is made in their favour:

- Steepest tunes all that its trials can carry; they get the two that matter most, on its scales.
- Their objective is the validation loss after the last epoch, which is what is judged.
- What diverges is told as a very large loss, where KerasTuner would give up after the third.
- KerasTuner's best is that of all its trials, and many were trained for an epoch or two: their
  loss may be low although training on makes it worse. So the best of those that were trained to the
  end stands beside it, which is what an experienced reader would take.
- KerasTuner restores a model's weights when a trial goes on, here the optimizer's state as well.

Their trials have seeds of their own, as when nobody sets one. Steepest's engine trains,
so that the arithmetic is the same; cost is counted in full trainings, epochs over epochs, as each
tool spends them one trial after another. In seconds a training costs what a trial of Keras' `fit`
does (`clock.py`).

Beside them stands what somebody does by hand who knows the field: a grid of seven, with one seed
and with three.

A search is a generator: it yields runs, and goes on when they are trained. So the repetitions of
all tools train in one population.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts import seeds
from benchmarks.verdicts.oracle import grid_keys
from benchmarks.verdicts.spaces import FEW, OPTIMIZERS, at, from_key, to_key, version
from benchmarks.verdicts.training import Run, Trainer
from benchmarks.verdicts.truth import load, save

GRID = (3, 7, 12, 24, 36, 60)  # full trainings after which a tool is asked
COMPLETE = ", trials to the end"
TOGETHER = 10  # repetitions
WORST = 1e30  # what a loss that is no number is told as

Search = Generator[list[Run], None, None]


@dataclass
class Diary:
    """What a search has spent, and each time it had a new best: after how much, what, its loss."""

    epochs: int  # of a full training
    spent: int = 0
    best: list[tuple[float, str, float]] = field(default_factory=list)
    # The same among the trials that were trained to the end; empty where a tool looks at no others.
    complete: list[tuple[float, str, float]] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return self.spent / self.epochs

    @property
    def over(self) -> bool:
        return self.cost >= GRID[-1]

    def note(self, run: Run, value: float) -> None:
        """Note a trial that the tool counts among those it would recommend."""
        _note(self.best, self.cost, run, value)

    def note_complete(self, run: Run, value: float) -> None:
        """Note a trial for a reader who would take none that was stopped early."""
        if run.stop == self.epochs:
            _note(self.complete, self.cost, run, value)


def _note(best: list[tuple[float, str, float]], cost: float, run: Run, value: float) -> None:
    if value < WORST and (not best or value < best[-1][2]):
        best.append((cost, to_key(run.config), value))


def told(value: float) -> float:
    """Return a loss as it is told to a tool."""
    return value if math.isfinite(value) else WORST


def random_search(diary: Diary, first: int, name: str) -> Search:
    """Try independent points, each trained to the end."""
    random = np.random.default_rng(first)
    for trial in range(GRID[-1]):
        point = random.random(FEW)
        run = Run(at(str(random.choice(OPTIMIZERS)), point, first + trial, FEW), diary.epochs)
        yield [run]
        diary.spent += diary.epochs
        diary.note(run, told(run.value))


def grid_of(count: int) -> Callable[["Diary", int, str], Search]:
    """Return a search that tries the grid of seven, with so many seeds; the best mean is best."""

    def search(diary: Diary, first: int, name: str) -> Search:
        losses: dict[str, list[float]] = {key: [] for key in grid_keys()}
        for seed in range(first, first + count):
            runs = [Run(from_key(key, seed), diary.epochs) for key in losses]
            for run in runs:
                yield [run]
                diary.spent += diary.epochs
                losses[to_key(run.config)].append(told(run.value))
                if seed == first:  # by then, what there is of the first seed
                    diary.note(run, told(run.value))
            if seed > first:
                best = min(losses, key=lambda key: sum(losses[key]))
                diary.best.append((diary.cost, best, sum(losses[best]) / len(losses[best])))

    return search


def tools(quick: bool = True) -> dict[str, Callable[[Diary, int, str], Search]]:
    """Return the searches by name, in an order that their seeds depend on.

    `quick` leaves out KerasTuner, which brings TensorBoard along and does as Optuna's Hyperband.
    """
    from benchmarks.verdicts.others_optuna import tpe, tpe_hyperband

    found = {
        "grid of seven": grid_of(1),
        "grid of seven, 3 seeds": grid_of(3),
        "random search": random_search,
        "Optuna TPE": tpe,
        "Optuna TPE + Hyperband": tpe_hyperband,
    }
    if not quick:
        from benchmarks.verdicts.others_keras_tuner import hyperband

        found["KerasTuner Hyperband"] = hyperband
    return found


def place(folder: Path) -> Path:
    """Return the file that keeps what the tools found."""
    return folder / f"others-{version()}.json"


def run_all(folder: Path, trainer: Trainer, repetitions: int, quick: bool = True) -> None:
    """Run what is not in the file yet, some repetitions of all tools at the same time."""
    for last in range(0, repetitions, TOGETHER):
        _run(folder, trainer, range(min(repetitions, last + TOGETHER)), quick)


def _run(folder: Path, trainer: Trainer, repetitions: range, quick: bool) -> None:
    file = place(folder)
    done: dict[str, Any] = load(file)
    searching: dict[str, tuple[Search, Diary]] = {}
    waiting: dict[str, list[Run]] = {}
    for number, (name, search) in enumerate(tools(quick).items()):
        for repetition in repetitions:
            key = f"{name} {repetition}"
            if key not in done:
                diary = Diary(trainer.epochs)
                going = search(diary, seeds.of_other(number, repetition), key)
                searching[key] = going, diary
                waiting[key] = next(going)
    while searching:
        trainer.advance([run for runs in waiting.values() for run in runs])
        for key, (going, diary) in list(searching.items()):
            try:
                waiting[key] = next(going)
            except StopIteration:
                done[key] = {"best": diary.best, "cost": diary.cost}
                if diary.complete:
                    name, which = key.rsplit(" ", 1)
                    entry = {"best": diary.complete, "cost": diary.cost}
                    done[f"{name}{COMPLETE} {which}"] = entry
                del searching[key], waiting[key]
                save(file, done)


def recommended(entry: dict[str, Any], cost: float) -> str | None:
    """Return the configuration that a search would have recommended after so much."""
    before = [key for spent, key, _ in entry["best"] if spent <= cost + 1e-9]
    return before[-1] if before else None
