"""A whole study made by hand: three optimizers, a search, four seeds, a sweep, defaults.

Losses follow a formula, so what measures say of them can be worked out on paper.
"""

import math
from dataclasses import replace

from steepest.records import (
    Config,
    ContestantRecord,
    Curves,
    Outcome,
    Parameter,
    Settings,
    Stage,
    StudyRecord,
    TaskFacts,
    Trial,
)

EPOCHS, STEPS = 9, 10
BEST = {"SGD": 0.1, "Adam": 1e-3, "RMSprop": 1e-2}
FLOOR = {"SGD": 0.30, "Adam": 0.25, "RMSprop": 0.40}
FLAGS = {"SGD": {"nesterov": False}, "Adam": {"amsgrad": False}, "RMSprop": {"centered": False}}
REST = {
    "SGD": {"momentum": 0.9},
    "Adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "RMSprop": {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
}
SPAN = {"SGD": (1e-3, 10.0), "Adam": (1e-5, 0.1), "RMSprop": (1e-4, 1.0)}
SEARCHED = tuple(10**power for power in (-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5))
WEIGHTS = (Parameter("dense/kernel", (8, 4), "kernel"), Parameter("dense/bias", (4,), "bias"))


def made(number, name, stage, times, seed, epochs=EPOCHS):
    """Return a trial at `times` the best learning rate; 30 times as much and more diverges."""
    away, lost = math.log10(times), times > 30
    values = {"learning_rate": float(f"{BEST[name] * times:.6g}"), **REST[name], **FLAGS[name]}
    end = 1 if lost else epochs
    noise = 0.01 * ((seed * 7) % 5 - 2)
    falling = [math.exp(-epoch / 3) for epoch in range(1, end + 1)]
    training = [round(2 * f + 0.5 * FLOOR[name] + 0.1 * away**2, 6) for f in falling]
    validation = [round(2 * f + FLOOR[name] + 0.2 * away**2 + noise, 6) for f in falling]
    if lost:
        training, validation = [math.inf], [math.nan]
    outcome = Outcome.DIVERGED if lost else Outcome.FINISHED if epochs == EPOCHS else Outcome.HALVED
    whole = stage is Stage.CONFIRM and not lost
    return Trial(
        number,
        name,
        stage,
        Config(name, "keras", values, "constant", seed),
        Curves(
            tuple(range(1, end + 1)),
            tuple(STEPS * epoch for epoch in range(1, end + 1)),
            tuple(training),
            tuple(validation),
            {"accuracy": tuple(round(1 - v / 3, 6) for v in validation)},
        ),
        outcome,
        end / 10,
        {"loss": round(validation[-1] + 0.05, 6), "accuracy": 0.8} if whole else None,
        {"loss": round(training[-1] - 0.02, 6), "accuracy": 0.95} if whole else None,
    )


def whole_study() -> StudyRecord:
    """Return the study."""
    trials: list[Trial] = []
    for name in BEST:
        lengths = (1, 1, 3, 3, 9, 3, 1, 1)
        for times, epochs in zip(SEARCHED, lengths, strict=True):
            trials.append(made(len(trials), name, Stage.SEARCH, times, 0, epochs))
        for seed in (1, 2, 3, 4):
            trials.append(made(len(trials), name, Stage.CONFIRM, 1.0, seed))
        for seed in (1, 2, 3):
            trials.append(made(len(trials), name, Stage.DEFAULT, 10.0, seed))
            for times in (0.1, 10**-0.5, 10**0.5, 10.0):
                trials.append(made(len(trials), name, Stage.SWEEP, times, seed))
    space = {
        name: {
            "learning_rate": {
                "kind": "Float",
                "low": low,
                "high": high,
                "log": True,
                "complement": False,
            }
        }
        for name, (low, high) in SPAN.items()
    }
    return StudyRecord(
        task=TaskFacts(
            "toy",
            "sparse_categorical_crossentropy",
            ("accuracy",),
            36,
            STEPS * 8,
            200,
            20,
            EPOCHS,
            8,
            weights=WEIGHTS,
            directions={"accuracy": "up"},
        ),
        settings=Settings(
            8, 4, 0, "constant", (1, 3, 9), survivors=(4, 1), refined=(0, 0), race=True, sweep=2
        ),
        optimizers={
            name: ContestantRecord(
                name,
                fixed={**REST[name], **FLAGS[name]},
                space=space[name],
                given=(),
                effective=False,
            )
            for name in BEST
        },
        versions={"steepest": "0.5", "python": "3.11"},
        hardware={"cores": "2", "device": "1 × cpu"},
        started="2026-01-01T00:00:00+00:00",
        trials=tuple(trials),
        seconds=12.5,
        compile_seconds=2.0,
        finished=True,
        initial={"loss": 2.4, "accuracy": 0.1},
        update_seconds=dict.fromkeys(BEST, (1e-5, 2e-5, 3e-5)),
    )


def without(study: StudyRecord, *stages: Stage) -> StudyRecord:
    """Return the study as if there had been no trials of those stages."""
    return replace(study, trials=tuple(t for t in study.trials if t.stage not in stages))


def with_baseline(study: StudyRecord, compiled: bool = False, rate=0.01, **values) -> StudyRecord:
    """Return the study with an Adam of today, ten times too fast, on the same seeds."""
    mine = {"learning_rate": rate, **REST["Adam"], **FLAGS["Adam"], **values}
    name = "baseline keras.optimizers.Adam(0.01)"
    trials = list(study.trials)
    for seed in (1, 2, 3, 4):
        one = made(len(trials), "Adam", Stage.CONFIRM, rate / BEST["Adam"], seed)
        config = replace(one.config, hyperparameters=mine)
        trials.append(replace(one, optimizer=name, config=config))
    asked = ContestantRecord("Adam", fixed=mine, baseline=True, compiled=compiled)
    optimizers = {**study.optimizers, name: asked}
    return replace(study, trials=tuple(trials), optimizers=optimizers)
