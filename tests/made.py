"""Studies made by hand, for measures and reports."""

import math
from dataclasses import replace

from steepest.records import (
    Config,
    ContestantRecord,
    Curves,
    Outcome,
    Settings,
    Stage,
    StudyRecord,
    TaskFacts,
    Trial,
)

STUDY = StudyRecord(
    task=TaskFacts("toy", "mse", ("mae",), 10, 100, 200, 20, 2, 8),
    settings=Settings(4, 5, 0, "constant", (1, 2)),
    optimizers={"SGD": ContestantRecord("SGD", fixed={"nesterov": False})},
    versions={"steepest": "0.1"},
    hardware={"cores": "2"},
    started="2026-01-01T00:00:00+00:00",
    seconds=12.5,
    compile_seconds=2.0,
    finished=True,
)


def confirmed(number, optimizer, seed, loss, rate=0.1):
    """Return a confirmed trial that ended at `loss`; an infinite one diverged."""
    values = {"learning_rate": rate, "momentum": 0.9, "nesterov": False}
    good = math.isfinite(loss)
    return Trial(
        number,
        optimizer,
        Stage.CONFIRM,
        Config("SGD", "keras", values, "constant", seed),
        Curves((1, 2), (13, 26), (2.0, 1.5), (2.0, loss), {"mae": (1.0, 1 - loss)}),
        Outcome.FINISHED if good else Outcome.DIVERGED,
        0.5,
        {"loss": loss + 1, "mae": 0.2} if good else None,
    )


def begun_at(study, loss):
    """Return the study with all its runs at this validation loss after the first epoch."""

    def one(trial):
        curves = replace(trial.curves, validation_loss=(loss, *trial.curves.validation_loss[1:]))
        return replace(trial, curves=curves)

    return replace(study, trials=tuple(map(one, study.trials)))


def study_of(finished=True, rate=0.1, space=None, **losses):
    """Return a study in which each optimizer's confirmed runs ended at these losses."""
    trials = [
        (name, seed, float(loss))
        for name, values in losses.items()
        for seed, loss in enumerate(values, 1)
    ]
    return replace(
        STUDY,
        optimizers={
            name: ContestantRecord("SGD", fixed={"nesterov": False}, space=space or {})
            for name in losses
        },
        settings=replace(STUDY.settings, seeds=len(next(iter(losses.values())))),
        trials=tuple(confirmed(i, *trial, rate=rate) for i, trial in enumerate(trials)),
        finished=finished,
    )
