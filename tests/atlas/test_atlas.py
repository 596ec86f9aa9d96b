"""The atlas: what ships is what its trainings say, and how it is trained and kept."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.atlas import build, design, figures, lists, on_lines, page, store, train
from benchmarks.atlas.exponents import best_rate
from benchmarks.atlas.table import Rule, Table, lowest, on_equal_terms, read
from benchmarks.atlas.tasks import FAMILIES, WORKS
from steepest.priors.atlas import load_atlas
from steepest.priors.measured_lists import load_lists
from steepest.priors.start_lists import DECADES, start_list
from steepest.records import Config
from steepest.reports.explain.measured import measured
from steepest.reports.page.atlas_page import atlas_page, level
from steepest.rules import RULES, find_rule

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trainings():
    """All of them, which take seconds to read; nobody changes them."""
    return read()


@pytest.fixture(scope="module")
def table(trainings):
    return build.without_variations(build.usable(trainings))


@pytest.mark.slow
def test_what_ships_is_made_from_the_trainings(trainings, monkeypatch):
    """All figures are computed again from the data, but for rounding of the last digit."""
    monkeypatch.setattr(build.table, "read", lambda _: trainings)
    summary, listed = build.build()
    shipped = json.loads((build.PRIORS / "atlas.json").read_text(encoding="utf-8"))
    assert near(json.loads(json.dumps(summary)), shipped)
    assert near(json.loads(json.dumps(listed)), dict(load_lists()))


def near(one, other):
    """Whether two JSON values are the same to a thousandth, or to one thousandth of a whole."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one == pytest.approx(other, rel=1e-3, abs=1e-6)
    if isinstance(one, int) and not isinstance(one, bool):
        return abs(one - other) <= 1
    return one == other


