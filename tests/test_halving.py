"""Who goes on, and what it costs."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from steepest.budget import BUDGETS, Budget, OutOfTime, Plan, affordable, cost, plan, plan_of
from steepest.halving import rungs, survivors


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


@given(
    st.lists(st.one_of(st.floats(0, 10), st.just(math.inf)), min_size=1, max_size=50),
    st.integers(0, 60),
)
def test_survivors_are_the_best_and_finite(scores, count):
    kept = survivors(scores, count)
    assert len(kept) == min(count, sum(map(math.isfinite, scores)))
    assert all(math.isfinite(scores[i]) for i in kept)
    dropped = [scores[i] for i in range(len(scores)) if i not in kept]
    if kept and dropped:
        assert max(scores[i] for i in kept) <= min(dropped)


def test_equal_scores_go_by_order():
    assert survivors([1.0, 1.0, 1.0, 1.0], 2) == [0, 1]


def test_cost_counts_what_the_search_trains():
    one = Plan(9, (3, 1), (2, 1))
    assert one.tried == 9 + 2 + 1
    assert cost(one, (1, 3, 9), False) == 9 * 1 + 3 * 2 + 2 * 3 + 1 * 6 + 1 * 9
    assert cost(one, (1, 3, 9), True) == 9 * 1 + 3 * 3 + 2 * 3 + 1 * 9 + 1 * 9
    assert cost(Plan(4, (), ()), (1,), False) == 4


@given(st.integers(1, 200), st.floats(1, 40), st.booleans())
@example_settings(deadline=None)
def test_a_plan_fits_its_budget(epochs, trainings, restart):
    steps = rungs(epochs)
    found = affordable(trainings, steps, restart)
    assert cost(found, steps, restart) <= trainings * epochs
    assert found.trials >= 1
    assert len(found.survivors) == len(found.refined) == len(steps) - 1
    left = trainings * epochs - cost(found, steps, restart)
    assert left < steps[0]  # nothing more could be explored


@given(st.integers(1, 200), st.booleans())
@example_settings(deadline=None)
def test_more_budget_never_tries_less(epochs, restart):
    steps = rungs(epochs)
    counts = [affordable(b / 2, steps, restart).tried for b in sorted(BUDGETS.values())]
    assert counts == sorted(counts)


@given(st.integers(1, 200), st.integers(1, 300))
@example_settings(deadline=None)
def test_as_many_are_tried_as_were_asked_for(epochs, trials):
    found = plan_of(trials, rungs(epochs))
    assert found.tried == trials
    assert found.trials >= 1


@given(st.integers(2, 200))
def test_nobody_goes_on_who_is_not_there(epochs):
    steps = rungs(epochs)
    for size in (0.1, 0.5, 0.7, 1.0, 2.6, 10.0):
        one, there = plan(size, steps), math.inf
        for on, new in zip(one.survivors, one.refined, strict=True):
            there = min(there, one.trials) if there == math.inf else there
            assert on <= there
            there = on + new


def test_plans_grow_with_their_size():
    sizes = [plan(0.1 * i, (1, 3, 9)).tried for i in range(100)]
    assert all(a <= b for a, b in itertools.pairwise(sizes))


def test_a_budget_gives_up_what_diverged_trials_did_not_need():
    budget = Budget(left=100)
    budget.charge(planned=30, spent=10)
    assert (budget.spent, budget.left, budget.planned) == (10, 70, 80)


def test_a_budget_ends_at_its_deadline():
    budget = Budget(left=100, deadline=0.0)
    with pytest.raises(OutOfTime):
        budget.charge(planned=30, spent=10)
    assert (budget.spent, budget.left) == (10, 70)  # which is noted all the same
