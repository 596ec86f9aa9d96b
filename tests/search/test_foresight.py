"""What may be asked for next is known before: by a strategy of one line, and by the real one."""

from dataclasses import replace

import pytest
from fake_engine import FakeEngine

from steepest.options import Options
from steepest.plan import make_plan
from steepest.search.choice import Tried
from steepest.search.foresight import foresee
from steepest.search.search_space import SearchSpace
from steepest.search.strategy import Ask, Lengths, first_asks, next_asks

WHOLE = 8


def ask(rate, epochs=4, **more):
    return Ask({"rate": rate}, epochs, **more)


def up_or_down(tried):
    """Ask for twice the best rate if the last one was the best, else for a tenth of the best."""
    best = min(tried, key=lambda t: t.half)
    return [ask(best.values["rate"] * (2 if best is tried[-1] else 0.1))]


def test_both_ends_of_what_is_in_training_are_followed():
    tried = [Tried(0, {"rate": 1.0}, 0.5, None, 4), Tried(1, {"rate": 16.0}, None, None, 4)]
    found = foresee(tried, [ask(16.0)], up_or_down, WHOLE, 6)
    assert [mine for _, mine in found[:2]] == [ask(0.1), ask(32.0)]  # worse is likelier
    chances = [chance for chance, _ in found]
    assert chances == sorted(chances, reverse=True)
    assert ask(16.0) not in [mine for _, mine in found]
    assert len({mine.values["rate"] for _, mine in found}) == len(found) == 6


def test_a_trial_goes_on_only_where_it_is_there():
    """What follows a guess may go on from it, which nobody can train before it was trained."""
    tried = [Tried(3, {"rate": 1.0}, 0.5, None, 4, waits=True)]
    seen = []

    def asks(known):
        seen.append(len(known))
        if len(known) == 1:
            return [ask(2.0)]
        return [Ask(known[-1].values, WHOLE, known[-1].number)]

    assert foresee(tried, [], asks, WHOLE, 4) == [(1.0, ask(2.0))]
    assert max(seen) == 2
    finish = Ask({"rate": 1.0}, WHOLE, 3)

    def in_full(known):
        return [finish] if known[0].full is None else []

    assert foresee(tried, [], in_full, WHOLE, 4) == [(1.0, finish)]


def test_seeds_of_a_round_come_together_and_nothing_after_them():
    tried = [Tried(0, {"rate": 1.0}, 0.5, 0.4, WHOLE), Tried(1, {"rate": 2.0}, 0.6, 0.5, WHOLE)]
    some = [Ask(t.values, WHOLE, seed=seed) for t in tried for seed in (1, 2)]
    assert foresee(tried, [], lambda _: some, WHOLE, 9) == [(1.0, one) for one in some]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("better", [True, False])
def test_the_real_strategy_asks_for_what_was_foreseen(optimizer, better):
    """Turn by turn, whether each training is the best so far or the worst."""
    plan, settings = make_plan(Options(optimizers=optimizer), FakeEngine(epochs=WHOLE).facts)
    space = SearchSpace(plan[0])
    starts = space.starts(settings)
    lengths = Lengths(4, WHOLE, 12.0 * WHOLE, most=0)
    tried = [
        Tried(i, one.values, 1.0 + i, None, one.epochs, waits=True)
        for i, one in enumerate(first_asks(starts, lengths))
    ]

    def asks(known):
        return next_asks(space, starts, known, lengths)

    turns = 0
    while now := asks(tried):
        (mine,) = now
        score = (-1.0 if better else 1.0) * (10 + len(tried))
        number = mine.goes_on if mine.goes_on is not None else len(tried)
        one = next((t for t in tried if t.number == number), None)
        waiting = Tried(number, mine.values, None, None, mine.epochs, waits=mine.epochs < WHOLE)
        if one is not None:
            waiting = replace(one, cost=WHOLE, waits=False)
        tried = [*(t for t in tried if t.number != number), waiting]
        foreseen = [guess for _, guess in foresee(tried, [mine], asks, WHOLE, 4)]
        done = {"full": score} if mine.epochs == WHOLE else {"half": score}
        half = {"half": score} if waiting.half is None else {}
        tried = [replace(t, **{**half, **done}) if t is waiting else t for t in tried]
        expected = asks(tried)
        if (
            expected
            and expected[0].goes_on not in {number}
            and not (expected[0].goes_on is None and expected[0].values == mine.values)
        ):
            assert expected[0] in foreseen, turns
        turns += 1
    assert turns > 8
