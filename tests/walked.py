"""Studies as the walk in the learning rate leaves them: half as long, then in full, then seeds."""

import math
from dataclasses import replace

from whole import whole_study

from steepest.records import Config, ContestantRecord, Curves, Outcome, Stage, Trial
from steepest.rules import find_rule

STEPS = 10
BEST = {"SGD": 0.08, "Adam": 4e-3, "RMSprop": 1e-3, "Lion": 3e-4}
FLOOR = {"SGD": 0.40, "Adam": 0.33, "RMSprop": 0.36, "Lion": 0.5}
STARTS = {
    "SGD": [(0.0032, {"momentum": 0.95}), (0.032, {"momentum": 0.9}), (0.1, {"momentum": 0.5})],
    "Adam": [(4e-3, {"beta_1": 0.8}), (6e-4, {"beta_1": 0.9}), (6e-3, {"beta_1": 0.95})],
    "RMSprop": [(4e-4, {"momentum": 0.5}), (6e-4, {"momentum": 0.9}), (1.6e-4, {"momentum": 0.95})],
    "Lion": [(1e-4, {"beta_1": 0.9}), (1e-3, {"beta_1": 0.8}), (3e-4, {"beta_1": 0.95})],
}
RATE = {"kind": "Float", "low": 1e-9, "high": 1e9, "log": True, "complement": False}


def trained(number, name, stage, rate, others, seed, length, epochs, rule=None):
    """Return a training whose loss is a parabola of the rate's logarithm; a high one diverges."""
    rule = rule or name
    away = math.log10(rate / BEST[rule])
    lost = away > 0.75
    end = 1 if lost else length
    jitter = 0.02 * (((seed * 7 + number * 3) % 11) / 5 - 1) * FLOOR[rule]
    left = 0.1 * abs(others.get("momentum", 0.9) - 0.9) + 0.1 * abs(others.get("beta_1", 0.9) - 0.9)
    values = [
        FLOOR[rule]
        + left
        + 0.25 * (away + 0.1 * (length < epochs)) ** 2
        + jitter
        + 1.5 * math.exp(-4 * e / epochs)
        for e in range(1, end + 1)
    ]
    if lost:
        values = [math.nan]
    whole = stage is Stage.CONFIRM and not lost
    config = {**find_rule(rule).settings("keras"), **others, "learning_rate": rate}
    outcome = Outcome.FINISHED if end == epochs else Outcome.HALVED
    return Trial(
        number, name, stage, Config(rule, "keras", config, "constant", seed),
        Curves(
            tuple(range(1, end + 1)), tuple(STEPS * e for e in range(1, end + 1)),
            tuple(0.8 * v for v in values), tuple(values),
            {"accuracy": tuple(min(1.0, 1.02 - v / 8) for v in values)},
        ),
        Outcome.DIVERGED if lost else outcome,
        0.02 * end * (1 + 0.1 * (number % 3)),
        {"loss": values[-1] + 0.02, "accuracy": 0.9} if whole else None,
        {"loss": 0.7 * values[-1], "accuracy": 0.95} if whole else None,
    )  # fmt: skip


def walked_study(names=("SGD", "Adam", "RMSprop"), seeds=5, epochs=20, baseline=True, upto=None):
    """Return a study of those; `upto` is how many trials are there where it was not finished."""
    half, trials = -(-epochs // 2), []

    def add(*args, **more):
        trials.append(trained(len(trials), *args, epochs, **more))
        return trials[-1]

    base = whole_study()
    score = base.settings.score
    best = {}
    for name in names:
        tried = [add(name, Stage.SEARCH, r, o, 0, half) for r, o in STARTS[name]]
        ahead = min(tried, key=score)
        for length, factors in ((half, (0.4, -0.4, 0.2, -0.2)), (epochs, (0, -0.2, 0.2, 0.4))):
            others = {k: ahead.config.hyperparameters[k] for k in STARTS[name][0][1]}
            middle = ahead.config.hyperparameters["learning_rate"]
            ahead = min(
                [add(name, Stage.SEARCH, middle * 10**f, others, 0, length) for f in factors],
                key=score,
            )
        best[name] = (ahead.config.hyperparameters["learning_rate"], others)
    for seed in range(1, seeds + 1):
        for name in names:
            add(name, Stage.CONFIRM, *best[name], seed, epochs)
        if baseline:
            add("baseline Adam(0.001)", Stage.CONFIRM, 1e-3, {}, seed, epochs, rule="Adam")
    for seed in range(1, min(3, seeds) + 1):
        for name in names:
            rate = find_rule(name).settings("keras")["learning_rate"]
            add(name, Stage.DEFAULT, rate, {}, seed, epochs)
    space = {
        name: {
            "learning_rate": RATE,
            **{k: {"kind": "Float", "low": 0.0, "high": 0.999} for k in STARTS[name][0][1]},
        }
        for name in names
    }
    optimizers = {n: ContestantRecord(n, space=space[n], given=(), effective=False) for n in names}
    if baseline:
        optimizers["baseline Adam(0.001)"] = ContestantRecord("Adam", baseline=True, compiled=True)
    return replace(
        base,
        task=replace(base.task, name="walked", epochs=epochs, training_examples=STEPS * 8),
        settings=replace(
            base.settings, trials=11, search=5.0, seeds=seeds, rungs=(half, epochs), survivors=(),
            refined=(),
            sweep=0, practical=0.03,
        ),
        optimizers=optimizers,
        trials=tuple(trials[:upto]),
        finished=upto is None,
        update_seconds={n: (1e-5 * (i + 1), 1.1e-5 * (i + 1), 1.2e-5 * (i + 1))
                        for i, n in enumerate(names)},
    )  # fmt: skip