def test_the_page_is_as_written():
    """docs/atlas.md is what `python -m benchmarks.atlas build` writes."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page(load_atlas())


def test_the_page_in_html_has_a_cell_for_each_pair_and_no_script():
    atlas = load_atlas()
    text = atlas_page(atlas)
    pairs = len(atlas.tasks) * len(atlas.figures["excess"])
    assert text.count('<td class="number level ') == pairs
    assert "<script" not in text
    for one in atlas.figures["sentences"]:
        assert one["verdict"] in text
    assert [level(v) for v in (0.0, 0.01, 0.02, 0.2, 3.0, None)] == [
        "l0", "l0", "l1", "l3", "l4", "none",
    ]  # fmt: skip


def test_a_third_of_a_hundred_tasks_of_six_families_are_there():
    assert {work.family for work in WORKS.values()} == set(FAMILIES)
    base = [work for name, work in WORKS.items() if work.series in ("", name)]
    assert len(base) >= 30
    for name, work in WORKS.items():
        assert not work.series or work.series in WORKS, name


@pytest.mark.parametrize("name", design.PLANS)
def test_an_optimizer_has_its_default_first_and_nothing_twice(name):
    every = design.configs(name)
    usual = find_rule(name).settings("keras")
    assert {k: every[0].hyperparameters[k] for k in usual} == usual
    keys = [store.key_of(one) for one in every]
    assert len(set(keys)) == len(keys)
    assert sum(not design.is_cosine(one) for one in every) >= design.LEAST == 50
    for one in every:
        rule = RULES[name]
        for key in usual:
            assert rule.check(key, one.hyperparameters[key]) == one.hyperparameters[key]
    assert all(not design.is_cosine(every[i]) for i in (*design.points(name), *design.today(name)))


def test_all_optimizers_have_a_plan_but_those_that_pytorch_alone_has():
    others = set(RULES) - set(design.PLANS)
    assert set(design.PLANS) <= set(RULES)
    assert all(RULES[name].dialect("keras").call is None for name in others)
    assert others == {"Rprop", "ASGD"}


def some_runs():
    first, second = design.configs("SGD")[:2]
    curve = np.array([2.0, 1.0, 0.5])
    return [
        store.Run(first, 0.5, 0.25, 0.875, curve, 0.5),
        store.Run(
            replace(second, seed=2), np.inf, np.inf, np.nan, np.array([3.0, np.inf, np.inf]), 1
        ),
    ]


def test_what_is_kept_is_what_was_trained(tmp_path):
    one = store.TaskRuns("some", {"digest": "d", "family": "text"})
    one.add(some_runs())
    store.save(one, tmp_path)
    again = store.load("some", tmp_path)
    assert again.facts["digest"] == "d"
    assert store.load("another", tmp_path) is None
    for run in some_runs():
        kept = again.runs[run.key]
        assert (kept.config, kept.loss, kept.training) == (run.config, run.loss, run.training)
        np.testing.assert_allclose(kept.curve, run.curve, rtol=1e-3)
        np.testing.assert_equal(kept.accuracy, run.accuracy)


def test_a_training_that_breaks_is_infinite():
    config = design.configs("SGD")[0]
    broken = {"loss": np.array([1.0, np.nan]), "training_loss": np.array([1.0, np.nan])}
    run = train.run_of(config, broken, False, 3, 0.1)
    assert np.isinf(run.loss)
    assert run.curve.tolist() == [1.0, np.inf, np.inf]
    whole = {"loss": np.array([1.0, 0.5]), "training_loss": np.array([1.0, 0.25])}
    assert train.run_of(config, whole, True, 2, 0.1).loss == 0.5


def test_the_better_ones_get_more_seeds():
    every = design.configs("Adam")
    runs = [store.Run(one, float(i), 0, 0, np.ones(1), 1) for i, one in enumerate(every)]
    again = train.better(runs)
    assert {one.seed for one in again} == {1, 2}
    first = [store.key_of(one) for one in again if one.seed == 1]
    falling = [store.key_of(one) for one in every if design.is_cosine(one)]
    assert first[:5] == [store.key_of(one) for one in every[:5]]
    assert first[5:] == falling[: train.AGAIN_COSINE]


def test_rounds_train_each_pair_twice_the_first_optimizers_before_the_rest():
    optimizers = [str(i) for i in range(train.MAIN + 2)]
    found = list(train.rounds(["wine", "mnist-mlp-b8", "visits"], optimizers))
    main = 2 * train.MAIN
    assert found[:3] == [("wine", "0"), ("visits", "0"), ("wine", "1")]
    assert found[main : main + 2] == [("wine", "0"), ("visits", "0")]
    assert found[2 * main] == ("mnist-mlp-b8", "0")
    assert found[3 * main] == ("wine", str(train.MAIN))
    assert all(found.count(pair) == 2 for pair in found)


def test_greedy_takes_what_adds_most():
    costs = np.array([[0.0, 0.9, 0.9], [0.3, 0.3, 0.3], [0.9, 0.0, 0.2], [0.9, 0.9, 0.0]])
    assert lists.greedy(costs, np.ones(3), [0, 1, 2, 3], 3) == [1, 2, 0]
    assert lists.greedy(costs, np.array([1.0, 0, 0]), [0, 1], 5) == [0, 1]


def test_the_lowest_is_of_those_with_most_seeds():
    losses = np.array([[0.1, np.nan], [0.2, np.inf], [0.3, 0.5]])
    seeds = np.array([[1, 0], [3, 3], [3, 1]])
    assert lowest(losses, seeds).tolist() == [0.2, 0.5]


def test_optimizers_are_compared_on_as_many_seeds():
    """On the first task both have three seeds, on the second one optimizer has one."""
    config = (design.configs("SGD")[0],)

    def rule(name, losses, first, seeds):
        found = Rule(name, config, *map(np.array, (losses, first, seeds)), None, None, {})
        found.__dict__["cosine"] = np.array([False])
        return found

    rules = {
        "SGD": rule("SGD", [[0.5, 0.5]], [[0.4, 0.4]], [[3, 3]]),
        "Adam": rule("Adam", [[0.6, 0.3]], [[0.2, 0.3]], [[3, 1]]),
    }
    even = on_equal_terms(rules)
    assert even["SGD"].losses.tolist() == [[0.5, 0.4]]
    assert even["Adam"].losses.tolist() == [[0.6, 0.3]]
    assert even["SGD"].seeds.tolist() == [[3, 1]]


def a_table():
    """Task a with two variations, and task b: SGD on all, Adam on a, a-1 and b, Lion on b alone."""
    names, series = ("a", "a-1", "a-2", "b"), ("a", "a", "a", "b")
    config = (design.configs("SGD")[0],)
    known = {"SGD": [1, 1, 1, 1], "Adam": [1, 1, 0, 1], "Lion": [0, 0, 0, 1]}
    rules = {}
    for name, trained in known.items():
        losses = np.where(trained, [[0.1, 0.2, 0.3, 0.4]], np.nan)
        curves = {(0, t): np.full(3, float(t)) for t in np.flatnonzero(trained)}
        rules[name] = Rule(name, config, losses, losses, losses, losses, losses, curves)
    facts = tuple({"family": "text", "series": one} for one in series)
    return Table(names, facts, rules)


def test_optimizers_of_few_series_and_variations_are_left_out():
    """However many variations there are: an optimizer that has each series once stays."""
    usable = build.usable(a_table())
    assert list(usable.rules) == ["SGD", "Adam"]
    whole = build.without_variations(usable)
    assert whole.tasks == ("a", "b")
    assert whole.rules["Adam"].first.tolist() == [[0.1, 0.4]]
    assert [float(one[0]) for one in whole.rules["SGD"].curves.values()] == [0.0, 3.0]
    assert sorted(whole.rules["SGD"].curves) == [(0, 0), (0, 1)]
    assert whole.weights.tolist() == [1.0, 1.0]
    assert usable.weights.tolist() == [1 / 3, 1 / 3, 1 / 3, 1.0]


def test_quantiles_are_weighted():
    values, weights = np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.0, 1.0, 2.0, 5.0])
    assert figures.quantile(values, weights, 0.5) == 2.0
    assert figures.quantile(values, weights, 0.9) == 3.0
    assert figures.quantile(np.array([np.nan]), np.ones(1), 0.5) is None


def test_the_best_rate_is_the_lowest_point_of_a_parabola():
    rates = 10.0 ** np.arange(-4, 1)
    configs = tuple(
        Config("Adam", "keras", {"learning_rate": float(r)}, "constant", 0) for r in rates
    )
    losses = np.exp((np.log10(rates) + 2.3) ** 2)[:, None]
    rule = Rule("Adam", configs, losses, losses, losses, losses, losses, {})
    rule.__dict__["line"] = (0, 1, 2, 3, 4)
    rule.__dict__["rates"] = rates
    assert best_rate(rule, 0) == pytest.approx(-2.3)
    rule.__dict__["line"] = (2, 3, 4)
    rule.__dict__["rates"] = rates[2:]
    assert best_rate(rule, 0) is None


@pytest.mark.parametrize("name", sorted(load_atlas().optimizers))
def test_explain_says_what_was_measured_with_the_number_of_tasks(name):
    one = load_atlas().figures["optimizers"][name]
    told = " ".join(measured(name))
    assert f"in the median of {one['tasks']} small tasks" in told
    assert f"the best of {len(load_atlas().optimizers)} optimizers" in told
    assert measured("Rprop") == []


def test_a_list_is_better_only_where_that_is_clear_in_what_a_search_begins_with():
    clear, unclear = {"mean": 0.1, "low": 0.02}, {"mean": 0.1, "low": -0.02}
    worse = {"mean": -0.01, "low": -0.1}
    assert lists.is_better({"3": clear})
    assert lists.is_better({"3": clear, "5": unclear})
    assert not lists.is_better({"3": unclear, "5": clear})
    assert not lists.is_better({"3": clear, "5": worse})
    assert not lists.is_better({"3": {"mean": 0.04, "low": 0.01, "high": 0.07}})


def test_gains_are_of_families_left_out(table):
    """Counted again for one optimizer: today's best of three less that of the list."""
    rule = table.rules["Adam"]
    found = lists.gains(table, rule, lists.judge(table, rule))["3"]
    costs, means = lists.excess(table, rule), []
    for family in dict.fromkeys(table.families):
        some = np.flatnonzero(table.families == family)
        listed = lists.start_list(table, rule, without=family)[:3]
        today = design.today("Adam")[:3]
        lower = costs[np.ix_(today, some)].min(axis=0) - costs[np.ix_(listed, some)].min(axis=0)
        means.append(np.average(lower, weights=table.weights[some]))
    assert found["mean"] == pytest.approx(np.mean(means), rel=1e-3)
    assert found["low"] < found["mean"] < found["high"]


