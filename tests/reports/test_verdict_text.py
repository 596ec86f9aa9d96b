"""The sentence says what was found, and no more."""

import math
from dataclasses import replace

import numpy as np
from made import STUDY, study_of
from whole import whole_study, with_baseline

from steepest.measures.verdict import judge
from steepest.records import Outcome, TaskFacts
from steepest.reports.verdict_text import sentence

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def said(study):
    return sentence(study, judge(study))


def with_settings(study, **changes):
    return replace(study, settings=replace(study.settings, **changes))


def test_a_winner():
    assert said(study_of(SGD=1.0 + NOISE, Adam=0.8 + NOISE[::-1])) == (
        "The winner is Adam, by 25.0 % ± 4.4 % in validation loss over SGD (5 seeds). On test: mae "
        "0.2."
    )


def test_who_else_is_behind():
    study = study_of(SGD=1.11 + NOISE, Adam=0.96 + NOISE[::-1], RMSprop=1.0 + NOISE)
    assert said(with_settings(study, practical=0.01)).startswith(
        "The winner is Adam, by 4.2 % ± 3.6 % in validation loss over RMSprop (5 seeds); SGD is 16 "
        "% behind. On"
    )
    study = study_of(SGD=[1.38, 1.40, 1.39], Adam=0.96 + NOISE[::-1], RMSprop=1.1 + NOISE)
    assert "; SGD is 44 % behind (3 seeds). On test" in said(with_settings(study, race=True))
    study = study_of(SGD=[14.0, 14.1, 13.9], Adam=[1.0, 1.01, 0.99])
    assert said(study).startswith("The winner is Adam, by 1300 % ± ")


def test_not_decided_yet_and_as_good_are_two_things():
    study = study_of(SGD=1.0 + NOISE, Adam=1.001 + NOISE[::-1])
    assert said(study) == (
        "Not decided yet between SGD and Adam: the difference in validation loss is 0.1 % ± 3.5 % "
        "(5 seeds). On test: mae 0.2."
    )
    study = study_of(SGD=1.0 + NOISE, Adam=1.001 + NOISE[::-1], RMSprop=2.0 + NOISE)
    assert said(study).startswith("Not decided yet between SGD and Adam: the difference in ")
    assert "(5 seeds); RMSprop is 100 % behind." in said(study)
    study = with_settings(study_of(SGD=1.0 + NOISE, Adam=1.005 + NOISE), practical=0.01)
    assert said(study).startswith(
        "SGD and Adam are as good as each other: the difference in validation loss, 0.5 %, is "
        "smaller than the 1 % that would matter (5 seeds)."
    )
    three = study_of(SGD=1.0 + NOISE, Adam=1.005 + NOISE, RMSprop=1.004 + NOISE[::-1])
    assert said(with_settings(three, practical=0.01)).startswith(
        "Not decided yet between SGD and RMSprop: the difference in validation loss is 0.4 % ± "
    )
    assert "; Adam is as good as SGD." in said(with_settings(three, practical=0.01))
    study = study_of(SGD=1.0 + NOISE, Adam=1.001 + NOISE[::-1], RMSprop=1.002 + NOISE[::-1])
    assert "between SGD, Adam and RMSprop: differences in validation loss are at most " in said(
        study
    )
    study = study_of(SGD=[0.5] * 3, Adam=[0.5] * 3)
    assert "is nothing but rounding (3 seeds)" in said(study)
    assert "is 50 % (1 seed)" in said(study_of(SGD=[1.0], Adam=[1.5]))


def test_losses_that_may_be_negative_are_compared_in_their_own_unit():
    text = said(study_of(SGD=-1.0 + NOISE, Adam=-2.0 + NOISE))
    assert text.startswith("The winner is Adam, by 1 in validation loss over SGD (5 seeds).")


def test_what_is_maximized_is_compared_in_its_own_unit():
    study = study_of(SGD=0.05 + NOISE / 10, Adam=0.02 + NOISE[::-1] / 10)
    text = said(with_settings(study, decides="mae", maximize=True))
    assert text.startswith(
        "The winner is Adam, by 0.0300 ± 0.0035 in validation mae over SGD (5 seeds)."
    )
    text = said(with_settings(study, at="best"))
    assert " in validation loss at its best epoch over SGD (5 seeds)." in text


def test_divergence_is_named():
    text = said(study_of(SGD=[0.1, math.inf, 0.1], Adam=[0.5, 0.6, 0.5]))
    assert text.startswith("The winner is Adam, which alone came through on its seeds: ")
    assert "(3 seeds); SGD diverged on 1 of 3 seeds. On test" in text
    assert said(study_of(SGD=[math.inf] * 3)).startswith("All 3 trials diverged")
    assert "decides nothing; SGD diverged" in said(study_of(SGD=[math.inf], Adam=[0.5]))


def test_a_baseline_is_named_by_its_call():
    study = with_baseline(whole_study())
    assert "RMSprop is 42 % behind; your Adam(0.01) is 56 % behind." in said(study)
    alone = replace(study, optimizers=dict([list(study.optimizers.items())[-1]]))
    assert said(alone).startswith("Your Adam(0.01) was the only optimizer asked about: ")
    trials = [
        replace(t, outcome=Outcome.DIVERGED) if t.optimizer.startswith("baseline") else t
        for t in study.trials
    ]
    assert "; your Adam(0.01) diverged on 4 of 4 seeds." in said(
        replace(study, trials=tuple(trials))
    )


def test_one_optimizer_and_unfinished_and_nothing():
    assert said(study_of(SGD=1.0 + NOISE)).startswith(
        "SGD was the only optimizer asked about: validation loss 1.000 ± 0.017 (5 seeds). On test:"
    )
    text = said(study_of(finished=False, SGD=1.0 + NOISE, Adam=0.5 + NOISE))
    assert text.startswith("Not finished, after 12 s; best so far: Adam, by 100")
    text = said(study_of(finished=False, SGD=1.0 + NOISE, Adam=0.999 + NOISE[::-1]))
    assert "over SGD (5 seeds), not decided yet." in text
    assert said(study_of(finished=False, SGD=1.0 + NOISE)).startswith(
        "Not finished, after 12 s; best so far: SGD, validation loss 1.000 ± 0.017 (5 seeds)."
    )
    assert "no verdict" in said(replace(STUDY, finished=False))


def test_without_metrics_the_test_loss_is_told():
    study = study_of(SGD=1.0 + NOISE, Adam=0.8 + NOISE[::-1])
    bare = TaskFacts("toy", "mse", (), 10, 100, 20, 20, 2, 8)
    trials = tuple(
        replace(t, test={"loss": t.test["loss"]}, curves=replace(t.curves, metrics={}))
        for t in study.trials
    )
    assert "On test: loss 1.800 ±" in said(replace(study, task=bare, trials=trials))
