"""What a study spends: shares of a budget, and the clock, which is asked once."""

from dataclasses import replace

import pytest
from clocks import Clock
from fake_engine import FakeEngine, bowl, searched
from hypothesis import given
from hypothesis import strategies as st

from steepest import memo, storage
from steepest.budget import BUDGETS, FIRST, SEARCH_SHARE, SEEDS, least_search, search_share
from steepest.measures.verdict import judge
from steepest.records import Stage
from steepest.study import Study

THREE = "SGD,Adam,RMSprop"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clock")]


def spent(study, stage, name=None):
    """Return the full trainings of a stage."""
    some = [t for t in study.trials if t.stage is stage and name in (None, t.optimizer)]
    return sum(trial.epochs for trial in some) / study.task.epochs


# Shares


@given(
    total=st.floats(1, 500),
    tuned=st.integers(1, 12),
    untuned=st.integers(0, 4),
    most=st.floats(8, 30),
    restart=st.booleans(),
)
def test_the_search_gets_its_share_of_a_budget(total, tuned, untuned, most, restart):
    share = search_share(total, tuned, untuned, most, restart)
    least = least_search(restart)
    assert 0 < share <= most
    assert share * tuned <= total + 1e-9
    if share * tuned < total - 1e-9 and share >= least + 1e-9:
        # More than the least: then two seeds of each, and one of each optimizer's defaults.
        assert share * tuned + FIRST * (tuned + untuned) + tuned <= total + 1e-9
        assert share * tuned <= SEARCH_SHARE * total + 1e-9
    if total >= tuned * least + tuned + untuned:
        assert share >= least - 1e-9  # five rates, before there is a second seed


@given(st.floats(1, 300), st.floats(1, 300), st.integers(1, 8), st.integers(0, 3), st.floats(8, 30))
def test_a_larger_budget_searches_no_less(one, other, tuned, untuned, most):
    """From where it searches and confirms; a pilot below that searches alone."""
    less, more = sorted((one, other))
    if less >= tuned * least_search(False) + tuned + untuned:
        assert (
            search_share(less, tuned, untuned, most)
            <= search_share(more, tuned, untuned, most) + 1e-9
        )


def test_what_is_not_tuned_has_no_search():
    assert search_share(30.0, 0, 3, 18.0) == 0.0


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("asked", [THREE, "Adam", "SGD,Adam,RMSprop,AdamW,Lion,Muon,NAdam"])
def test_a_budget_tries_five_rates_of_each_and_confirms_all(budget, asked, tmp_path):
    engine = FakeEngine(bowl(noise=0.01), epochs=10, sleep=10.0, clock=Clock())
    study = searched(engine, tmp_path, asked, budget=budget)
    assert study.finished
    for name in study.optimizers:
        tried = {t.number for t in study.trials if (t.optimizer, t.stage) == (name, Stage.SEARCH)}
        assert len(tried) >= 5
        assert study.confirmed(name)
    assert study.full_trainings <= study.planned.full_trainings


# The clock


@pytest.fixture
def slow(monkeypatch, tmp_path):
    """Return what makes an engine whose trainings take so many seconds, by a clock of its own."""
    monkeypatch.setenv(memo.VARIABLE, str(tmp_path / "remembered"))
    clock = Clock()
    monkeypatch.setattr("steepest.budget.clock", clock)

    def engine(seconds, epochs=10, known=True, **more):
        made = FakeEngine(bowl(noise=0.05), epochs, sleep=seconds / epochs, clock=clock, **more)
        fingerprint = {"model": "this one"} if known else {}
        made.facts = replace(made.facts, fingerprint=fingerprint)
        return made

    return engine


@pytest.mark.parametrize(
    ("seconds", "budget", "trainings"),
    [
        (10.0, "standard", 26),  # 8 of each of three and 2, as 30 s buy but 3
        (0.5, "standard", 60),
        (0.01, "standard", 3 * 39 + 3 * FIRST + 3 + 3 * SEEDS),  # more than these have no use
        (0.95, "thorough", 189),
        (10.0, "thorough", 62),
        (1.0, "quick", 14),
        (0.099, "quick", 50),
        (0.01, "quick", 500),
        (0.005, "quick", 3 * 23 + 3 * FIRST + 3 + 3 * SEEDS),
    ],
)
def test_a_budget_is_trainings_or_as_many_as_its_seconds_buy(
    seconds, budget, trainings, slow, tmp_path
):
    study = searched(slow(seconds), tmp_path, THREE, budget=budget)
    assert study.planned.full_trainings == trainings
    assert study.full_trainings <= trainings
    assert study.planned.training_seconds == pytest.approx(seconds)
    assert study.finished
    assert not study.stopped
    assert study.planned.search <= BUDGETS[budget].searched
    for name in study.optimizers:
        assert spent(study, Stage.SEARCH, name) <= study.planned.search