def test_searches_start_from_what_is_better_since_version_6():
    """A list that was taken stays, while it is better in the mean at the least."""
    every = load_lists()["optimizers"]
    taken = {name for name in RULES if start_list(name) != start_list(name, 1)}
    assert taken >= {name for name in every if every[name]["better"]}
    assert all(every[name]["gains"]["3"]["mean"] > 0 for name in taken)


def test_what_searches_started_from_is_what_lists_are_held_against():
    for name in design.PLANS:
        usual = find_rule(name).settings("keras")
        entries = start_list(name, 1) or tuple(
            {"learning_rate": usual["learning_rate"] * times} for times in DECADES
        )
        for at, entry in zip(design.today(name), entries, strict=True):
            values = design.configs(name)[at].hyperparameters
            for key, value in {**usual, **entry}.items():
                wanted = value if isinstance(value, str) else pytest.approx(value, rel=1e-2)
                assert values[key] == wanted


def test_a_list_that_ships_can_be_read_by_a_search():
    for name in load_lists()["optimizers"]:
        for entry in load_lists()["optimizers"][name]["list"]:
            for key in set(entry) - {"effective_rate"}:
                assert RULES[name].check(key, entry[key]) == entry[key]


def test_the_data_stay_small():
    sizes = [file.stat().st_size for file in store.DATA.glob("*.npz")]
    assert sum(sizes) < 5_000_000


@pytest.mark.slow
def test_the_search_replayed_on_lines_of_rates():
    """No walk costs more than it may, and rates far from the best find no less."""
    table = read(optimizers=("Adam",))
    found = list(on_lines.lines(table))
    assert len(found) > 30
    for line in found[:5]:
        tried = on_lines.walk(line, 15)
        assert sum(one.cost for one in tried) <= 15 * line.losses.shape[1]
        assert min(one.full for one in tried if one.full) >= line.best
    assert on_lines.excesses(table, 15).mean() <= on_lines.excesses(table, 15, far=False).mean()


@pytest.mark.slow
def test_lines_know_the_trivial_predictor_and_a_search_is_better_for_it(trainings):
    assert sum(line.trivial > 0 for line in on_lines.lines(trainings)) > 600
    known, unknown = (on_lines.excesses(trainings, 6, trivial=one) for one in (True, False))
    assert (known != unknown).sum() > 30
    assert known.mean() < unknown.mean()
