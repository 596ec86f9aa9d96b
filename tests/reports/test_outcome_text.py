"""What went wrong is told everywhere: how often, why, and what to do."""

import json
import math
from dataclasses import replace

import made
import pytest
from made_searches import RATE, search_study, trial

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage
from steepest.reports import outcome_text
from steepest.reports.advice import warnings
from steepest.reports.json import dumps, to_dict
from steepest.reports.markdown import markdown
from steepest.reports.notebook import notebook
from steepest.reports.page.method import method
from steepest.reports.page.page import page
from steepest.reports.rows import csv_text, trial_rows
from steepest.reports.terminal import text
from steepest.reports.verdict_text import sentence

REASON = "InvalidArgumentError: <b>shapes</b> do not match"


def died(number, rate=0.1, **changes):
    return replace(trial(number, {"learning_rate": rate}, [math.nan]), **changes)


def broke(number, reason=REASON, **changes):
    one = trial(number, {"learning_rate": 0.1}, [], outcome=Outcome.FAILED)
    return replace(one, reason=reason, **changes)


def still(number, **changes):
    one = trial(number, {"learning_rate": 0.1}, [2.3], outcome=Outcome.CONSTANT)
    return replace(one, **changes)


def blew(number, rate):
    return trial(number, {"learning_rate": rate}, [1e7], outcome=Outcome.EXPLODED)


def good(number, **changes):
    return replace(trial(number, {"learning_rate": 0.1}, [2.0, 1.0, 0.9, 0.8]), **changes)


def said(*trials, **changes):
    study = replace(search_study(trials), **changes)
    return sentence(study, judge(study))


def test_every_trial_diverged():
    assert said(died(0, 0.1), died(1, 1e-3), died(2, 0.5)) == (
        "All 3 trials diverged, with learning rates down to 0.001, so there is no verdict. Give a "
        "lower range of learning rates, such as Float(1e-06, 1e-03, log=True), scale the inputs, "
        "clip gradients (--recipe clip_norm=1), and check the labels and the loss."
    )
    nowhere = said(died(0, 0.1), died(1, 1e-11))
    assert "with learning rates down to 1e-11, so there is no verdict. At such" in nowhere
    assert "it is not the rate: look for NaN" in nowhere
    assert "lower range" not in nowhere
    failed = replace(died(2, 1e-11), outcome=Outcome.FAILED, reason="no such layer")
    both = said(died(0, 1e-11), failed)
    assert "it is not the rate" in both
    assert "Mend in the model what raises it" in both
    assert said(died(0)).startswith("The one trial diverged, with learning rates down to 0.1, so")
    assert said(died(0), finished=False).startswith(
        "No optimizer is confirmed yet, so there is no verdict. The one trial so far diverged"
    )


def test_every_trial_failed():
    found = said(broke(0), broke(1), broke(2, "MemoryError: x"))
    assert found == (
        f"All 3 trials failed: {REASON}, in 2 of them, so there is no verdict. Mend in the model "
        "what raises it, or leave out the hyperparameters that bring it about."
    )
    long = said(broke(0, "E: " + "long\n" * 500))
    assert "…" in long
    assert "\n" not in long
    assert len(long) < 500


def test_no_loss_ever_changed():
    found = said(still(0), still(1))
    assert found.startswith("The loss never changed in all 2 trials, so there is no verdict. See ")
    assert "gradients reach the weights" in found
    # The best of them is confirmed all the same, and there is a leader by rounding.
    study = made.study_of(SGD=[2.0, 2.0], Adam=[2.0, 2.0])
    flat = tuple(
        replace(t, curves=replace(t.curves, training_loss=(2.0, 2.0))) for t in study.trials
    )
    study = replace(study, trials=flat)
    assert judge(study).leader
    assert judge(study).winner is None
    assert "No verdict" in page(study, judge(study), None)
    alone = replace(study, optimizers={"SGD": study.optimizers["SGD"]}, trials=flat[:2])
    assert judge(alone).winner is None
    assert sentence(study, judge(study)).startswith("The loss never changed in all 4 trials, so")


def test_several_kinds_at_once():
    found = said(died(0, 0.01), died(1), broke(2), still(3), blew(4, 0.004))
    assert found.startswith(
        "Every trial went wrong: of 5 trials 2 diverged, with learning rates down to 0.004, 1 "
        f"exploded, 1 had a loss that never changed and 1 failed ({REASON}), so there is no "
        "verdict. Give a lower range"
    )
    assert "Mend in the model" in found
    assert "See whether gradients" in found


def test_some_went_well_in_the_search_but_not_on_fresh_seeds():
    found = said(good(0), died(1, stage=Stage.CONFIRM), broke(2, stage=Stage.CONFIRM))
    assert found.startswith(
        "No optimizer came through on its fresh seeds, so there is no verdict: of 2 confirmed runs "
        f"1 diverged, with learning rates down to 0.1 and 1 failed ({REASON}). Give a lower"
    )
    assert said(good(0)).startswith("No optimizer is confirmed, so there is no verdict; give more")
    assert "of 2 trials 1 diverged" in said(good(0), died(1))
    assert said().startswith("Nothing was trained")


@pytest.mark.parametrize(
    ("trials", "clause", "cell"),
    [
        ([died(0), died(1, 0.01)], "every trial of Adam diverged, with learning", "diverged"),
        ([broke(0)], f"every trial of Adam failed: {REASON}", "failed"),
        ([still(0)], "the loss of Adam never changed in any trial", "the loss never changed"),
        ([died(0), broke(1)], "of Adam's 2 trials 1 diverged", "every trial went wrong"),
        ([good(0)], "Adam was not confirmed", "not confirmed"),
    ],
)
def test_only_one_optimizer_has_nothing(trials, clause, cell):
    study = made.study_of(SGD=[0.5, 0.6], Adam=[])
    mine = [replace(t, number=9 + i, optimizer="Adam") for i, t in enumerate(trials)]
    study = replace(study, trials=(*study.trials, *mine))
    assert f"; {clause}" in sentence(study, judge(study))
    assert cell in outcome_text.nothing_found(study, "Adam")
    assert cell in text(study, judge(study))