def test_the_clock_is_asked_once_and_what_it_said_is_remembered(slow, tmp_path):
    """So that the same seed gives the same study, however fast the machine is the second time."""
    first = searched(slow(0.5), tmp_path / "first", THREE)
    slower = searched(slow(3.0), tmp_path / "slower", THREE)
    assert (first.planned.full_trainings, slower.planned.full_trainings) == (60, 60)
    assert [(t.config, t.curves) for t in first.trials] == [
        (t.config, t.curves) for t in slower.trials
    ]


@pytest.mark.parametrize(
    "other", [{"optimizers": "SGD,Adam"}, {"budget": "thorough"}, {"known": False}, {"epochs": 12}]
)
def test_what_is_remembered_is_of_the_same_question(other, slow, tmp_path):
    searched(slow(0.5), tmp_path / "first", THREE)
    asked = {"optimizers": THREE, **other}
    made = {name: asked.pop(name) for name in ("known", "epochs") if name in asked}
    again = searched(slow(1.0, **made), tmp_path / "again", asked.pop("optimizers"), **asked)
    asked_anew = 180 if other == {"budget": "thorough"} else 30
    assert again.planned.full_trainings in (asked_anew, asked_anew - 1)  # as sums are rounded


def test_what_a_cache_has_that_nobody_wrote_is_no_number(slow, tmp_path):
    searched(slow(0.5), tmp_path / "first", THREE)
    files = [file for file in memo.home().rglob("*") if file.is_file()]
    assert files
    for file in files:
        file.write_text("sixty")
    assert searched(slow(0.98), tmp_path / "again", THREE).planned.full_trainings == 30


def test_without_a_cache_the_clock_is_asked_each_time(slow, tmp_path, monkeypatch):
    monkeypatch.setenv(memo.VARIABLE, "off")
    plans = [
        searched(slow(seconds), tmp_path / str(seconds), THREE).planned.full_trainings
        for seconds in (0.49, 0.98)
    ]
    assert plans == [61, 30]


def test_a_study_that_goes_on_keeps_its_plan(slow, tmp_path, monkeypatch):
    monkeypatch.setenv(memo.VARIABLE, "off")
    study = searched(slow(0.5), tmp_path, THREE)
    storage.record(tmp_path / "study.db", replace(study, complete=False), [])
    again = searched(slow(3.0), tmp_path, THREE)
    assert again.planned == study.planned
    assert again.trials == study.trials


# Limits of time


@pytest.mark.parametrize("limit", [8, 15, 25, 40, 100])
def test_with_a_limit_of_time_the_number_of_trainings_fits(limit, slow, tmp_path):
    """So it ends before the limit does, with a verdict."""
    study = searched(slow(1.0), tmp_path, "SGD,Adam", time=limit)
    assert study.finished
    assert not study.stopped
    assert study.seconds <= limit
    assert study.full_trainings <= study.planned.full_trainings <= max(limit, 30)
    for name in study.optimizers:
        assert len(study.confirmed(name)) >= 1
    if limit >= 15:
        assert all(len(study.confirmed(name)) >= FIRST for name in study.optimizers)


def test_a_limit_is_of_this_machine_and_is_not_remembered(slow, tmp_path):
    searched(slow(1.0), tmp_path / "limited", THREE, time=15)
    assert searched(slow(0.5), tmp_path / "whole", THREE).planned.full_trainings == 60


def test_a_limit_does_not_make_a_study_larger(slow, tmp_path):
    study = searched(slow(1.0), tmp_path, THREE, budget="quick", time="10m")
    assert study.planned.full_trainings == 14


# Side by side


@pytest.mark.parametrize(
    ("call", "budget", "seeds"),
    [(0.02, "quick", 280), (0.1, "quick", 12), (0.4, "quick", 3), (0.2, "standard", 280)],
)
def test_side_by_side_the_seeds_of_a_look_take_as_long_as_one(
    call, budget, seeds, slow, tmp_path, monkeypatch
):
    """So a budget's seconds buy more of them than one after another, and are kept to."""
    monkeypatch.setenv(memo.VARIABLE, "off")
    counts, clocks = [], []
    for places in (1, 128):
        engine = slow(call, places=places)
        began = engine.clock.now
        study = searched(engine, tmp_path / str(places), THREE, budget=budget)
        assert study.finished
        counts.append(max(len(study.confirmed(name)) for name in study.optimizers))
        clocks.append(engine.clock.now - began)
    assert counts[1] >= max(seeds, counts[0])
    assert clocks[1] <= 1.3 * BUDGETS[budget].seconds


FIXED = (
    "SGD(learning_rate=0.03,momentum=0.0)",
    "Adam(learning_rate=0.01,beta_1=0.9,beta_2=0.999,epsilon=1e-7)",
)


