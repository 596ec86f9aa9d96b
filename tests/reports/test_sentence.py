"""The sentence says what was found, and no more."""

import math
from dataclasses import replace

import numpy as np
from made import STUDY, study_of

from steepest.measures.verdict import judge
from steepest.records import TaskFacts
from steepest.reports.sentence import sentence, warnings
from steepest.spaces import Float, to_dict

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def said(study):
    return sentence(study, judge(study))


def test_a_winner():
    assert said(study_of(SGD=1.0 + NOISE, Adam=0.8 + NOISE[::-1])) == (
        "Adam wins: its validation loss is 20.0 ± 3.3 % lower than SGD's (5 seeds). "
        "On test: mae 0.2 ± 0."
    )


def test_a_tie():
    study = study_of(SGD=1.0 + NOISE, Adam=1.001 + NOISE[::-1], RMSprop=2.0 + NOISE)
    assert said(study).startswith(
        "A tie: SGD has the lowest validation loss, but 5 seeds cannot tell it from Adam; it is "
        "50.0 ± "
    )


def test_losses_that_may_be_negative_are_compared_in_their_own_unit():
    text = said(study_of(SGD=-1.0 + NOISE, Adam=-2.0 + NOISE))
    assert "is 1.0000 ± 0.0000 lower than SGD's" in text


def test_divergence_is_named():
    text = said(study_of(SGD=[0.1, math.inf, 0.1], Adam=[0.5, 0.6, 0.5]))
    assert text.startswith("Adam wins: it alone trained without diverging on 3 seeds; SGD diverged")
    assert said(study_of(SGD=[math.inf] * 3)).startswith("No optimizer trained without diverging")


def test_one_optimizer_and_unfinished_and_nothing():
    assert "was the only optimizer asked about" in said(study_of(SGD=1.0 + NOISE))
    text = said(study_of(finished=False, SGD=1.0 + NOISE, Adam=0.5 + NOISE))
    assert "so far Adam leads" in text
    assert "no verdict" in said(replace(STUDY, finished=False))


def test_warnings_of_a_careful_colleague():
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    study = study_of(SGD=[0.9], Adam=[0.8], rate=0.99, space=ranges)
    study = replace(study, task=replace(study.task, notes=("a note of the task",)))
    found = warnings(study, judge(study))
    assert found[0] == "a note of the task"
    assert "one seed says nothing" in found[1]
    assert "SGD's best learning_rate, 0.99, lies at the edge" in "".join(found)
    assert not warnings(study_of(SGD=1.0 + NOISE), judge(study_of(SGD=1.0 + NOISE)))


def test_without_metrics_the_test_loss_is_told():
    study = study_of(SGD=1.0 + NOISE, Adam=0.8 + NOISE[::-1])
    bare = TaskFacts("toy", "mse", (), 10, 100, 20, 20, 2, 8)
    trials = tuple(
        replace(t, test={"loss": t.test["loss"]}, curves=replace(t.curves, metrics={}))
        for t in study.trials
    )
    assert "On test: loss 1.8 ±" in said(replace(study, task=bare, trials=trials))