def test_runs_on_fresh_seeds_that_failed():
    study = made.study_of(SGD=[0.1, 0.1, math.inf], Adam=[0.5, 0.6, 0.5])
    first, *rest = study.trials
    first = replace(first, outcome=Outcome.FAILED, reason=REASON)
    study = replace(study, trials=(first, *rest))
    verdict = judge(study)
    told = sentence(study, verdict)
    assert f"; SGD diverged on 1 and failed on 1 of 3 seeds ({REASON})" in told
    assert "diverged 1/3, failed 1/3" in text(study, verdict, width=200)
    assert outcome_text.cell(verdict.standings["SGD"], " of ") == "diverged 1 of 3, failed 1 of 3"
    assert f"1 of SGD's 3 trials failed with: {REASON}" in warnings(study, verdict)


def test_finite_confirmed_runs_of_which_nothing_can_be_learnt():
    study = made.study_of(SGD=[2.0, 2.0], Adam=[0.5, 4000.0])
    trials = [
        replace(t, curves=replace(t.curves, training_loss=(2.0, 2.0))) if t.number < 2 else t
        for t in study.trials
    ]
    study = replace(study, trials=tuple(trials))
    told = "\n".join(warnings(study, judge(study)))
    assert "the validation loss never changed in 2 of SGD's 2 confirmed runs: see whether" in told
    assert (
        "1 of Adam's 2 confirmed runs ended at more than a thousand times the loss they began with,"
        " 2000 times at worst: give lower learning rates, or clip gradients"
    ) in told


@pytest.mark.parametrize(
    ("kind", "words"),
    [(died, "diverged"), (still, "never changed the loss")],
)
def test_more_than_half_of_a_search_went_wrong(kind, words):
    base = made.study_of(SGD=[0.5, 0.6])
    search = [replace(kind(i), number=10 + i) for i in range(3)] + [good(20)]
    study = replace(base, trials=(*base.trials, *search))
    assert f"3 of SGD's 4 trials {words}" in warnings(study, judge(study))
    study = replace(base, trials=(*base.trials, search[0], *search[3:]))
    assert words not in "\n".join(warnings(study, judge(study)))


@pytest.fixture
def troubled():
    base = made.study_of(space=RATE, SGD=[0.5, 0.6], Adam=[0.7, 0.8])
    more = [died(4), broke(5), broke(6, "other"), still(7), blew(8, 0.1), good(9)]
    resumed = ("after 4 of 12 trials, 2026-01-02", "after 9 of 12 trials, <i>")
    return replace(base, trials=(*base.trials, *more), resumed=resumed, asked={"seeds": 2})


def test_the_line_counts_all(troubled):
    assert outcome_text.outcomes_line(troubled) == (
        "Trials: 5 finished, 1 diverged (SGD 1), 1 exploded (SGD 1), 1 constant (SGD 1), 2 failed "
        "(SGD 2)."
    )
    assert outcome_text.outcomes_line(replace(troubled, trials=())) == "Trials: none."
    one = replace(died(0), outcome=Outcome.UNFINISHED)
    assert outcome_text.outcomes_line(replace(troubled, trials=(one,))) == "Trials: 1 unfinished."


def test_it_is_told_that_a_study_went_on(troubled):
    assert outcome_text.resumed(troubled) == "It was stopped and resumed twice."
    assert outcome_text.resumed(replace(troubled, resumed=("once",))).endswith("once.")
    assert outcome_text.resumed(replace(troubled, resumed=("a",) * 3)).endswith("3 times.")
    assert outcome_text.resumed(replace(troubled, resumed=())) == ""
    spent = dict(method(troubled))["Spent"]
    assert spent[-3:] == ["it was stopped and resumed twice", *troubled.resumed]


def test_every_report_has_both(troubled):
    verdict = judge(troubled)
    measures = measure(troubled, verdict)
    whole = text(troubled, verdict, measures, more=True)
    for shown in (whole, notebook(troubled, verdict)):
        assert "2 failed (SGD 2)" in shown
        assert "It was stopped and resumed twice." in shown
    assert "was stopped and resumed twice" in markdown(troubled, verdict, measures)
    html = page(troubled, verdict, measures)
    assert "it was stopped and resumed twice" in html
    assert "failed (2): stopped because the model raised an error" in html
    assert "“other” (1)" in html
    assert "<b>shapes" not in html
    assert "<i>" not in html.replace("<i></i>", "")
    data = json.loads(dumps(to_dict(troubled, verdict, measures)))
    assert data["resumed"] == list(troubled.resumed)
    assert data["asked"] == {"seeds": 2}
    assert data["task_facts"]["fingerprint"] == {}
    sgd = data["optimizers"]["SGD"]
    assert sgd["failed_seeds"] == 0
    assert sgd["outcomes"]["failed"] == {
        "trials": 2,
        "says": Outcome.FAILED.value,
        "reasons": {REASON: 1, "other": 1},
    }
    assert sgd["outcomes"]["diverged"]["reasons"] == {}
    assert set(data["optimizers"]["Adam"]["outcomes"]) == {"finished"}
    assert [row["reason"] for row in trial_rows(troubled)][4:7] == [None, REASON, "other"]
    assert f",{REASON}," in csv_text(trial_rows(troubled))
