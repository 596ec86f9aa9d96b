"""Searches and sweeps made by hand, for the measures of sensitivity."""

import math
from dataclasses import replace

from made import STUDY

from steepest.records import Config, ContestantRecord, Curves, Outcome, Stage, Trial
from steepest.spaces import Float, to_dict

RATE = {"learning_rate": to_dict(Float(1e-4, 1.0, log=True))}
RUNGS = (1, 2, 4)


def trial(number, values, curve, stage=Stage.SEARCH, optimizer="SGD", seed=0, outcome=None, **more):
    """Return a trial with this curve of validation losses; one that ends in NaN diverged."""
    n = len(curve)
    if outcome is None:
        outcome = Outcome.FINISHED if n == RUNGS[-1] else Outcome.HALVED
        outcome = Outcome.DIVERGED if n and not math.isfinite(curve[-1]) else outcome
    epochs = tuple(range(1, n + 1))
    curves = Curves(epochs, epochs, tuple(curve), tuple(curve), more.get("metrics", {}))
    return Trial(
        number, optimizer, stage, Config("SGD", "keras", values, "constant", seed), curves, outcome
    )


def flat(value, epochs=4):
    """Return a curve that ends at a value."""
    return [value] * epochs


def search_study(trials, space=RATE, initial=None, settings=None, **asked):
    """Return a study with these trials of SGD."""
    return replace(
        STUDY,
        task=replace(STUDY.task, epochs=RUNGS[-1]),
        settings=replace(
            STUDY.settings,
            **{"trials": len(trials), "rungs": RUNGS, "sweep": 4, **(settings or {})},
        ),
        optimizers={"SGD": ContestantRecord("SGD", space=space, **asked)},
        trials=tuple(trials),
        initial={} if initial is None else {"loss": initial, "mae": initial},
    )


def sweep_of(loss, sides=4, seeds=(1,), middle=0.01):
    """Return a sweep and its confirmed runs: `loss(x, seed)`, x decades from the middle."""
    found = []
    for seed in seeds:
        for k in range(-sides, sides + 1):
            x = k / sides
            end = loss(x, seed)
            curve = flat(end) if math.isfinite(end) else [2.0, end]
            stage = Stage.SWEEP if k else Stage.CONFIRM
            values = {"learning_rate": middle * 10**x, "momentum": 0.9}
            found.append(trial(len(found), values, curve, stage, seed=seed))
    return found


def mirrored(study):
    """Return the study with what decides turned over: 1 − loss as a metric to be maximized."""

    def turn(one):
        values = tuple(1 - v for v in one.curves.validation_loss)
        return replace(one, curves=replace(one.curves, metrics={"mae": values}))

    return replace(
        study,
        settings=replace(study.settings, decides="mae", maximize=True),
        trials=tuple(turn(one) for one in study.trials),
        initial={name: 1 - value for name, value in study.initial.items()},
    )
