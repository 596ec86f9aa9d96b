"""That nothing was learnt is what every report says first, with the likely cure."""

import json
from dataclasses import replace

import pytest
from made import begun_at, study_of

from steepest.measures.measure import measure
from steepest.measures.trivial import fitted
from steepest.measures.verdict import judge
from steepest.records import Outcome, Trivial
from steepest.reports.advice import loud, warnings
from steepest.reports.diff.diff import differences
from steepest.reports.json import dumps, to_dict
from steepest.reports.markdown import markdown
from steepest.reports.notebook import notebook
from steepest.reports.page.page import page
from steepest.reports.terminal import text
from steepest.reports.trivial import alarm
from steepest.spaces import Float
from steepest.spaces import to_dict as range_of

RATE = {"learning_rate": range_of(Float(1e-4, 0.11, log=True))}
SPANS = {"x[:, 0]": (50.0, 249.0), "y": (7e4, 4.2e5)}
FIRST = (
    "Nothing was learnt: at best, Adam's validation loss of 0.95 ± 0.64 is no better than the 0.5"
)


def study(floor=0.5, spans=SPANS, **more):
    made = study_of(space=RATE, SGD=[1.9, 2.1], Adam=[0.9, 1.0])
    trivial = Trivial("the mean of y", {"loss": floor}, spans)
    made = begun_at(made, 1.05)  # which hardly moved
    return replace(made, task=replace(made.task, trivial=trivial), **more)


def flat(text):
    return " ".join(text.split())


def test_every_report_says_it_first():
    bad = study(initial={"loss": 1.1})
    verdict = judge(bad)
    measured = measure(bad, verdict)
    said = alarm(bad, verdict)
    assert said == (
        f"{FIRST} that the mean of y alone would give. The likely cause is the scale of the data, "
        "as x[:, 0] spans 50 to 249 and y spans 70,000 to 420,000: standardize both, by mean and "
        "deviation of the training set. Or give Adam higher learning rates, as its best one lies "
        "at the edge of those that were searched and the loss hardly came down from the untrained "
        "model's 1.1."
    )
    assert flat(text(bad, verdict, measured)).startswith(said)
    assert flat(text(bad, verdict, measured)).count("Nothing was learnt") == 1
    data = json.loads(dumps(to_dict(bad, verdict, measured)))["verdict"]
    assert data["learnt"] is False
    assert data["sentence"].startswith(said)
    assert data["warnings"][0] == said.removesuffix(".")
    shown = page(bad, verdict, measured)
    start = shown.index('aria-label="Advice"')
    assert start < shown.index('id="alarm">Nothing was learnt') < shown.index('id="sentence"')
    assert "<title>toy: Nothing was learnt" in shown
    assert "<p><strong>Nothing was learnt" in notebook(bad, verdict)
    assert "**Nothing was learnt" in markdown(bad, verdict, measured)


def test_a_good_model_does_not_hear_of_it():
    good = study(floor=5.0)
    verdict = judge(good)
    assert alarm(good, verdict) == ""
    measured = measure(good, verdict)
    for told in (text, markdown):
        assert "learnt" not in told(good, verdict, measured)
    assert "alarm" not in page(good, verdict, measured).split("<script")[0]
    assert to_dict(good, verdict, measured)["verdict"]["learnt"] is True


def test_what_is_no_better_than_the_untrained_model_has_learnt_nothing():
    """Which may be better than the classes' frequencies, where there are few labels of each."""
    assert alarm(study(floor=1.2, spans={}), judge(study(floor=1.2))) == ""
    lucky = study(floor=1.2, spans={}, initial={"loss": 0.94})  # one untrained model of many
    assert alarm(lucky, judge(lucky)) == ""
    bad = study(floor=0.96, spans={}, initial={"loss": 0.94})
    said = alarm(bad, judge(bad))
    assert "the 0.94 that the untrained model alone would give" in said
    assert "though" not in said
    assert to_dict(bad, judge(bad), measure(bad, judge(bad)))["verdict"]["learnt"] is False


def test_who_learns_on_an_unusual_scale_hears_that_in_a_note():
    good = study(floor=5.0)
    note = (
        "x[:, 0] spans 50 to 249 and y spans 70,000 to 420,000: standardize both, by mean and "
        "deviation of the training set; models mostly learn better so, and at other learning "
        "rates than these"
    )
    assert warnings(good, judge(good)).count(note) == 1
    assert note in loud(good, judge(good))
    usual, bad = study(floor=5.0, spans={"x": (-1.0, 2.0)}), study()
    for other in (usual, bad):  # the alarm has said it already
        assert not any("standardize" in one for one in warnings(other, judge(other)))


def test_targets_of_a_loss_that_minds_no_outliers_keep_their_scale():
    """By their deviation, which a few far ones make, a Huber loss would be a squared one."""
    good = study(floor=5.0)
    for loss, told in (("mean_squared_error", True), ("MSELoss", True), ("huber", False)):
        one = replace(good, task=replace(good.task, loss=loss))
        (note,) = [n for n in warnings(one, judge(one)) if "standardize" in n]
        assert ("y spans" in note) == told


def test_what_over_fitted_is_not_said_to_have_learnt_nothing():
    bad = study()
    trials = tuple(
        replace(t, curves=replace(t.curves, validation_loss=(0.3, t.curves.validation_loss[-1])))
        for t in bad.trials
    )
    said = alarm(replace(bad, trials=trials), judge(replace(bad, trials=trials)))
    assert "Nothing" not in said
    assert "though it was 0.3 at epoch 1 of 2: train shorter" in said


@pytest.mark.parametrize("spans", [{}, {"x": (-1.0, 2.0)}])
def test_on_a_usual_scale_the_cure_is_another(spans):
    inside = study(spans=spans)
    inside = replace(
        inside, optimizers={n: replace(o, space={}) for n, o in inside.optimizers.items()}
    )
    assert "See whether the labels belong to their inputs" in alarm(inside, judge(inside))
    assert "so far" in alarm(replace(inside, finished=False), judge(inside))


def test_it_is_no_difference_between_two_studies():
    """It follows from the data, and a file of an earlier format does not have it."""
    bad = study()
    old = replace(bad, task=replace(bad.task, trivial=None))
    assert differences(old, bad).same


def test_what_fits_its_training_data_alone_hears_another_cure():
    bad = study(spans={})
    trials = tuple(
        replace(t, curves=replace(t.curves, training_loss=(1.0, 0.0123))) for t in bad.trials
    )
    said = alarm(replace(bad, trials=trials), judge(replace(bad, trials=trials)))
    assert "The training data are fitted (" in said
    assert (
        "got to a training loss of 0.012), which does not carry over: see whether training" in said
    )
    assert "or other learning rates" not in said
    lost = tuple(replace(t, outcome=Outcome.DIVERGED) for t in trials)
    assert fitted(replace(bad, trials=trials)) in trials
    assert fitted(replace(bad, trials=lost)) is None
    assert fitted(bad) is None
