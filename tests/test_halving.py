"""Who goes on, and what it costs."""

import math

from hypothesis import given
from hypothesis import strategies as st

from steepest.budget import Budget, finishers, search_epochs
from steepest.halving import keep, rungs, survivors


def test_rungs_are_a_ninth_a_third_and_the_whole():
    assert rungs(27) == (3, 9, 27)
    assert rungs(20) == (3, 7, 20)
    assert rungs(2) == (1, 2)
    assert rungs(1) == (1,)


@given(st.integers(1, 10_000))
def test_the_last_rung_is_the_whole_training(epochs):
    found = rungs(epochs)
    assert found[-1] == epochs
    assert list(found) == sorted(set(found))
    assert found[0] >= 1


@given(st.lists(st.one_of(st.floats(0, 10), st.just(math.inf)), min_size=1, max_size=50))
def test_survivors_are_the_best_and_finite(scores):
    kept = survivors(scores)
    assert len(kept) <= keep(len(scores))
    assert all(math.isfinite(scores[i]) for i in kept)
    dropped = [scores[i] for i in range(len(scores)) if i not in kept]
    if kept and dropped:
        assert max(scores[i] for i in kept) <= min(dropped)


def test_equal_scores_go_by_order():
    assert survivors([1.0, 1.0, 1.0, 1.0]) == [0, 1]


def test_search_epochs_counts_what_halving_trains():
    assert search_epochs(9, (1, 3, 9)) == 9 * 1 + 3 * 2 + 1 * 6
    assert search_epochs(1, (3, 7, 20)) == 20
    assert search_epochs(3, (1, 3, 9), done=1) == 3 * 2 + 1 * 6
    assert finishers(9, (1, 3, 9)) == 1
    assert finishers(9, (1, 3, 9), done=1) == 3
    assert finishers(4, (1,)) == 4


def test_a_budget_gives_up_what_diverged_trials_did_not_need():
    budget = Budget(left=100)
    budget.charge(planned=30, spent=10)
    assert (budget.spent, budget.left, budget.planned) == (10, 70, 80)
