"""What is trained and timed beside the verdict, and decides nothing."""

import math

import pytest
from clocks import Clock
from fake_engine import FakeEngine, FakeProgram, bowl, searched
from planned import planned

from steepest.errors import InputError
from steepest.measures.verdict import judge
from steepest.parse.contestant import contestants
from steepest.records import Outcome, Stage
from steepest.search import sweep
from steepest.storage import read


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    where = tmp_path_factory.mktemp("swept")
    return searched(FakeEngine(bowl(noise=0.01)), where, full_trainings=30, sweep=2), where


def of(study, stage, name):
    return [t for t in study.trials if t.stage is stage and t.optimizer == name]


def test_a_sweep_trains_rates_a_decade_around_the_best_on_up_to_three_confirmed_seeds(swept):
    study, _ = swept
    for name in ("SGD", "Adam"):
        confirmed = study.confirmed(name)
        best = confirmed[0].config.hyperparameters
        seeds = {t.config.seed for t in confirmed[:3]}
        trials = of(study, Stage.SWEEP, name)
        assert {t.config.seed for t in trials} == seeds
        assert len(trials) == 4 * len(seeds)
        for trial in trials:
            values = dict(trial.config.hyperparameters)
            away = math.log10(values.pop("learning_rate") / best["learning_rate"])
            assert min(abs(away - k / 2) for k in (-2, -1, 1, 2)) < 1e-9
            assert values == {n: v for n, v in best.items() if n != "learning_rate"}
            assert trial.epochs == study.task.epochs
            assert trial.outcome is Outcome.FINISHED


def test_the_framework_s_defaults_are_trained_on_the_same_seeds(swept):
    study, _ = swept
    (adam,) = contestants("Adam", 8)
    trials = of(study, Stage.DEFAULT, "Adam")
    assert trials
    assert {t.config.seed for t in trials} == {
        t.config.seed for t in of(study, Stage.SWEEP, "Adam")
    }
    for trial in trials:
        assert trial.config.hyperparameters == adam.defaults()
        assert trial.epochs == study.task.epochs


def test_all_of_it_is_in_the_file(swept):
    study, where = swept
    assert read(where) == study
    assert study.finished
    assert study.initial == {"loss": 7.0}
    assert study.update_seconds["SGD"] == (1e-6, 2e-6) * sweep.TURNS


def test_updates_are_timed_in_turns(tmp_path, monkeypatch):
    asked = []

    def update_seconds(self, population, state):
        asked.append(population.config(0).rule)
        return (1e-6,)

    monkeypatch.setattr(FakeProgram, "update_seconds", update_seconds)
    study = searched(FakeEngine(bowl(noise=0.01)), tmp_path, seeds=2)
    assert asked == ["SGD", "Adam"] * sweep.TURNS
    assert {name: len(s) for name, s in study.update_seconds.items()} == {
        "SGD": sweep.TURNS,
        "Adam": sweep.TURNS,
    }


def test_an_engine_that_times_no_update_is_asked_once_an_optimizer(tmp_path, monkeypatch):
    asked = []

    def update_seconds(self, population, state):
        asked.append(population.config(0).rule)
        return ()

    monkeypatch.setattr(FakeProgram, "update_seconds", update_seconds)
    assert searched(FakeEngine(bowl()), tmp_path, seeds=2).update_seconds == {}
    assert asked == ["SGD", "Adam"]


def test_without_a_sweep_the_defaults_alone_are_trained_beside_the_verdict(tmp_path):
    study = searched(FakeEngine(), tmp_path, full_trainings=40)
    assert {t.stage for t in study.trials} == {Stage.SEARCH, Stage.CONFIRM, Stage.DEFAULT}
    for name in study.optimizers:
        seeds = [t.config.seed for t in study.confirmed(name)]
        beside = [t.config.seed for t in of(study, Stage.DEFAULT, name)]
        assert beside == seeds[: len(beside)]
        assert 1 <= len(beside) <= 3
    assert study.initial == {"loss": 7.0}  # which is always measured


def test_defaults_that_a_contestant_has_are_not_trained_twice(tmp_path):
    usual = "SGD(learning_rate=0.01, momentum=0.0)"
    study = searched(FakeEngine(), tmp_path, f"SGD,Adam,{usual}", full_trainings=40)
    assert study.confirmed(usual)
    assert {t.optimizer for t in study.trials if t.stage is Stage.DEFAULT} == {"Adam"}


def test_a_sweep_changes_no_verdict(swept, tmp_path):
    study, _ = swept
    plain = searched(FakeEngine(bowl(noise=0.01)), tmp_path, full_trainings=30)
    assert judge(study) == judge(plain)
    verdict = [t for t in study.trials if t.stage in (Stage.SEARCH, Stage.CONFIRM)]
    same = [t for t in plain.trials if t.stage in (Stage.SEARCH, Stage.CONFIRM)]
    assert [(t.config, t.curves) for t in verdict] == [(t.config, t.curves) for t in same]


def test_no_time_for_a_sweep_leaves_the_verdict(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("steepest.budget.clock", clock)
    engine = FakeEngine(bowl(), sleep=0.002, clock=clock)
    study = searched(engine, tmp_path, seeds=2, trials=4, sweep=50, time=1)
    assert study.finished
    assert "no time for all measures" in study.stopped
    assert {t.epochs for t in study.confirmed("SGD")} == {study.task.epochs}


@pytest.mark.parametrize("sweep", [-1, 101, 1.5, "two", True, None])
def test_a_sweep_that_is_no_count_is_refused(sweep):
    with pytest.raises(InputError, match=r"sweep is .* must be a whole number from 0 to 100"):
        planned("SGD", 3, sweep=sweep)
