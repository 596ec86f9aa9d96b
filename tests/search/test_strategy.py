"""The strategy: what is trained next, by what was tried. Losses here are formulas."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from made_searches import trial
from planned import planned

from steepest.budget import least_search, trainings_again, trainings_far
from steepest.parse.contestant import contestants
from steepest.records.callbacks import CallbackRecord
from steepest.search import far_rates, strategy
from steepest.search.choice import EDGE, Tried, choose, steady_score
from steepest.search.far_rates import FAR
from steepest.search.search_space import RATE, SearchSpace
from steepest.search.strategy import Lengths, first_asks, next_asks
from steepest.spaces import Choice

LOST = math.inf


def worse(score, mine, times):
    return not math.isfinite(score) or score > times * mine


def space_of(wanted="SGD"):
    (found,) = contestants(wanted, 8)
    one = SearchSpace(found)
    return one, one.starts(planned("SGD", 9)[1])


SGD, STARTS = space_of()
FIRST = STARTS[0]


def lengths(trainings, epochs=10, **more):
    again = more.pop("again", 0)
    return Lengths(-(-epochs // 2), epochs, (trainings - again) * epochs, again, **more)


def decades(values):
    """Return the learning rate as decades of η/(1 − μ), which a bowl is a function of."""
    return math.log10(values[RATE] / (1 - values.get("momentum", 0.0)))


def bowl(best, drift=0.0, floor=0.1):
    """Return a loss that is least at 10^best; `drift` decades higher at half length."""

    def loss(values, part, seed):
        return floor + (decades(values) - best - drift * (1 - part)) ** 2 / 10 + (1 - part)

    return loss


class Searched:
    """A search of which every training costs a formula. `asks` are what was asked, in order."""

    def __init__(self, loss, lengths, wanted="SGD", kept=4, memorized=lambda values: False):
        self.space, self.starts = space_of(wanted)
        self.loss, self.lengths, self.kept = loss, lengths, kept
        self.memorized = memorized
        self.tried, self.asks, self.cost = [], [], 0
        asks = first_asks(self.starts, lengths)
        while asks:
            for ask in asks:
                self.train(ask)
            waiting = [one for one in self.tried if one.waits]
            for one in sorted(waiting, key=lambda t: (t.half, t.number))[kept:]:
                self.tried[one.number] = replace(one, waits=False)
            asks = next_asks(self.space, self.starts, self.tried, lengths)

    def train(self, ask):
        self.asks.append(ask)
        whole = ask.epochs == self.lengths.whole
        known = [one for one in self.tried if one.values == ask.values]
        score = self.loss(ask.values, ask.epochs / self.lengths.whole, ask.seed)
        if ask.seed:
            self.cost += ask.epochs
            (one,) = known
            self.tried[one.number] = replace(one, again=(*one.again, score))
            return
        if ask.goes_on is not None:
            assert self.tried[ask.goes_on].waits
            assert self.tried[ask.goes_on].values == ask.values
            cost = ask.epochs - self.lengths.half
        else:
            cost = ask.epochs
        self.cost += cost
        if known:
            assert known[0].full is None
            one = replace(known[0], full=score, cost=known[0].cost + cost, waits=False)
            self.tried[one.number] = one
        else:
            half, full = (None, score) if whole else (score, None)
            if whole:
                half = self.loss(ask.values, self.lengths.half / self.lengths.whole, 0)
            may_go_on = not whole and not self.lengths.restart and math.isfinite(score)
            number = len(self.tried)
            memorized = self.memorized(ask.values)
            one = Tried(number, ask.values, half, full, cost, may_go_on, memorized=memorized)
            self.tried.append(one)

    @property
    def best(self):
        return choose(self.space, self.tried, worse)

    @property
    def steps(self):
        """Decades from the first to each that was asked for, with the length."""
        return [(round(decades(a.values) - decades(FIRST), 1), a.epochs) for a in self.asks]


# Starts and bracket


def test_a_search_starts_with_the_first_three_of_its_list_at_half_length():
    asks = first_asks(STARTS, lengths(8))
    assert [(ask.values, ask.epochs) for ask in asks] == [(one, 5) for one in STARTS[:3]]
    assert all((ask.goes_on, ask.seed) == (None, 0) for ask in asks)


@pytest.mark.parametrize(("trainings", "count"), [(0.5, 1), (1, 1), (1.5, 2), (2, 3), (9, 3)])
def test_fewer_start_where_the_budget_would_not_leave_what_finishing_one_takes(trainings, count):
    assert len(first_asks(STARTS, lengths(trainings))) == count


def only(values, half):
    """Return one that was tried for half the epochs."""
    return Tried(0, values, half, None, 5, True)


def test_the_bracket_tries_rates_in_their_order():
    """10^0.4 of the best, 10^-0.4, 10^0.2, 10^-0.2: the first that is untried."""
    tried, asked = [only(FIRST, 1.0)], []
    for number in range(1, 5):
        (ask,) = next_asks(SGD, [FIRST], tried, lengths(20))
        assert ask.epochs == 5
        asked.append(SGD.above(ask.values, FIRST))
        tried.append(Tried(number, ask.values, 2.0, None, 5, True))
    assert asked == pytest.approx([0.4, -0.4, 0.2, -0.2], abs=0.01)


def test_it_goes_on_from_whatever_is_best():
    higher = {**FIRST, RATE: FIRST[RATE] * 10**0.4}
    tried = [only(FIRST, 1.0), Tried(1, higher, 0.5, None, 5, True)]
    (ask,) = next_asks(SGD, STARTS, tried, lengths(20))
    assert SGD.above(ask.values, FIRST) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_after_three_in_a_row_it_takes_longer_strides(sign):
    rates = [FIRST[RATE] * 10 ** (0.4 * sign * k) for k in range(3)]
    tried = [
        Tried(k, {**FIRST, RATE: rate}, 1.0 - 0.1 * k, None, 5, True)
        for k, rate in enumerate(rates)
    ]
    (ask,) = next_asks(SGD, STARTS, tried, lengths(20))
    assert SGD.above(ask.values, FIRST) == pytest.approx(sign * 1.6, abs=0.01)
    # Not where the outmost is not the best any more.
    tried[2] = replace(tried[2], half=3.0)
    (ask,) = next_asks(SGD, STARTS, tried, lengths(20))
    assert abs(SGD.above(ask.values, FIRST)) < 1.2


@pytest.mark.parametrize("best", [-6.5, 3.5])
def test_an_optimum_five_decades_away_is_reached(best):
    assert abs(decades(FIRST) - best) >= 4.9  # in decades
    found = Searched(bowl(best), lengths(18))
    assert abs(decades(found.best.values) - best) <= 0.2


def test_the_bracket_ends_where_it_leaves_the_rest_of_the_budget():
    found = Searched(bowl(-1.5), lengths(8))
    half = [ask for ask in found.asks if ask.epochs == 5]
    assert found.asks[: len(half)] == half
    assert len(half) * 5 <= 0.6 * 80 < (len(half) + 1) * 5


# To the end


def test_the_best_of_half_length_goes_on_then_a_lower_rate_in_full():
    """As the best rate of half a training is rather too high for a whole one."""
    found = Searched(bowl(-1.5), lengths(8))
    at = next(i for i, ask in enumerate(found.asks) if ask.epochs == 10)
    half = min((one for one in found.tried if one.number < at), key=lambda one: one.half)
    assert found.asks[at].values == half.values
    assert found.asks[at].goes_on == half.number
    following = found.asks[at + 1]
    assert following.epochs == 10
    assert SGD.above(following.values, half.values) == pytest.approx(-0.2, abs=0.01)


def test_it_refines_in_full_while_the_budget_lasts():
    """Where the best rate falls with the length, the lower ones are found in full."""
    found = Searched(bowl(-2.0, drift=1.0), lengths(12))
    full = [one for one in found.tried if one.full is not None]
    assert len(full) >= 5
    best_at_half = min(
        (one for one in found.tried if one.cost == 5 or one.half), key=lambda t: t.half
    )
    assert decades(found.best.values) < decades(best_at_half.values) - 0.3
    assert abs(decades(found.best.values) + 2.0) <= 0.25


def two_valleys(values, part, seed, at=0.1, late=20.0):
    """A loss as on two spirals: what learns, a decade and a half above, looks worst at half."""
    near, far = decades(values) + 2, decades(values) - at
    if abs(far) < 0.8:
        return 0.1 + far**2 / 4 if part == 1 else late
    return 0.6 + near**2 / 10 + (1 - part) / 10 if near < 0.4 else late / 2 + near / 10


def test_what_learns_late_is_found_by_rates_far_from_the_best():
    assert Searched(two_valleys, lengths(11)).best.full == pytest.approx(0.6, abs=0.02)
    found = Searched(two_valleys, lengths(14, far=30))
    assert decades(found.best.values) == pytest.approx(0.1, abs=0.3)
    first = [ask for ask in found.asks if ask.epochs == 10][2:5]
    begun = decades(min(found.tried, key=lambda t: t.half).values)
    away = [round(decades(ask.values) - begun, 1) for ask in first]
    assert away[:2] == [0.8, 1.6]
    assert found.cost <= 140


def test_rates_far_from_the_best_cost_the_rest_of_the_search_nothing():
    """The bracket is as long as without them."""
    few = [ask for ask in Searched(bowl(-1.5), lengths(11)).asks if ask.epochs == 5]
    assert [a for a in Searched(bowl(-1.5), lengths(14, far=30)).asks if a.epochs == 5] == few


def test_where_little_is_learnt_a_small_search_has_far_rates_in_place_of_the_bracket():
    """The trivial predictor says what little is."""
    late = functools.partial(two_valleys, at=0.6, late=1.3)
    assert Searched(late, lengths(5)).best.full > 0.59
    found = Searched(late, lengths(5, trivial=0.7))
    assert found.best.full < 0.3
    assert [epochs for _, epochs in found.steps] == [5, 5, 5, 10, 10, 10, 10]
    assert found.cost <= 50


def test_where_more_is_learnt_the_trivial_predictor_changes_nothing():
    plain = Searched(bowl(-1.5), lengths(6)).asks
    assert Searched(bowl(-1.5), lengths(6, trivial=2.0)).asks == plain
    assert Searched(bowl(-1.5), lengths(6, trivial=0.6)).asks != plain
    for other in (3, 12):  # pays for one far rate, which is too few, and for a bracket beside them
        found = Searched(bowl(-1.5), lengths(other, trivial=0.5))
        assert [a for a in found.asks if a.epochs == 5] == [
            a for a in Searched(bowl(-1.5), lengths(other)).asks if a.epochs == 5
        ]


def test_where_little_is_learnt_far_rates_begin_above_what_over_fits():
    """Not above one whose loss in training is worse than that of one answer, too."""

    def first(**more):
        some = tried((0.0, 2.0, 2.5), (0.4, 2.9, None), (-0.4, 2.1, None))
        some[1] = replace(some[1], **more)
        (ask,) = next_asks(SGD, STARTS, some, lengths(11, trivial=2.0))
        return decades(ask.values) - decades(FIRST)

    assert first() == pytest.approx(0.8, abs=0.02)
    assert first(memorized=True) == pytest.approx(1.2, abs=0.02)
    assert first(wild=True) == first(half=4.1) == pytest.approx(-0.8, abs=0.02)
    assert first(half=4.1, memorized=True) == pytest.approx(1.2, abs=0.02)


def test_what_had_learnt_at_half_the_length_and_lost_it_has_too_high_a_rate():
    """It ends worse than the trivial predictor: lower rates are next, and not far higher ones."""

    def edge(values, part, seed):
        away = abs(decades(values) + 1.5)
        return 3.3 if part == 1 and decades(values) > -1.6 else 0.1 + away / 10

    found = Searched(edge, lengths(6, trivial=1.0))
    full = [decades(ask.values) for ask in found.asks if ask.epochs == 10]
    assert full[0] > -1.6
    assert max(full) < -1  # its neighbours, and nothing beyond
    assert found.best.full < 0.3


@pytest.mark.parametrize(
    ("score", "trivial", "said"),
    [
        (0.6, 0.7, (False, False, False)),
        (0.65, 0.7, (True, False, False)),
        (0.695, 0.7, (True, True, False)),
        (0.3, 0.7, (False, False, True)),
        (-4.5, -2.0, (False, False, True)),  # a negative log-likelihood, say
        (-1.0, -2.0, (True, False, False)),
        (0.0, 0.0, (False, True, False)),
        (math.nan, 0.7, (False, False, False)),
        (0.7, math.nan, (False, False, False)),
    ],
)
def test_what_is_said_beside_the_trivial_predictor(score, trivial, said):
    by = far_rates.hardly_learnt, far_rates.nothing_learnt, far_rates.memorizes
    assert tuple(one(score, trivial) for one in by) == said


def test_where_nothing_is_learnt_no_rate_is_lower():
    """Lower rates are worth no training then: they learn nothing either."""

    def late(values, part, seed):
        """Over-fits from 10^-2 on, before it learns at 10^0.5; below nothing moves."""
        rate = decades(values)
        if rate > 1.2:
            return LOST
        return 0.2 if rate > 0.2 and part == 1 else 3.1 + max(0.0, 2 * (rate + 2))

    def over_fits(values):
        return decades(values) > -2

    for trainings in (6, 8, 12, 15, 24):
        given = lengths(trainings, trivial=3.1, **({"far": 30} if trainings >= 15 else {}))
        found = Searched(late, given, memorized=over_fits)
        assert found.best.full == 0.2
        assert min(decades(one.values) for one in found.tried) > -4


def test_a_budget_pays_for_as_many_far_rates_as_there_are():
    assert trainings_far(15) == len(FAR)


def test_no_rate_far_above_one_that_was_lost_and_none_again():
    row = [(0.0, 2.0, 1.0), (-0.2, 2.1, 1.1), (0.4, 2.2, LOST), (-0.8, 2.5, 2.0)]
    (ask,) = next_asks(SGD, STARTS, tried(*row), lengths(20, far=30))
    assert decades(ask.values) - decades(FIRST) == pytest.approx(-0.4, abs=0.02)
    row[2] = (1.3, 2.2, 1.9)
    (ask,) = next_asks(SGD, STARTS, tried(*row), lengths(20, far=30))
    assert decades(ask.values) - decades(FIRST) == pytest.approx(0.4, abs=0.02)


def test_what_did_well_at_half_length_is_finished_before_the_unknown():
    found = Searched(bowl(-1.5), lengths(20))
    unfinished = [one for one in found.tried if one.full is None]
    assert len(unfinished) < 5


def test_a_state_that_was_let_go_is_trained_anew_and_paid_for():
    found = Searched(bowl(-1.5), lengths(20), kept=0)
    again = [ask for ask in found.asks if ask.epochs == 10]
    assert again
    assert all(ask.goes_on is None for ask in found.asks)
    assert found.cost <= 200


def test_with_a_schedule_what_goes_on_is_trained_anew():
    found = Searched(bowl(-1.5), lengths(8, restart=True))
    assert any(one.half is not None and one.full is not None for one in found.tried)
    assert all(ask.goes_on is None for ask in found.asks)


@pytest.mark.parametrize("trainings", [8])
def test_a_schedule_whose_best_rates_are_higher_is_found(trainings):
    """At the best rates of a constant one it looks worse, and was left for good."""
    found = 0
    for best in np.linspace(-2.5, 0.5, 31):

        def loss(values, part, seed, best=best):
            falls = values["schedule"] == "cosine"
            floor, at = (0.1, best + 0.6) if falls else (0.2, best)
            return floor + (decades(values) - at) ** 2 + (1 - part) / 10

        wanted = {"SGD": {"schedule": Choice(("constant", "cosine"))}}
        one = Searched(loss, lengths(trainings, restart=True), wanted)
        found += choose(one.space, one.tried, worse).values["schedule"] == "cosine"
    assert found >= 26


# Budgets


@given(
    trainings=st.floats(0.1, 30),
    epochs=st.integers(1, 30),
    restart=st.booleans(),
    again=st.sampled_from([0, 2, 8, 24]),
    most=st.sampled_from([0, 1, 3, 7]),
    losses=st.lists(st.sampled_from([0.1, 0.2, 0.5, 1.0, 7.0, LOST]), min_size=1, max_size=40),
    wanted=st.sampled_from(["SGD", "Adam", "Lion", "SGD(learning_rate=0.1)"]),
)
@example_settings(max_examples=150, deadline=None)
def test_never_more_than_the_budget_is_spent(
    trainings, epochs, restart, again, most, losses, wanted
):
    """Whatever the losses are; one that cannot be paid for at all is as long as it can be."""
    whole = lengths(trainings + again, epochs, restart=restart, again=again, most=most)
    whole = replace(whole, half=max(1, min(whole.half, math.floor(whole.budget))))
    seen = []

    def loss(values, part, seed):
        seen.append(1)
        return losses[len(seen) % len(losses)]

    found = Searched(loss, whole, wanted)
    alone = sum(ask.epochs for ask in found.asks if ask.seed)
    assert alone <= again * epochs
    usual = epochs * bool(again)  # of the defaults, beside other seeds
    assert found.cost - alone <= max(whole.budget, 1) + usual + 1e-6
    assert sum(one.cost for one in found.tried) == found.cost - alone
    assert not most or len(found.tried) <= most + bool(again)
    assert found.asks


@given(
    epochs=st.integers(2, 40).map(lambda n: 2 * n),
    more=st.floats(0, 10),
    restart=st.booleans(),
    best=st.floats(-6, 3),
)
@example_settings(max_examples=60, deadline=None)
def test_at_least_five_configurations_are_tried_however_small_the_budget(
    epochs, more, restart, best
):
    found = Searched(bowl(best), lengths(least_search(restart) + more, epochs, restart=restart))
    assert len(found.tried) >= 5
    assert any(one.full is not None for one in found.tried)


@pytest.mark.parametrize("trainings", [4, 8, 18])
def test_one_epoch_has_no_half(trainings):
    found = Searched(bowl(-3.5), lengths(trainings, epochs=1))
    assert {ask.epochs for ask in found.asks} == {1}
    assert len(found.tried) == len(found.asks) <= trainings
    assert len(found.tried) == trainings or trainings == 18  # all around the best is tried
    assert all(one.full is not None for one in found.tried)
    if trainings > 4:
        assert abs(decades(found.best.values) + 3.5) <= 0.4


def test_a_pilot_of_less_than_a_training_chooses_by_what_it_has():
    whole = replace(lengths(0.3), half=3)
    found = Searched(bowl(-1.5), whole)
    assert [ask.epochs for ask in found.asks] == [3]
    assert found.best.values == STARTS[0]


# What is lost


def test_where_all_are_lost_lower_rates_are_tried():
    """A decade at a time, as long as the budget lasts."""

    def steep(values, part, seed):
        return LOST if decades(values) > -10.1 else 1.0 + abs(decades(values) + 11)

    found = Searched(steep, lengths(8))
    after = found.asks[3:]
    lowest = min(decades(one) for one in STARTS[:3])
    for k, ask in enumerate(after[:3], 1):
        assert decades(ask.values) == pytest.approx(lowest - k, abs=0.02)
    assert found.best is not None
    assert math.isfinite(found.best.full)
    assert decades(found.best.values) <= -10.1


def test_all_is_lost():
    found = Searched(lambda *_: LOST, lengths(8))
    assert found.best is None
    assert found.cost <= 80


def test_what_is_lost_at_any_rate_is_not_searched_for_ever():
    found = Searched(lambda *_: LOST, lengths(60))
    first = decades(STARTS[0])
    assert min(decades(ask.values) for ask in found.asks) >= first - strategy.LOWEST - 1.02
    assert len(found.asks) < 40


def test_what_is_lost_on_the_way_to_the_end_is_left_for_a_lower_rate():
    def late(values, part, seed):
        return LOST if part == 1 and decades(values) > -2.5 else 1 + (decades(values) + 1) ** 2

    found = Searched(late, lengths(12))
    assert math.isfinite(found.best.full)
    assert decades(found.best.values) <= -2.5


# The choice


def tried(*rows, values=FIRST):
    """Return what was tried: decades above `values`, half, full, and other seeds."""
    return [
        Tried(
            i,
            {**values, RATE: values[RATE] * 10**away},
            half,
            full,
            10,
            again=again[0] if again else (),
        )
        for i, (away, half, full, *again) in enumerate(rows)
    ]


def chosen(*rows):
    found = choose(SGD, tried(*rows), worse)
    return None if found is None else round(SGD.above(found.values, FIRST), 2)


def test_the_lowest_loss_of_a_full_training_is_chosen():
    assert chosen((0.0, 0.1, None), (0.4, 2.0, 1.0), (-0.4, 2.0, 0.9)) == -0.4
    assert chosen((0.0, 0.2, None), (0.4, 0.1, None)) == 0.4
    assert chosen() is None


@pytest.mark.parametrize(
    "above", [(2.0, 2.5), (LOST, LOST), (LOST, None), (0.9, LOST), (5.0, None)]
)
def test_not_one_at_the_edge_of_stability(above):
    """Whose neighbour within half a decade above was lost, or ended at more than twice its loss."""
    edge, safe = (0.0, 1.0, 1.0), (-0.4, 1.2, 1.4)
    assert chosen(edge, safe, (0.4, *above)) == -0.4
    assert chosen(edge, safe, (EDGE + 0.1, *above)) == 0.0  # too far away to say anything
    assert chosen(edge, safe, (-0.2, *above)) == 0.0  # below it


def test_a_neighbour_that_is_only_less_good_warns_of_nothing():
    assert chosen((0.0, 1.0, 1.0), (-0.4, 1.2, 1.1), (0.4, 1.5, 1.9)) == 0.0


def test_where_every_one_is_unsafe_the_best_of_them_is_chosen():
    assert chosen((0.0, 1.0, 1.0), (0.4, 1.0, LOST)) == 0.0


def test_what_lies_beyond_the_edge_is_no_way_out_of_it():
    """The highest rate has no neighbour above that could warn of it, and warns of those below."""
    good, edge, beyond = (0.0, 1.0, 1.0), (0.2, 1.1, 1.1), (0.4, 1.9, 12.0)
    assert chosen(good, edge, beyond) == 0.0
    assert chosen(good, beyond) == 0.0
    assert chosen(good, edge, beyond, (-0.6, 1.4, 1.5)) == -0.6  # safe, and not wrong


def test_a_best_at_the_highest_rate_gives_way_to_one_that_is_nearly_as_good():
    """Nobody knows what lies beyond it; of the next lower one it is known that it is no edge."""
    best, lower = (0.0, 1.0, 1.0), (-0.2, None, 1.2)
    assert chosen(best, lower) == -0.2
    assert chosen((0.0, 1.0, 0.9), lower) == 0.0  # far better: 1.2 is more than 1.3 times 0.9
    assert chosen(best, lower, (0.4, 1.5, None)) == 0.0  # half a training above it went well
    assert chosen(best, (-EDGE - 0.1, 1.0, 1.1)) == 0.0  # nothing near that one was tried either
    assert chosen(best, (-0.4, 1.0, 1.1), (-0.2, LOST, LOST)) == 0.0  # nor is that one safe


def test_another_momentum_is_no_neighbour():
    edge, lost = tried((0.0, 1.0, 1.0), (0.4, LOST, LOST))
    lost = replace(lost, values={**lost.values, "momentum": 0.5})
    (safe,) = tried((-0.4, 1.4, 1.4))
    assert choose(SGD, [edge, lost, replace(safe, number=2)], worse).values == edge.values


# Other seeds


def steady(curve, asked=None, schedule="constant", **more):
    """Return what a trial with this curve is compared by."""
    one = trial(0, {}, curve, **more)
    one = replace(one, config=replace(one.config, schedule=schedule))
    return steady_score(replace(planned("SGD", 20)[1], **(asked or {})), one)


def test_trials_of_several_seeds_are_compared_by_the_mean_of_the_last_evaluations():
    curve = [3.0] * 18 + [0.6, 0.4]
    assert steady(curve) == pytest.approx(0.5)  # the last tenth
    assert steady([1.0] * 27 + [0.9, 0.6, 0.3]) == pytest.approx(0.6)
    assert steady(curve[-4:]) == pytest.approx(0.5)  # two at the least
    assert steady(curve[-3:]) == 0.4  # of few, the last one
    up = {"decides": "accuracy", "maximize": True}
    assert steady(curve, up, metrics={"accuracy": curve}) == pytest.approx(-0.5)
    assert steady([*curve, LOST]) == LOST


def test_but_by_what_decides_where_that_is_no_noisy_end():
    curve = [3.0] * 18 + [0.6, 0.4]
    assert steady(curve, schedule="cosine") == 0.4
    assert steady(curve, {"at": "best"}) == 0.4
    plateau = CallbackRecord("ReduceLROnPlateau", "loss", patience=3, factor=0.1)
    assert steady(curve, {"callbacks": (plateau,)}) == 0.4
    assert steady(curve, {"callbacks": (replace(plateau, kind="EarlyStopping"),)}) != 0.4


def test_the_mean_over_seeds_is_of_those():
    (one,) = tried((0.0, 1.0, 1.0, (0.6, 0.8)))
    assert one.mean == pytest.approx(0.8)
    assert replace(one, steady=0.4).mean == pytest.approx(0.6)
    assert replace(one, steady=0.4, again=(LOST,)).mean == LOST


@pytest.mark.parametrize(("again", "rounds"), [(0, []), (1, []), (2, [2]), (8, [4, 2])])
def test_those_that_ended_best_train_again_from_other_seeds(again, rounds):
    check_rounds(again, rounds)


def test_of_many_the_best_half_goes_on_to_twice_the_seeds():
    check_rounds(24, [8, 4, 2])


def check_rounds(again, rounds):
    found = Searched(bowl(-1.5), lengths(20 + again, again=again))
    asks = [ask for ask in found.asks if ask.seed]
    assert len(asks) <= again
    assert found.asks[len(found.asks) - len(asks) :] == asks
    assert {ask.epochs for ask in asks} <= {10}
    at, seeds = 0, 0
    for count in rounds:
        new = range(seeds + 1, 2 * seeds + 2)
        some = asks[at : at + count * len(new)]
        each = some[:: len(new)]
        assert len(each) == count
        assert [ask.seed for ask in some] == [*new] * count
        scores = [found.loss(ask.values, 1.0, 0) for ask in each]
        assert scores == sorted(scores)  # this loss is the same on all seeds
        at, seeds = at + len(some), 2 * seeds + 1
    assert at == len(asks)
    if rounds:
        assert len(found.best.again) == seeds


def test_the_defaults_qualify_for_other_seeds():
    """So that they are beaten where they are not the choice."""
    usual = SGD.contestant.defaults()
    found = Searched(bowl(-6.0), lengths(28, again=8))
    assert [ask.epochs for ask in found.asks if SGD.same(ask.values, usual)] == [10, 10]
    assert [ask.seed for ask in found.asks if SGD.same(ask.values, usual)] == [0, 1]


def test_what_is_next_to_the_defaults_stands_for_them():
    """One that was tried for half the epochs goes on, and is not asked for without an end."""
    one, starts = space_of("Adam")
    usual = one.contestant.defaults()
    near = {**usual, RATE: 0.995 * usual[RATE]}
    done = [Tried(0, starts[0], 2.0, 1.0, 100, False), Tried(1, near, 3.0, None, 5, True)]
    whole = Lengths(5, 10, 100.0, again=2)
    (ask,) = next_asks(one, starts, done, whole)
    assert (ask.values, ask.epochs, ask.goes_on, ask.seed) == (near, 10, 1, 0)
    done[1] = replace(done[1], full=2.5, waits=False)
    assert [ask.seed for ask in next_asks(one, starts, done, whole)] == [1, 1]
    done[1] = replace(done[1], full=None, waits=False)  # its state was let go
    (ask,) = next_asks(one, starts, done, whole)
    assert (ask.values, ask.epochs, ask.goes_on) == (near, 10, None)


def test_the_mean_of_all_seeds_decides():
    lucky, steady = (0.0, 1.0, 1.0, (3.0, 3.0)), (-0.4, 1.0, 1.2, (1.2, 1.2))
    assert chosen(lucky, steady) == -0.4
    assert chosen((0.0, 1.0, 1.0, (1.0, LOST)), steady) == -0.4
    # One that was not trained again is not known as well.
    assert chosen((0.4, 1.0, 0.5), lucky, steady) == -0.4


def test_where_every_other_seed_is_lost_the_first_seed_decides():
    assert chosen((0.0, 1.0, 1.0, (LOST, 1.0)), (-0.4, 1.0, 1.4, (LOST, LOST))) == 0.0


@pytest.mark.parametrize("search", range(1, 60))
def test_other_seeds_leave_a_search_what_it_needs(search):
    again = trainings_again(search)
    assert search - again >= min(search, 12)
    assert again in (0, 8, 24)  # the rounds of 4 and of 8


def test_a_strategy_is_a_function():
    one, other = (Searched(bowl(-2.2, 0.3), lengths(20, again=8)) for _ in range(2))
    assert one.asks == other.asks
