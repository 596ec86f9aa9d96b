"""Whether the best result is better than one answer for every example."""

from dataclasses import replace

import pytest
from made import STUDY, begun_at, study_of

from steepest.measures.trivial import hardly_moved, learnt, unlearnt, unscaled
from steepest.measures.verdict import judge
from steepest.records import Trivial


def with_floor(study, loss, spans=None, **values):
    trivial = Trivial("the mean of y", {"loss": loss, **values}, spans or {})
    return replace(study, task=replace(study.task, trivial=trivial))


def found(study):
    return unlearnt(study, judge(study))


@pytest.mark.parametrize(
    ("floor", "known"),
    [(2.0, True), (0.54, True), (0.51, False), (0.5, False), (0.1, False)],
)
def test_better_is_by_more_than_the_standard_error(floor, known):
    """Losses of 0.45, 0.5, 0.55 have the mean 0.5 and a standard error of 0.029."""
    study = with_floor(study_of(SGD=[0.45, 0.5, 0.55], Adam=[0.9, 0.9, 0.9]), floor)
    assert learnt(study, judge(study)) is known
    if not known:
        assert found(study).standing.name == "SGD"
        assert found(study).below is (floor == 0.51)
        assert (found(study).trivial, found(study).answer) == (floor, "the mean of y")


def test_two_seeds_that_are_apart_are_no_false_alarm():
    assert found(with_floor(study_of(SGD=[0.5, 0.6]), 1.0)) is None


def test_nobody_knows_without_a_trivial_predictor_or_a_best_result():
    study = study_of(SGD=[0.5, 0.6])
    assert learnt(study, judge(study)) is None
    lost = with_floor(study_of(SGD=[float("inf")] * 2), 0.1)
    assert found(lost) is None
    assert learnt(lost, judge(lost)) is None
    study = with_floor(study, 0.1)
    mae = replace(study, settings=replace(study.settings, decides="mae"))
    assert learnt(mae, judge(mae)) is None  # the trivial predictor's is not known


def test_where_a_metric_decides_its_direction_counts():
    study = with_floor(study_of(SGD=[0.1, 0.12]), 0.05, mae=0.5)  # mae is 1 − loss there
    up = replace(study, settings=replace(study.settings, decides="mae", maximize=True))
    assert found(up) is None
    up = with_floor(up, 0.05, mae=0.95)
    assert found(up).trivial == 0.95


def test_what_was_learnt_at_another_epoch_or_by_another_measure_is_told():
    def early(trial):
        curves = replace(trial.curves, validation_loss=(0.5, 2.0))
        return replace(trial, curves=curves)

    study = with_floor(study_of(SGD=[1.0, 1.1]), 1.0)
    assert found(study).otherwise is None
    late = replace(study, trials=tuple(map(early, study.trials)))
    assert found(late).otherwise == ("loss", 0.5, 1.0, 1)
    # A metric that says nothing of its direction proves nothing.
    other = with_floor(study, 0.5, mae=-5.0)
    assert found(other).otherwise is None
    other = replace(other, task=replace(other.task, directions={"mae": "up"}))
    assert found(other).otherwise[0] == "mae"
    assert found(with_floor(other, 0.5, mae=-0.05)).otherwise is None  # too little to be clear


def test_data_far_from_a_usual_scale_and_a_loss_that_hardly_moved():
    spans = {"x[:, 0]": (50.0, 250.0), "x": (-1.0, 3.0), "y": (0.0, 0.001), "z": (0.0, 0.0)}
    study = with_floor(study_of(SGD=[0.9, 1.0]), 0.5, spans)
    assert set(unscaled(study)) == {"x[:, 0]", "y"}
    assert unscaled(STUDY) == {}
    assert hardly_moved(study, found(study)) is None
    slow = replace(begun_at(study, 1.1), initial={"loss": 1.2})
    assert hardly_moved(slow, found(slow)) == 1.2
    # From 2 after an epoch to 0.95: its own untrained loss was no 1.2.
    assert hardly_moved(replace(study, initial={"loss": 1.2}), found(study)) is None
    assert hardly_moved(replace(study, initial={"loss": 5.0}), found(study)) is None
