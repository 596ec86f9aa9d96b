"""A search of what a person uses today starts at the person's own values."""

import math

import pytest
from fake_engine import FakeEngine, bowl, searched
from planned import planned

from steepest import storage
from steepest.parse import contestants as made
from steepest.records import Stage
from steepest.reports.page.method import searched as told
from steepest.search.search_space import RATE, SearchSpace

TODAY = "keras.optimizers.Adam(0.003)"


def spaces(optimizers, baseline=TODAY, **asked):
    """Return the space of each optimizer that is tuned, by name, and the settings."""
    found, settings = planned(optimizers, 9, baseline=baseline, **asked)
    return {one.name: SearchSpace(one) for one in found if one.space}, settings


def first(optimizers, baseline=TODAY, **asked):
    """Return the first start of an optimizer, and its first one without a baseline."""
    with_it, settings = spaces(optimizers, baseline, **asked)
    without, _ = spaces(optimizers, None, **asked)
    name = next(iter(with_it))
    ours, usual = with_it[name].starts(settings), without[name].starts(settings)
    assert len(ours) == len(usual)  # one of its points, and not one more
    assert ours[1:] == [one for one in usual if one != ours[0]][: len(usual) - 1]
    return ours[0], usual[0]


def test_the_first_start_is_what_the_baseline_has():
    ours, usual = first("Adam")
    assert ours == {**usual, RATE: 0.003, "beta_1": 0.9, "epsilon": 1e-7}


@pytest.mark.parametrize(
    ("optimizer", "baseline", "asked"),
    [
        ("SGD", TODAY, {}),  # another rule
        ("AdamW", TODAY, {}),
        ("Adam", "torch.optim.Adam(lr=0.003)", {}),  # another dialect: other arithmetic
        ("Adam", TODAY, {"schedule": "cosine"}),
        ("Adam(learning_rate=Float(1e-4, 1e-3, log=True))", TODAY, {}),  # outside what was given
        ("Adam", "keras.optimizers.Adam(0.003, beta_1=0.999)", {}),
        ("Adam", "keras.optimizers.Adam(0.0)", {}),
    ],
)
def test_other_baselines_change_no_start(optimizer, baseline, asked):
    ours, usual = first(optimizer, baseline, **asked)
    assert ours == usual


def test_what_a_person_fixed_stays_fixed_and_ranges_hold():
    ours, _ = first("Adam(beta_1=0.7, amsgrad=True)")
    assert (ours["beta_1"], ours["amsgrad"], ours[RATE]) == (0.7, True, 0.003)
    ours, _ = first("Adam(learning_rate=Float(1e-3, 1e-2, log=True))")
    assert ours[RATE] == 0.003
    ours, _ = first("Adam", "keras.optimizers.Adam(7.0)")
    assert ours[RATE] == 7.0  # no rate is out of a range of ours


def test_a_default_outside_of_the_rule_s_own_range_is_taken_as_a_search_takes_it():
    ours, usual = first("Adagrad", "torch.optim.Adagrad(lr=0.2)", dialect="torch", trials=9)
    # PyTorch's is 0, which no log scale has.
    assert ours == {**usual, "initial_accumulator_value": 1e-4, RATE: 0.2}


def test_of_several_baselines_the_first_of_the_rule_counts():
    ours, _ = first("Adam", ["keras.optimizers.SGD(0.1)", TODAY, "keras.optimizers.Adam(0.02)"])
    assert ours[RATE] == 0.003


BEST = 1e-13  # far below what is on any list


def study(path, **asked):
    engine = FakeEngine(bowl(best=math.log10(BEST), power=0.0, noise=0.01))
    given = {"optimizers": "SGD,Adam", "baseline": f"keras.optimizers.Adam({BEST})", **asked}
    return searched(engine, path, budget="quick", **given)


def test_a_search_is_no_worse_than_where_the_person_stands(tmp_path, monkeypatch):
    """The same number of trainings for all; and with none of it where the rule is another one."""
    found = study(tmp_path)
    trials = [t for t in found.trials if t.stage is Stage.SEARCH]
    assert next(t for t in trials if t.optimizer == "Adam").config.hyperparameters[RATE] == BEST
    spent = {o: sum(t.epochs for t in trials if t.optimizer == o) for o in ("SGD", "Adam")}
    assert abs(spent["SGD"] - spent["Adam"]) <= found.task.epochs
    ends = {o: found.confirmed(o)[0].curves.validation_loss[-1] for o in found.optimizers}
    mine = next(name for name in ends if name.startswith("baseline"))
    assert ends["Adam"] < ends[mine] + 0.1
    assert ends["SGD"] > ends[mine] + 1
    assert found.optimizers["Adam"].start == {RATE: BEST, "beta_1": 0.9, "epsilon": 1e-7}
    assert not found.optimizers["SGD"].start
    said = dict(told(found))
    assert (
        "the first of its starts is what you use today: learning_rate 1e-13, " in said["Adam"][-2]
    )
    assert not any("today" in line for line in said["SGD"])
    assert storage.read(tmp_path / "study.db") == found
    monkeypatch.setattr(made, "_started", lambda one, _: one)
    without = study(tmp_path / "without")
    assert without.confirmed("Adam")[0].curves.validation_loss[-1] > ends[mine] + 1


def test_a_study_goes_on_as_it_began(tmp_path, monkeypatch):
    """Bit for bit; also one of a version that did not start there."""
    whole = study(tmp_path / "whole", seeds=8)
    study(tmp_path / "resumed", seeds=4)
    resumed = study(tmp_path / "resumed", seeds=8)
    searches = [
        [(t.config, t.curves) for t in one.trials if t.stage is Stage.SEARCH]
        for one in (whole, resumed)
    ]
    assert searches[0] == searches[1]
    with monkeypatch.context() as patch:
        patch.setattr(made, "_started", lambda one, _: one)
        before = study(tmp_path / "old", seeds=4)
    after = study(tmp_path / "old", seeds=8)
    assert not after.optimizers["Adam"].start
    kept = [t.config for t in before.trials]
    assert [t.config for t in after.trials][: len(kept)] == kept
