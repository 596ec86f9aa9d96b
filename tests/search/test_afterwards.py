"""What is trained and timed beside the verdict, and decides nothing."""

import math

import pytest
from fake_engine import FakeEngine, bowl, searched

from steepest.errors import InputError
from steepest.question import make_question
from steepest.records import Outcome, Stage
from steepest.storage import read


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    where = tmp_path_factory.mktemp("swept")
    return searched(FakeEngine(bowl(noise=0.01)), where, seeds=4, sweep=2), where


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
    first = min((t for t in study.trials if t.optimizer == "Adam"), key=lambda t: t.number)
    trials = of(study, Stage.DEFAULT, "Adam")
    assert trials
    assert {t.config.seed for t in trials} == {
        t.config.seed for t in of(study, Stage.SWEEP, "Adam")
    }
    for trial in trials:
        assert trial.config.hyperparameters == first.config.hyperparameters


def test_all_of_it_is_in_the_file(swept):
    study, where = swept
    assert read(where) == study
    assert study.finished
    assert study.initial == {"loss": 7.0}
    assert study.update_seconds["SGD"] == (1e-6, 2e-6)


def test_without_a_sweep_nothing_is_trained_beside_the_verdict(tmp_path):
    study = searched(FakeEngine(), tmp_path, seeds=2)
    assert {t.stage for t in study.trials} == {Stage.SEARCH, Stage.CONFIRM}
    assert study.initial == {}


def test_a_sweep_changes_no_verdict(swept, tmp_path):
    study, _ = swept
    plain = searched(FakeEngine(bowl(noise=0.01)), tmp_path, seeds=4)
    verdict = [t for t in study.trials if t.stage in (Stage.SEARCH, Stage.CONFIRM)]
    assert [(t.config, t.curves) for t in verdict] == [(t.config, t.curves) for t in plain.trials]


def test_no_time_for_a_sweep_leaves_the_verdict(tmp_path):
    engine = FakeEngine(bowl(), sleep=0.002)
    study = searched(engine, tmp_path, seeds=2, trials=4, sweep=50, time=1)
    assert study.finished
    assert "no time for all measures" in study.stopped
    assert {t.epochs for t in study.confirmed("SGD")} == {study.task.epochs}


@pytest.mark.parametrize("sweep", [-1, 101, 1.5, "two", True, None])
def test_a_sweep_that_is_no_count_is_refused(sweep):
    with pytest.raises(InputError, match=r"sweep is .* must be a whole number from 0 to 100"):
        make_question("SGD", 3, sweep=sweep)
