"""Ranks, normalized scores and profiles over tasks, on hand-made studies with known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import timed
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY, study_of
from scipy.stats import friedmanchisquare

import steepest.measures.compatibility as compat
from steepest.errors import InputError
from steepest.measures.common_optimizers import labels
from steepest.measures.ranks import chance
from steepest.records import ContestantRecord, Outcome

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
BACK = NOISE[::-1]


@pytest.fixture(autouse=True)
def _timed(monkeypatch):
    monkeypatch.setattr(compat, "speeds", timed.speeds)


def task(name, finished=True, **losses):
    study = study_of(finished, **losses)
    return replace(study, task=replace(study.task, name=name))


def on(found, name):
    return {optimizer: row[name] for optimizer, row in found.optimizers.items()}


def of(*studies):
    return compat.compatibility(studies)


CLEAR = task("clear", SGD=0.9 + NOISE, Adam=0.5 + BACK, RMSprop=0.7 + NOISE)
TIED = task("tied", SGD=0.5 + NOISE, Adam=0.5005 + BACK, RMSprop=0.9 + NOISE)


def test_clear_differences_have_whole_ranks():
    found = of(CLEAR, TIED)
    ranks = {name: one.rank for name, one in on(found, "clear").items()}
    assert ranks == {"Adam": 1, "RMSprop": 2, "SGD": 3}


def test_those_that_cannot_be_told_apart_share_ranks():
    found = of(CLEAR, TIED)
    ranks = {name: one.rank for name, one in on(found, "tied").items()}
    assert ranks == {"Adam": 1.5, "SGD": 1.5, "RMSprop": 3}
    assert found.ranks["Adam"].mean == pytest.approx(1.25)
    assert list(found.optimizers) == ["Adam", "SGD", "RMSprop"]
    assert found.about["tied"].best == ("SGD", "Adam")
    assert found.about["clear"].winner == "Adam"


def test_two_that_are_behind_can_tie():
    found = of(CLEAR, task("b", Adam=0.1 + NOISE, SGD=0.9 + NOISE, RMSprop=0.9 + BACK))
    assert {n: o.rank for n, o in on(found, "b").items()} == {"Adam": 1, "SGD": 2.5, "RMSprop": 2.5}


def test_who_ties_with_two_that_differ_is_between_them():
    """A beats B by as much as matters; C is so noisy that it ties with both."""
    noisy = np.array([0.6, -0.5, 0.4, -0.6, 0.15])
    found = of(CLEAR, task("c", SGD=0.5 + NOISE, RMSprop=0.6 + NOISE, Adam=0.55 + noisy))
    ranks = {name: one.rank for name, one in on(found, "c").items()}
    assert ranks == {"SGD": 1.5, "Adam": 2.0, "RMSprop": 2.5}


def test_what_diverged_is_last_and_shares_it():
    losses = {"SGD": [0.1, math.inf, 0.1], "Lion": [math.inf] * 3, "Adam": [0.9, 0.91, 0.92]}
    found = of(task("a", **losses), task("b", **losses, RMSprop=[1, 1, 1]))
    ranks = {name: one.rank for name, one in on(found, "a").items()}
    assert ranks == {"Adam": 1, "SGD": 2.5, "Lion": 2.5}
    one = on(found, "a")["SGD"]
    assert one.normalized.mean == 1.0
    assert on(found, "a")["Adam"].normalized.mean == 0.0  # alone, it is as good as the worst able
    assert found.left_out == ("RMSprop",)
    assert on(found, "a")["Lion"].steps == math.inf


def test_normalized_scores_are_distances():
    found = of(CLEAR, TIED)
    clear = {name: one.normalized for name, one in on(found, "clear").items()}
    assert clear["Adam"].mean == pytest.approx(0.0)
    assert clear["RMSprop"].mean == pytest.approx(0.5)
    assert clear["SGD"].mean == pytest.approx(1.0)
    assert clear["SGD"].values == pytest.approx(1 + NOISE / 0.4)
    assert clear["SGD"].low < 1 < clear["SGD"].high
    assert found.normalized["RMSprop"].mean == pytest.approx(0.75)


def test_equal_optimizers_have_a_score_of_zero():
    found = of(CLEAR, task("same", SGD=[0.5] * 3, Adam=[0.5] * 3, RMSprop=[0.5] * 3))
    assert {one.normalized.mean for one in on(found, "same").values()} == {0.0}
    assert {one.rank for one in on(found, "same").values()} == {2.0}


def test_larger_can_be_better():
    study = task("up", SGD=0.9 + NOISE, Adam=0.5 + BACK, RMSprop=0.7 + NOISE)
    up = replace(study, settings=replace(study.settings, decides="mae", maximize=True))
    found = of(CLEAR, up)  # its mae is 1 − loss, so the same ones are ahead
    assert {n: o.rank for n, o in on(found, "up").items()} == {"Adam": 1, "RMSprop": 2, "SGD": 3}
    assert on(found, "up")["SGD"].normalized.mean == pytest.approx(1.0)
    assert on(found, "up")["RMSprop"].normalized.mean == pytest.approx(0.5)


def test_a_seed_that_never_arrives_is_infinite_in_the_median():
    found = of(CLEAR, TIED)
    assert on(found, "clear")["SGD"].steps == math.inf
    assert on(found, "clear")["Adam"].steps == 26  # three of five seeds are there at the end
    assert on(found, "tied")["Adam"].steps == math.inf  # three end just above SGD's median
    assert found.profile.scores["Adam"] == pytest.approx(0.5)
    assert found.profile.scores["RMSprop"] == 0.0


def test_without_targets_there_is_no_profile(monkeypatch):
    monkeypatch.setattr(compat, "speeds", lambda *_: compat.Speeds(None, {}))
    found = of(CLEAR, TIED)
    assert found.profile is None
    assert {one.steps for one in on(found, "clear").values()} == {None}


def test_a_study_that_stopped_early_does_not_count():
    waiting = task("early", finished=False, SGD=0.5 + NOISE, Adam=[], RMSprop=[])
    found = of(CLEAR, waiting, TIED)
    assert not found.about["early"].judged
    assert {one.rank for one in on(found, "early").values()} == {None}
    assert found.ranks["Adam"].values == (1.0, 1.5)
    late = of(CLEAR, replace(TIED, finished=False))
    assert late.about["tied"].judged
    assert late.about["tied"].winner is None


def test_nothing_confirmed_is_no_exception():
    empty = [
        replace(task(name, SGD=[1], Adam=[1]), trials=(), finished=finished)
        for name, finished in (("a", False), ("b", True))
    ]
    found = of(*empty)
    assert not found.about["a"].judged
    assert on(found, "b")["SGD"].rank == 1.5
    assert found.ranks["SGD"].low is None
    assert found.friedman is None


def test_one_seed_ties_all_and_unfinished_trials_count_for_nothing():
    found = of(CLEAR, task("one", SGD=[0.9], Adam=[0.1], RMSprop=[0.2]))
    assert {one.rank for one in on(found, "one").values()} == {2.0}
    trials = tuple(replace(t, outcome=Outcome.UNFINISHED) for t in TIED.trials)
    found = of(CLEAR, replace(TIED, trials=trials, finished=False))
    assert not found.about["tied"].judged


def test_not_a_number_in_curves_is_survived():
    trials = tuple(
        replace(t, curves=replace(t.curves, validation_loss=(math.nan, math.nan)))
        if t.optimizer == "SGD"
        else t
        for t in TIED.trials
    )
    found = of(CLEAR, replace(TIED, trials=trials))
    assert on(found, "tied")["SGD"].rank == 3
    assert on(found, "tied")["SGD"].normalized.mean == 1


def test_equal_ranks_have_no_interval():
    assert of(CLEAR, replace(CLEAR, started="later")).ranks["Adam"].half_width is None
    ranks = of(CLEAR, TIED).ranks["Adam"]  # Student's interval is 1.25 ± 3.18: cut at both ends
    assert (ranks.mean, ranks.low) == (pytest.approx(1.25), 1.0)
    assert ranks.high == len(of(CLEAR, TIED).optimizers)


def test_tasks_of_one_name_are_numbered():
    three = [replace(CLEAR, started=str(i)) for i in range(3)]
    assert of(*three).tasks == ("clear", "clear 2", "clear 3")
    named = [task(n, SGD=[1]) for n in ("a", "a 2", "a")]
    assert labels(named) == ("a", "a 2", "a 3")
    named = [task(n, SGD=[1]) for n in ("a", "a", "a 2")]
    assert labels(named) == ("a", "a 3", "a 2")


@pytest.mark.parametrize(
    ("studies", "said"),
    [
        ([], "there are 0 studies"),
        ([CLEAR], "there is 1 study"),
        ([CLEAR, TIED, CLEAR], "the study of clear is given twice"),
        ([CLEAR, task("x", Lion=[1], Adam=[1])], "have Adam alone in common"),
        ([CLEAR, STUDY], "have SGD alone in common"),
        ([CLEAR, task("x", Lion=[1], Nadam=[1])], "no optimizer in common"),
        (
            [
                task("x", SGD=[1], Adam=[1]),
                replace(
                    task("y", SGD=[1], Adam=[1]),
                    optimizers={n: ContestantRecord("Lion") for n in ("SGD", "Adam")},
                ),
            ],
            "its rule is SGD on x and Lion on y",
        ),
    ],
)
def test_what_cannot_be_seen_together_is_said(studies, said):
    with pytest.raises(InputError, match=said):
        of(*studies)


losses = st.lists(st.lists(st.floats(0.1, 10), min_size=4, max_size=4), min_size=3, max_size=3).map(
    lambda rows: dict(zip(("SGD", "Adam", "RMSprop"), rows, strict=True))
)


@given(losses, st.sampled_from([0.25, 2.0, 64.0]))
@settings(max_examples=60, deadline=None)
def test_ranks_sum_to_the_same_and_know_no_unit(values, unit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compat, "speeds", timed.speeds)
        found = of(CLEAR, task("t", **values))
        scaled = {name: [unit * v for v in row] for name, row in values.items()}
        again = of(CLEAR, task("t", **scaled))
    ranks = [one.rank for one in on(found, "t").values()]
    assert sum(ranks) == 6
    assert all(1 <= rank <= 3 for rank in ranks)
    assert {n: o.rank for n, o in on(again, "t").items()} == {
        n: o.rank for n, o in on(found, "t").items()
    }
    for one in on(found, "t").values():
        assert -1e-9 <= one.normalized.mean <= 1 + 1e-9


def test_friedman_is_exact_for_few_tasks():
    """Three tasks on which three optimizers have the same order: 6 of 6³ orders agree so."""
    assert chance([[1, 1, 1], [2, 2, 2], [3, 3, 3]]) == pytest.approx(6 / 216)
    assert chance([[2, 2, 2]] * 3) is None
    assert chance([[1, 1], [2, 2], [3, 3]]) is None
    assert chance([[1, 1, 1], [2, 2, 2]]) is None


def test_friedman_is_scipy_s_for_many_tasks():
    random = np.random.default_rng(3)
    table = np.array([random.permutation([1.0, 2.0, 3.0, 4.0]) for _ in range(25)]).T
    table[0], table[1] = np.sort(table[:2], axis=0)  # one is ahead of another everywhere
    assert chance(table.tolist()) == pytest.approx(friedmanchisquare(*table).pvalue, abs=0.01)
    tied = np.array([random.permutation([1.0, 2.5, 2.5, 4.0]) for _ in range(25)]).T
    assert chance(tied.tolist()) == pytest.approx(friedmanchisquare(*tied).pvalue, abs=0.03)
