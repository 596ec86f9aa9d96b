"""The verdict on hand-made studies with known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made import STUDY, confirmed, study_of

from steepest.measures.verdict import judge
from steepest.records import Outcome
from steepest.spaces import Float, to_dict

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def test_a_clear_winner_wins():
    verdict = judge(study_of(SGD=0.9 + NOISE, Adam=0.5 + NOISE[::-1], RMSprop=0.7 + NOISE))
    assert (verdict.winner, verdict.leader, verdict.tied_with) == ("Adam", "Adam", ())
    assert list(verdict.standings) == ["Adam", "RMSprop", "SGD"]
    behind = verdict.standings["SGD"].behind
    assert behind.mean == pytest.approx(0.4)
    assert behind.low > 0
    assert verdict.standings["Adam"].behind is None


def test_a_tie_is_a_tie():
    verdict = judge(study_of(SGD=0.5 + NOISE, Adam=0.5005 + NOISE[::-1], RMSprop=0.9 + NOISE))
    assert verdict.winner is None
    assert verdict.leader == "SGD"
    assert verdict.tied_with == ("Adam",)


def test_pairing_finds_what_unpaired_noise_would_hide():
    shared = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # what the seeds do to both
    verdict = judge(study_of(SGD=1 + shared, Adam=0.9 + shared + NOISE / 10))
    assert verdict.winner == "Adam"


def test_a_diverged_seed_cannot_win():
    verdict = judge(study_of(SGD=[0.1, math.inf, 0.1, 0.1, 0.1], Adam=0.9 + NOISE))
    assert verdict.winner == "Adam"
    assert verdict.standings["SGD"].diverged == 1
    assert verdict.standings["SGD"].behind is None


def test_nobody_is_left():
    verdict = judge(study_of(SGD=[math.inf] * 5))
    assert (verdict.winner, verdict.leader, verdict.tied_with) == (None, None, ())
    verdict = judge(STUDY)  # nothing was confirmed at all
    assert verdict.leader is None
    assert verdict.standings["SGD"].config is None


def test_one_seed_names_no_winner_over_another():
    verdict = judge(study_of(SGD=[0.9], Adam=[0.1]))
    assert verdict.winner is None
    assert verdict.tied_with == ("SGD",)


def test_one_optimizer_is_the_winner():
    assert judge(study_of(SGD=0.9 + NOISE)).winner == "SGD"


def test_an_unfinished_study_has_no_winner():
    study = study_of(finished=False, SGD=0.9 + NOISE, Adam=0.5 + NOISE)
    assert judge(study).winner is None
    assert judge(study).leader == "Adam"


def test_equal_optimizers_rarely_have_a_winner():
    """Three optimizers that are the same: a winner in at most 5 % of studies."""
    random = np.random.default_rng(0)
    wins = sum(
        judge(study_of(**dict(zip("ABC", random.normal(1, 0.1, (3, 5)), strict=True)))).winner
        is not None
        for _ in range(400)
    )
    assert wins <= 0.05 * 400


def test_edges_are_noticed():
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    inside = study_of(SGD=0.9 + NOISE, rate=0.03, space=ranges)
    outside = study_of(SGD=0.9 + NOISE, rate=0.99, space=ranges)
    assert judge(inside).standings["SGD"].edges == ()
    assert judge(outside).standings["SGD"].edges == ("learning_rate",)


def test_test_numbers_are_those_of_the_confirmed_runs():
    standing = judge(study_of(SGD=0.9 + NOISE)).standings["SGD"]
    assert standing.test_loss.mean == pytest.approx(1.9, abs=1e-6)
    assert standing.metric.mean == pytest.approx(0.1, abs=1e-6)
    trial = confirmed(0, "SGD", 1, 0.5)
    assert trial.outcome is Outcome.FINISHED


def test_rounding_alone_does_not_win():
    verdict = judge(study_of(SGD=[0.5 + 1e-9] * 5, Adam=[0.5] * 5))
    assert verdict.winner is None
    assert verdict.tied_with == ("SGD",)


def test_one_seed_is_no_winner_even_where_all_others_diverged():
    assert judge(study_of(SGD=[math.inf], Adam=[0.5])).winner is None


def test_a_momentum_of_zero_is_no_edge():
    ranges = {"momentum": to_dict(Float(0.0, 0.99, log=True, complement=True))}
    study = study_of(SGD=0.9 + NOISE, space=ranges)  # at a momentum of 0.9
    low = replace(
        study,
        trials=tuple(
            replace(t, config=replace(t.config, hyperparameters={"momentum": 0.01}))
            for t in study.trials
        ),
    )
    assert judge(low).standings["SGD"].edges == ()