@pytest.mark.parametrize(
    ("seconds", "budget", "trainings"),
    [
        (0.5, "standard", 60),
        (0.5, "quick", 10),
        (0.01, "standard", 2 * (FIRST + SEEDS)),
        (100.0, "quick", 4),
    ],
)
def test_where_nothing_is_searched_seconds_buy_seeds(seconds, budget, trainings, slow, tmp_path):
    """The first two of each tell what they take; cut anywhere, it goes on as it would have."""
    asked = {"optimizers": FIXED, "budget": budget}
    study = searched(slow(seconds), tmp_path / "whole", **asked)
    assert study.planned.full_trainings == trainings
    assert study.planned.training_seconds == pytest.approx(seconds)
    assert study.full_trainings <= trainings
    assert len(study.confirmed(next(iter(study.optimizers)))) > FIRST or trainings == 4
    other = "cut"
    cut = slow(seconds)
    usual, trained = cut.surface, 0

    def surface(config, epoch):
        nonlocal trained
        trained += 1
        if trained == 47:
            raise KeyboardInterrupt
        return usual(config, epoch)

    cut.surface = surface
    if trainings > 4:
        with pytest.raises(KeyboardInterrupt):
            searched(cut, tmp_path / other, **asked)
    again = searched(slow(2 * seconds), tmp_path / other, **asked)
    assert [t.config for t in again.trials] == [t.config for t in study.trials]


def test_what_side_by_side_buys_is_remembered(slow, tmp_path):
    first = searched(slow(0.1, places=128), tmp_path / "first", THREE, budget="quick")
    again = searched(slow(0.4, places=128), tmp_path / "again", THREE, budget="quick")
    assert replace(again.planned, training_seconds=0) == replace(first.planned, training_seconds=0)


def test_side_by_side_a_limit_of_time_trains_the_seeds_of_a_look_together(slow, tmp_path):
    engine = slow(0.5, places=128)
    began = engine.clock.now
    study = searched(engine, tmp_path, "SGD,Adam", time=20)
    assert study.finished
    assert not study.stopped
    assert engine.clock.now - began <= 20
    assert all(len(study.confirmed(name)) >= 3 for name in study.optimizers)


# Seeds and pilots


def test_who_asks_for_seeds_gets_them(slow, tmp_path):
    study = searched(slow(10.0), tmp_path, "SGD,Adam", seeds=5, race=False)
    assert study.settings.full_trainings is None
    assert study.planned.full_trainings is None
    for name in study.optimizers:
        assert [t.config.seed for t in study.confirmed(name)] == [1, 2, 3, 4, 5]
        assert spent(study, Stage.SEARCH, name) <= study.planned.search


def test_seeds_take_nothing_from_the_search(slow, tmp_path):
    few = searched(slow(10.0), tmp_path / "few", THREE, seeds=1)
    many = searched(slow(10.0), tmp_path / "many", THREE, seeds=40)
    assert few.planned.search == many.planned.search >= least_search(False)


@pytest.mark.parametrize("trainings", [1, 2, 3])
def test_a_pilot_searches_and_says_that_nothing_is_confirmed(trainings, slow, tmp_path):
    study = searched(slow(10.0), tmp_path, THREE, full_trainings=trainings)
    assert {t.stage for t in study.trials} == {Stage.SEARCH}
    assert study.full_trainings <= trainings
    assert {t.optimizer for t in study.trials} == set(study.optimizers)
    assert study.complete
    assert not study.finished
    assert "none is left to confirm what was found" in study.stopped
    assert judge(study).winner is None
    told = str(Study(study, tmp_path))
    assert "A pilot, in which nothing was confirmed" in told
    assert "ime was over" not in told


def test_a_pilot_is_confirmed_where_seeds_are_asked_for(slow, tmp_path):
    pilot = searched(slow(10.0), tmp_path, THREE, full_trainings=2)
    study = searched(slow(10.0), tmp_path, THREE, full_trainings=2, seeds=3)
    assert study.finished
    assert not study.stopped
    assert study.planned.search == pilot.planned.search
    assert all(len(study.confirmed(name)) >= 1 for name in study.optimizers)
    searches = [[t for t in one.trials if t.stage is Stage.SEARCH] for one in (pilot, study)]
    assert [[(t.config, t.curves) for t in some] for some in searches[:1]] == [
        [(t.config, t.curves) for t in some] for some in searches[1:]
    ]


@pytest.mark.parametrize("trainings", [9, 12, 16])
def test_a_small_budget_confirms_all_on_a_seed_at_least(trainings, slow, tmp_path):
    study = searched(slow(10.0), tmp_path, THREE, full_trainings=trainings)
    assert study.finished
    assert not study.stopped
    assert all(study.confirmed(name) for name in study.optimizers)
    assert study.full_trainings <= trainings
