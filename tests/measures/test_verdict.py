"""The verdict on hand-made studies with known answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made import STUDY, confirmed, study_of

from steepest.measures.verdict import Status, judge
from steepest.records import Outcome
from steepest.statistics import State

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
    running = [replace(t, outcome=Outcome.UNFINISHED) for t in study.trials if t.config.seed > 3]
    done = [t for t in study.trials if t.config.seed <= 3]
    standing = judge(replace(study, trials=(*done, *running))).standings["Adam"]
    assert standing.seeds == (1, 2, 3)  # what was trained halfway counts for nothing
    assert len(standing.loss.values) == 3
    waiting = judge(replace(study, trials=tuple(running)))
    assert (waiting.leader, waiting.tied_with) == (None, ())


def test_a_study_cut_short_compares_the_seeds_that_all_have():
    """Who was trained first in the last round has a seed more, and gains nothing by it."""
    study = study_of(finished=False, SGD=0.5 + NOISE, Adam=0.9 + NOISE, RMSprop=[9.0, 9.1])
    late = [t.optimizer == "SGD" and t.config.seed > 3 for t in study.trials]
    trials = [
        replace(t, outcome=Outcome.UNFINISHED) if no else t
        for t, no in zip(study.trials, late, strict=True)
    ]
    standings = judge(replace(study, trials=tuple(trials))).standings
    assert [standings[name].seeds for name in ("SGD", "Adam")] == [(1, 2, 3)] * 2
    assert standings["RMSprop"].seeds == (1, 2)  # it was settled before
    nothing = [t for t in trials if t.optimizer != "SGD"]
    nothing += [replace(t, outcome=Outcome.UNFINISHED) for t in trials if t.optimizer == "SGD"]
    one = [t for t in nothing if t.optimizer != "RMSprop"]
    verdict = judge(replace(study, trials=tuple(one)))
    assert (verdict.leader, verdict.winner) == (None, None)
    assert all(s.probability == 0 for s in verdict.standings.values())


def test_who_was_not_reached_in_time_has_not_failed():
    study = study_of(finished=False, SGD=0.9 + NOISE)
    study = replace(study, optimizers={**study.optimizers, "Adam": study.optimizers["SGD"]})
    verdict = judge(study)
    assert verdict.winner is None
    assert verdict.standings["Adam"].state is State.OPEN
    assert {s.probability for s in verdict.standings.values()} == {0.5}


def test_equal_optimizers_rarely_have_a_winner():
    """Three optimizers that are the same: a winner in at most 5 % of studies."""
    random = np.random.default_rng(0)
    wins = sum(
        judge(study_of(**dict(zip("ABC", random.normal(1, 0.1, (3, 5)), strict=True)))).winner
        is not None
        for _ in range(400)
    )
    assert wins <= 0.05 * 400


def test_test_numbers_are_those_of_the_confirmed_runs():
    standing = judge(study_of(SGD=0.9 + NOISE)).standings["SGD"]
    assert standing.test_loss.mean == pytest.approx(1.9, abs=1e-6)
    assert standing.metric.mean == pytest.approx(0.1, abs=1e-6)
    assert set(standing.test) == {"loss", "mae"}
    trial = confirmed(0, "SGD", 1, 0.5)
    assert trial.outcome is Outcome.FINISHED


def test_rounding_alone_does_not_win():
    verdict = judge(study_of(SGD=[0.5 + 1e-9] * 5, Adam=[0.5] * 5))
    assert verdict.winner is None
    assert verdict.tied_with == ("SGD",)


def test_one_seed_is_no_winner_even_where_all_others_diverged():
    assert judge(study_of(SGD=[math.inf], Adam=[0.5])).winner is None


def settings(study, **changes):
    return replace(study, settings=replace(study.settings, **changes))


def test_a_metric_may_decide_and_its_direction_is_respected():
    # The metric is 1 − loss, so the lowest metric is the highest loss.
    study = study_of(SGD=0.9 + NOISE, Adam=0.5 + NOISE[::-1])
    assert judge(settings(study, decides="mae")).winner == "SGD"
    verdict = judge(settings(study, decides="mae", maximize=True))
    assert verdict.winner == "Adam"
    sgd = verdict.standings["SGD"]
    assert sgd.value.mean == pytest.approx(0.1)
    assert sgd.behind.mean == pytest.approx(0.4)
    assert sgd.relative is None  # in its own unit
    assert sgd.loss.mean == pytest.approx(0.9)


def test_the_best_epoch_may_decide():
    study = study_of(SGD=2.3 + NOISE, Adam=2.1 + NOISE)  # both were at 2 an epoch before
    assert judge(study).winner == "Adam"
    verdict = judge(settings(study, at="best"))
    assert verdict.tied_with == ("Adam",)
    standing = verdict.standings["Adam"]
    assert standing.loss.mean == pytest.approx(2.1)
    assert standing.best_loss.mean == standing.value.mean == 2
    assert standing.metric.mean == 1  # at that epoch too


def test_what_would_not_matter_is_a_tie():
    study = study_of(SGD=1.005 + NOISE, Adam=1 + NOISE)
    assert judge(study).winner == "Adam"
    verdict = judge(settings(study, practical=0.01))
    assert verdict.winner is None
    assert verdict.standings["SGD"].state is State.SAME
    assert judge(settings(study, practical=0.001)).winner == "Adam"


def test_seeds_may_be_unequal_after_a_race():
    study = study_of(SGD=[9.0, 9.1, 9.05], Adam=0.5 + NOISE, RMSprop=0.7 + NOISE[::-1])
    verdict = judge(settings(study, race=True, seeds=8))
    assert verdict.winner == "Adam"
    assert list(verdict.standings) == ["Adam", "RMSprop", "SGD"]
    assert verdict.standings["SGD"].seeds == (1, 2, 3)
    assert len(verdict.standings["SGD"].behind.values) == 3


def test_what_a_budget_bought_is_a_last_look():
    study = settings(study_of(SGD=0.56 + NOISE, Adam=0.5 + NOISE[::-1]), race=True, seeds=90)
    running = judge(replace(study, finished=False))
    assert running.standings["SGD"].state is State.OPEN  # it goes on, to 8 seeds
    assert running.winner is None
    ended = judge(study)  # the plan bought no more
    assert ended.winner == "Adam"
    cut = judge(replace(study, stopped="the limit of 9 s ended the study"))
    assert cut.winner == "Adam"
    searching = judge(replace(study, finished=False, stopped="the limit of 9 s cut the search"))
    assert searching.standings["SGD"].state is State.BEHIND
    assert searching.winner is None  # not all were tuned on equal terms
    assert cut.standings["SGD"].behind.half_width < running.standings["SGD"].behind.half_width / 1.5


def test_a_study_that_goes_on_has_what_was_kept():
    study = study_of(SGD=0.56 + NOISE, Adam=0.5 + NOISE[::-1])
    study = settings(study, race=True, seeds=5)
    assert judge(study).winner == "Adam"
    assert judge(replace(study, judged=(5,))).winner == "Adam"  # what was decided stays
    again = judge(replace(study, judged=(3,)))
    assert again.winner is None
    assert (
        again.standings["SGD"].behind.half_width > judge(study).standings["SGD"].behind.half_width
    )


def test_of_an_accuracy_errors_matter():
    """0.9 and 0.905: a twentieth of the errors, and half a per cent."""
    study = study_of(SGD=0.1 + NOISE / 100, Adam=0.095 + NOISE / 100)
    study = settings(study, decides="mae", maximize=True, practical=0.03, practical_errors=0.1)
    assert study.settings.matters(0.9) == pytest.approx(0.01)
    assert study.settings.matters(-2.0) == pytest.approx(0.06)
    assert judge(study).standings["SGD"].state is State.SAME
    assert judge(settings(study, practical_errors=0.02)).winner == "Adam"
    assert judge(settings(study, practical_errors=None)).standings["SGD"].state is State.SAME
    assert judge(settings(study, decides="loss", maximize=False)).winner == "Adam"


def test_a_look_before_the_last_needs_more():
    study = study_of(SGD=1.04 + NOISE[::-1], Adam=1 + NOISE)
    fixed, raced = judge(study), judge(replace(settings(study, race=True, seeds=8), finished=False))
    assert (
        raced.standings["SGD"].behind.half_width > 1.05 * fixed.standings["SGD"].behind.half_width
    )


def test_probabilities_are_told():
    verdict = judge(study_of(SGD=0.9 + NOISE, Adam=0.5 + NOISE[::-1], Lion=[math.inf] * 5))
    found = {name: s.probability for name, s in verdict.standings.items()}
    assert found["Adam"] > 0.999
    assert found["Lion"] == 0
    assert sum(found.values()) == pytest.approx(1)


def test_who_was_never_confirmed_stands_in_nobody_s_way():
    study = study_of(SGD=0.9 + NOISE, Adam=0.5 + NOISE)
    study = replace(study, optimizers={**study.optimizers, "Lion": study.optimizers["SGD"]})
    verdict = judge(study)
    assert verdict.winner == "Adam"
    assert verdict.standings["Lion"].state is State.DIVERGED
    assert list(verdict.standings)[-1] == "Lion"
    alone = study_of(SGD=[0.9])
    alone = replace(alone, optimizers={**alone.optimizers, "Lion": alone.optimizers["SGD"]})
    assert judge(alone).winner is None


def test_who_blew_up_wins_nothing():
    """Its losses are finite, and the other's are not."""
    study = replace(study_of(SGD=2e4 + NOISE, Adam=[math.inf] * 5), initial={"loss": 1.0})
    verdict = judge(study)
    assert (verdict.leader, verdict.winner) == ("SGD", None)
    assert verdict.status is not Status.WINNER
