"""Studies made of whole learning curves, for measures of them."""

import math
from dataclasses import replace

from made import STUDY

from steepest.records import Config, ContestantRecord, Curves, Outcome, Stage, Trial

PER_EPOCH = 10  # steps


def run(number, optimizer, seed, validation, training=None, seconds=1.0, **more):
    """Return a confirmed trial with these losses; one without a finite end diverged."""
    epochs = tuple(range(1, len(validation) + 1))
    good = bool(validation) and math.isfinite(validation[-1])
    curves = Curves(
        epochs,
        tuple(PER_EPOCH * epoch for epoch in epochs),
        tuple(map(float, training or validation)),
        tuple(map(float, validation)),
        {"mae": tuple(-float(value) for value in validation)},
    )
    return Trial(
        number,
        optimizer,
        Stage.CONFIRM,
        Config("SGD", "keras", {"learning_rate": 0.1, "momentum": 0.9}, "constant", seed),
        curves,
        Outcome.FINISHED if good else Outcome.DIVERGED,
        seconds,
        **more,
    )


def curved(epochs, runs, asked=None, **settings):
    """Return a study: `runs` are of each optimizer, by name, the arguments of a `run` by seed."""
    task = replace(
        STUDY.task, epochs=epochs, training_examples=PER_EPOCH * 4, batch_size=4, test_examples=0
    )
    trials, seeds = [], max(map(len, runs.values()), default=0)
    for name, each in runs.items():
        for seed, one in enumerate(each, 1):
            arguments = one if isinstance(one, dict) else {"validation": one}
            trials.append(run(len(trials), name, seed, **arguments))
    return replace(
        STUDY,
        task=task,
        settings=replace(STUDY.settings, seeds=seeds, rungs=(epochs,), **settings),
        optimizers={
            n: ContestantRecord(**{"rule": "SGD", **(asked or {}).get(n, {})}) for n in runs
        },
        trials=tuple(trials),
    )
