"""A metric that decides and is NaN: the report says so and of whom, and asks for no more budget."""

import math
from dataclasses import replace

import pytest
from whole import whole_study

from steepest.measures.verdict import judge
from steepest.records import Stage
from steepest.reports.outcome_text import cell, nothing_found
from steepest.reports.verdict_text import sentence


def undecided(names, stages=tuple(Stage)):
    """Return a study that its accuracy decides, with NaN for it in the trials of some."""
    study = whole_study()
    trials = []
    for one in study.trials:
        if one.optimizer in names and one.stage in stages and not one.lost:
            metrics = {"accuracy": (math.nan,) * one.epochs}
            one = replace(one, curves=replace(one.curves, metrics=metrics))
        trials.append(one)
    settings = replace(study.settings, decides="accuracy", maximize=True)
    return replace(study, settings=settings, trials=tuple(trials))


def without_confirmed(study, names):
    kept = (t for t in study.trials if t.optimizer not in names or t.stage is Stage.SEARCH)
    return replace(study, trials=tuple(kept))


def test_nobody_has_a_number():
    every = ("SGD", "Adam", "RMSprop")
    study = without_confirmed(undecided(every), every)
    said = sentence(study, judge(study))
    assert "Validation accuracy decides and is NaN in 21 of 24 trials (SGD 7, Adam 7" in said
    assert "budget" not in said
    unfinished = replace(study, finished=False)
    assert "accuracy decides and is NaN" in sentence(unfinished, judge(unfinished))


def test_one_optimizer_has_none():
    study = without_confirmed(undecided(["Adam"]), ["Adam"])
    trials = tuple(t for t in study.trials if t.optimizer != "Adam" or not t.lost)
    study = replace(study, trials=trials)
    assert "validation accuracy of Adam is NaN in every trial" in sentence(study, judge(study))
    assert nothing_found(study, "Adam") == "accuracy is NaN"


@pytest.mark.parametrize("at", ["end", "best"])
def test_the_seeds_of_one_have_none(at):
    study = undecided(["Adam"], [Stage.CONFIRM])
    study = replace(study, settings=replace(study.settings, at=at))
    verdict = judge(study)
    assert "Adam has NaN for validation accuracy on 4 of 4 seeds" in sentence(study, verdict)
    assert cell(verdict.standings["Adam"]) == "NaN"


def test_a_number_that_is_known_decides():
    study = undecided(["SGD"], [Stage.SEARCH])
    assert "NaN" not in sentence(study, judge(study))
