"""How trials ended, counted; and a run that failed counts as one that diverged."""

import math
from dataclasses import replace

import pytest
from made import STUDY, study_of
from made_searches import search_study, trial
from whole import whole_study

from steepest.measures.measure import measure
from steepest.measures.outcomes import blew_up, count_outcomes, never_changed
from steepest.measures.search_trials import at_length, common_length, horizon
from steepest.measures.verdict import judge
from steepest.records import Curves, Outcome, Stage


def failed(one, reason="ValueError: no", epochs=0):
    """Return the trial as if the model had raised an error after so many epochs."""
    curves = one.curves
    cut = Curves(
        curves.epoch[:epochs],
        curves.step[:epochs],
        curves.training_loss[:epochs],
        curves.validation_loss[:epochs],
        {name: values[:epochs] for name, values in curves.metrics.items()},
    )
    return replace(one, outcome=Outcome.FAILED, reason=reason, curves=cut, test=None, training=None)


def test_trials_are_counted_with_reasons_and_the_lowest_rate():
    rate = {"learning_rate": 0.1}
    trials = [
        trial(0, {"learning_rate": 0.5}, [math.nan]),
        trial(1, {"learning_rate": 0.3}, [1e9], outcome=Outcome.EXPLODED),
        trial(2, {"learning_rate": 1e-9}, [2.0], outcome=Outcome.CONSTANT),
        failed(trial(3, rate, [1.0]), "TypeError:\n a"),
        failed(trial(4, rate, [1.0])),
        failed(trial(5, rate, [1.0])),
        failed(trial(6, rate, [1.0]), ""),
        trial(7, rate, [], outcome=Outcome.UNFINISHED),
    ]
    found = count_outcomes(search_study(trials), trials)
    assert found.trials == 7
    assert dict(found.counts) == {
        Outcome.DIVERGED: 1,
        Outcome.EXPLODED: 1,
        Outcome.CONSTANT: 1,
        Outcome.FAILED: 4,
    }
    assert list(found.counts) == [one for one in Outcome if one in found.counts]
    assert dict(found.reasons) == {"ValueError: no": 2, "TypeError: a": 1, "no reason was kept": 1}
    assert next(iter(found.reasons)) == "ValueError: no"
    assert (found.lowest_rate, found.unchanged, found.lost) == (0.3, 1, 5)
    assert count_outcomes(STUDY, []).lowest_rate is None


@pytest.mark.parametrize(
    ("curve", "training", "initial", "said"),
    [
        ([2.0, 2.0], [2.0, 2.01], None, True),
        ([2.0, 2.0], [2.0, 1.5], None, False),  # chance: the weights moved
        ([2.0, 2.0000001], [2.0, 2.0], None, False),
        ([0.0, 0.0], [0.0, 0.0], 2.0, False),  # as good as it gets after an epoch
        ([2.0, 2.0], [2.0, 2.0], 2.01, True),
        ([2.0], [2.0], None, False),
        ([2.0], [2.0], 2.0, True),
        ([math.nan, math.nan], [2.0, 2.0], None, False),
        ([], [], None, False),
    ],
)
def test_a_loss_that_never_changed(curve, training, initial, said):
    one = trial(0, {"learning_rate": 0.1}, curve, outcome=Outcome.FINISHED)
    one = replace(one, curves=replace(one.curves, training_loss=tuple(training)))
    assert never_changed(search_study([one], initial=initial), one) is said


@pytest.mark.parametrize(
    ("curve", "initial", "times"),
    [
        ([1.0, 1001.0], None, 1001.0),
        ([1.0, 999.0], None, None),
        ([5000.0, 5000.0], 2.0, 2500.0),
        ([5000.0, 1.0], 2.0, None),
        ([-1.0, 5000.0], None, None),
        ([0.0, 5000.0], None, None),
    ],
)
def test_a_loss_that_blew_up(curve, initial, times):
    one = trial(0, {"learning_rate": 0.1}, curve, outcome=Outcome.FINISHED)
    assert blew_up(search_study([one], initial=initial), one) == times


def test_a_run_that_failed_counts_as_one_that_gave_nothing():
    study = study_of(SGD=[0.1, 0.1, 0.1], Adam=[0.5, 0.6, 0.5])
    broken = tuple(failed(t) if t.number == 1 else t for t in study.trials)
    verdict = judge(replace(study, trials=broken))
    sgd = verdict.standings["SGD"]
    assert (verdict.winner, sgd.diverged, sgd.failed, sgd.lost) == ("Adam", 0, 1, 1)
    assert sgd.value.mean is None
    assert not sgd.metrics
    same = judge(study_of(SGD=[0.1, math.inf, 0.1], Adam=[0.5, 0.6, 0.5]))
    assert same.standings["SGD"].state is sgd.state


@pytest.mark.parametrize("epochs", [0, 1])
def test_every_measure_has_failed_trials_for_diverged_ones(epochs):
    """The same numbers come out, whichever of the two it was that a trial was lost by."""
    study = whole_study()

    def turned(one, outcome):
        if one.outcome is not Outcome.DIVERGED and one.number % 5:
            return one
        return replace(failed(one, epochs=epochs), outcome=outcome, reason="")

    def measured(outcome):
        some = replace(study, trials=tuple(turned(t, outcome) for t in study.trials))
        verdict = judge(some)
        text = repr(measure(some, verdict))
        for name in ("diverged", "failed"):  # the counts of default runs that were lost differ
            for count in range(9):
                text = text.replace(f"{name}={count}", f"{name}=")
        return text, [(n, s.state, s.lost) for n, s in verdict.standings.items()]

    assert measured(Outcome.FAILED) == measured(Outcome.DIVERGED)


def test_a_failed_trial_without_epochs_is_the_worst_at_each_length():
    one = failed(trial(0, {"learning_rate": 0.1}, [1.0]))
    other = trial(1, {"learning_rate": 0.2}, [1.0, 0.9])
    study = search_study([one, other])
    assert [result for _, result in at_length(study, [one, other], 2)] == [math.inf, 0.9]
    assert horizon(study, one) == study.task.epochs
    assert common_length(study, [one]) > 0
    assert one.stage is Stage.SEARCH


@pytest.mark.parametrize("outcome", [Outcome.EXPLODED, Outcome.CONSTANT])
def test_what_stopped_at_a_rung_with_a_trouble_has_its_loss(outcome):
    one = trial(0, {"learning_rate": 0.1}, [5.0], outcome=outcome)
    study = search_study([one, replace(one, number=1, outcome=Outcome.HALVED)])
    assert not one.lost
    assert {result for _, result in at_length(study, study.trials, 1)} == {5.0}
