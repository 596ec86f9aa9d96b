"""Studies for the tests of the page: of every stage, with hostile names, and large ones."""

import math
from dataclasses import replace

from made import STUDY

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.records import Config, ContestantRecord, Curves, Outcome, Stage, Trial
from steepest.reports.page.page import page

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<b>bold</b>",
    "&amp;",
    "{{7*7}}",
    "<a href='javascript:alert(1)'>x</a>",
    "%{x} \u2028 @0",
)
EPOCHS = 9


def trial(number, name, stage, rate, seed, end, epochs=EPOCHS, key="momentum", dead=False):
    """Return a trial whose loss falls to `end` at its last epoch, or diverges there."""
    steps = tuple(range(1, epochs + 1))
    loss = tuple(end * (1 + 3 * math.exp(-2 * e)) for e in steps)
    loss = (*loss[:-1], math.nan) if dead else loss
    curves = Curves(
        steps,
        tuple(13 * e for e in steps),
        tuple(v * 0.7 for v in loss),
        loss,
        {"mae": tuple(v / 2 for v in loss)},
    )
    done = Outcome.FINISHED if epochs == EPOCHS else Outcome.HALVED
    values = {"learning_rate": rate, key: 0.5 + 0.01 * (number % 40), "nesterov": False}
    return Trial(
        number,
        name,
        stage,
        Config("SGD", "keras", values, "constant", seed),
        curves,
        Outcome.DIVERGED if dead else done,
        0.1 + number % 7,
        None if dead or stage is not Stage.CONFIRM else {"loss": end * 1.1, "mae": end / 2},
        None if dead or stage is not Stage.CONFIRM else {"loss": end * 0.6, "mae": end / 3},
    )


def full(names=("SGD", "Adam"), searched=12, seeds=3, dead=(), key="momentum"):
    """Return a finished study with all stages, `searched` trials an optimizer in the search."""
    trials = []

    def add(*args, **more):
        trials.append(trial(len(trials), *args, key=key, **more))

    for i, name in enumerate(names):
        for j in range(searched):
            rate = 10 ** (-4 + 4 * ((j * 0.618) % 1))
            lost = rate > 0.3
            end = 0.5 + 0.1 * i + abs(math.log10(rate / 0.02)) + 0.01 * (j % 5)
            add(name, Stage.SEARCH, rate, 0, end, epochs=EPOCHS if j % 4 == 0 else 3, dead=lost)
        for seed in range(1, seeds + 1):
            lost = name in dead and seed == 2
            add(name, Stage.CONFIRM, 0.02, seed, 0.4 + 0.05 * i + 0.01 * seed, dead=lost)
            add(name, Stage.DEFAULT, 0.01, seed, 0.6 + 0.05 * i + 0.01 * seed)
            for k in (-2, -1, 1, 2):
                rate = 0.02 * 10 ** (k / 2)
                end = 0.4 + 0.05 * i + 0.01 * seed + 0.04 * k * k
                add(name, Stage.SWEEP, rate, seed, end, dead=k == 2)
    space = {
        "learning_rate": {"kind": "Float", "low": 1e-4, "high": 1.0, "log": True},
        key: {"kind": "Float", "low": 0.0, "high": 0.99},
    }
    about = ContestantRecord("SGD", fixed={"nesterov": False}, space=space)
    return replace(
        STUDY,
        task=replace(STUDY.task, epochs=EPOCHS),
        settings=replace(
            STUDY.settings, trials=searched, seeds=seeds, rungs=(3, EPOCHS), sweep=2, race=True
        ),
        optimizers=dict.fromkeys(names, about),
        update_seconds={n: (1e-4 * (i + 1), 1.1e-4 * (i + 1)) for i, n in enumerate(names)},
        trials=tuple(trials),
        initial={"loss": 3.0, "mae": 1.5},
    )


def hostile():
    """Return a study in which all that a person can name is hostile."""
    study = full(HOSTILE, key="<i>momentum</i>")
    nasty = HOSTILE[1]
    optimizers = {
        name: replace(about, notes=(f"a note {nasty}",)) for name, about in study.optimizers.items()
    }
    trials = []
    for one in study.trials:
        curves = replace(one.curves, metrics={nasty: one.curves.metrics["mae"]})
        trials.append(replace(one, curves=curves))
    return replace(
        study,
        task=replace(study.task, name=f"task {nasty}", metrics=(nasty,), loss="</title>"),
        optimizers=optimizers,
        trials=tuple(trials),
        versions={"steepest": nasty, "</style>": "1"},
        hardware={nasty: HOSTILE[0]},
        stopped=f"stopped {HOSTILE[0]}",
    )


def made(study, where=""):
    """Return the page of a study with all its measures."""
    verdict = judge(study)
    return page(study, verdict, measure(study, verdict), where)
