"""The loop: equal terms, paired seeds, the same study from the same seed, a file that tells all."""

from dataclasses import replace

import numpy as np
import pytest
from small import make_model, make_task

from steepest import storage
from steepest.comparison import make_settings
from steepest.engines import CompiledEngine, make_engine
from steepest.errors import InputError
from steepest.question import make_memory
from steepest.records import Outcome, Stage
from steepest.rules.contestant import contestants
from steepest.search import search
from steepest.spaces import Choice, Float


def run(task, path, optimizers="SGD,Adam", trials=10, seeds=3, seed=0):
    asked = contestants(optimizers, trials)
    phases = []
    study = search(
        make_engine(task),
        asked,
        make_settings(trials, seeds, seed, "constant", task.facts.epochs),
        path / "study.db",
        lambda phase, budget: phases.append((phase, budget.left)),
    )
    assert phases[-1][1] == 0  # the budget was planned to the epoch
    return study


@pytest.fixture(scope="module")
def study(task, tmp_path_factory):
    return run(task, tmp_path_factory.mktemp("a"))


def scrub(study):
    trials = tuple(replace(trial, seconds=0.0) for trial in study.trials)
    return replace(study, trials=trials, seconds=0.0, compile_seconds=0.0, started="")


def test_the_same_seed_gives_the_same_study(task, study, tmp_path):
    assert scrub(run(task, tmp_path)) == scrub(study)


def test_another_seed_gives_another(task, study, tmp_path):
    other = run(task, tmp_path, seed=1)
    assert other.trials[1].config != study.trials[1].config
    seeds = [{t.config.seed for t in s.trials} for s in (study, other)]
    assert not seeds[0] & seeds[1]


def test_every_optimizer_gets_the_same(study):
    for stage in Stage:
        counts = {
            name: [t.epochs for t in study.trials if t.optimizer == name and t.stage is stage]
            for name in study.optimizers
        }
        assert sorted(counts["SGD"]) == sorted(counts["Adam"])


def test_the_first_trial_is_the_framework_s_own(study):
    assert study.trials[0].config.hyperparameters == {
        "learning_rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
    }


def test_halving_keeps_the_best(study):
    mine = [t for t in study.trials if t.optimizer == "Adam" and t.stage is Stage.SEARCH]
    assert [sum(t.epochs >= rung for t in mine) for rung in study.settings.rungs] == [10, 4, 2]
    finished = [t for t in mine if t.outcome is Outcome.FINISHED]
    first = sorted(t.curves.validation_loss[0] for t in mine)
    assert all(t.curves.validation_loss[0] <= first[3] for t in finished)


def test_confirmation_is_from_fresh_seeds_the_same_for_all(study):
    searched = {t.config.seed for t in study.trials if t.stage is Stage.SEARCH}
    confirmed = {name: [t.config.seed for t in study.confirmed(name)] for name in study.optimizers}
    assert confirmed["SGD"] == confirmed["Adam"] == [1, 2, 3]
    assert not searched & {1, 2, 3}
    for name in study.optimizers:
        mine = [t for t in study.trials if t.optimizer == name]
        repeats = [t for t in mine if t.stage is Stage.REPEAT]
        assert [t.config.seed for t in repeats] == [999, 999]

        def mean(trial, mine=mine):
            return np.mean(
                [
                    t.score
                    for t in mine
                    if t.config.hyperparameters == trial.config.hyperparameters
                    and t.stage is not Stage.CONFIRM
                ]
            )

        best = min(repeats, key=mean)
        for trial in study.confirmed(name):
            assert trial.config.hyperparameters == best.config.hyperparameters
            assert trial.test is not None
            assert set(trial.test) == {"loss", "accuracy"}


def test_the_file_holds_the_study(task, tmp_path):
    study = run(task, tmp_path)
    assert storage.read(tmp_path / "study.db") == study


def test_every_rung_is_in_the_file_before_the_next(task, tmp_path, monkeypatch):
    written = []
    record = storage.record

    def spy(path, study, trials):
        record(path, study, trials)
        written.append(storage.read(path))

    monkeypatch.setattr(storage, "record", spy)
    run(task, tmp_path)
    assert [max(t.epochs for t in s.trials) for s in written] == [1, 2, 4, 4, 4]
    assert [s.finished for s in written] == [False, False, False, False, True]


def test_an_optimizer_that_always_diverges_is_no_end(task, tmp_path):
    wild = {"SGD": {"learning_rate": Float(1e36, 1e37)}, "Adam": {}}
    study = run(task, tmp_path, wild, trials=4)
    sgd = [t for t in study.trials if t.optimizer == "SGD" and t.number > 0]
    assert sgd
    assert all(t.outcome in (Outcome.DIVERGED, Outcome.HALVED, Outcome.FINISHED) for t in sgd)
    assert sum(t.outcome is Outcome.DIVERGED for t in sgd) >= 3
    assert study.confirmed("Adam")


def test_everything_fixed_is_one_trial(task, tmp_path):
    study = run(task, tmp_path, "SGD(learning_rate=0.05,momentum=0.9)", trials=10, seeds=2)
    assert [t.stage for t in study.trials] == [Stage.SEARCH, Stage.CONFIRM, Stage.CONFIRM]


def test_a_flag_can_be_searched(task, tmp_path):
    own = {"Adam": {"amsgrad": Choice((False, True)), "learning_rate": Float(1e-3, 1e-2, log=True)}}
    study = run(task, tmp_path, own, trials=8, seeds=2)
    assert {t.config.hyperparameters["amsgrad"] for t in study.trials[:8]} == {False, True}


def test_one_epoch_one_trial_one_seed(tmp_path):
    task = make_task(make_model(), epochs=1)
    study = run(task, tmp_path, "SGD", trials=1, seeds=1)
    assert [t.epochs for t in study.trials] == [1, 1]
    assert study.full_trainings == 2


def test_the_first_trial_stays_within_the_person_s_own_ranges(task, tmp_path):
    own = {"Adam": {"learning_rate": Float(1e-8, 1e-7, log=True), "amsgrad": Choice((True,))}}
    study = run(task, tmp_path, own, trials=2, seeds=1)
    assert study.trials[0].config.hyperparameters["learning_rate"] == 1e-7
    assert study.trials[0].config.hyperparameters["amsgrad"] is True


def test_choices_are_not_tried_twice(task, tmp_path):
    own = {"SGD": {"learning_rate": Choice((0.1, 0.01)), "momentum": 0.0}}
    study = run(task, tmp_path, own, trials=9, seeds=1)
    assert [t.stage for t in study.trials].count(Stage.SEARCH) == 2


def test_what_cannot_be_compiled_leaves_no_study(task, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("no program")

    monkeypatch.setattr(CompiledEngine, "compile", broken)
    with pytest.raises(RuntimeError):
        run(task, tmp_path)
    assert not (tmp_path / "study.db").exists()


def test_a_small_memory_changes_nothing(task, study, tmp_path):
    """Trials that wait for the next rung wait on disk."""
    settings = make_settings(10, 3, 0, "constant", task.facts.epochs)
    engine = make_engine(task, memory=1)
    small = search(
        engine, contestants("SGD,Adam", 10), settings, tmp_path / "study.db", lambda *_: None
    )
    assert scrub(small) == scrub(study)


@pytest.mark.parametrize(
    ("given", "bytes_"),
    [
        ("4GB", 4 * 10**9),
        ("1.5 MiB", 3 * 2**19),
        (10**7, 10**7),
        ("2000kb", 2 * 10**6),
        (None, None),
    ],
)
def test_memory_is_read(given, bytes_):
    assert make_memory(given) == bytes_


@pytest.mark.parametrize("given", ["", "lots", "1.2.3GB", "4", -5, True, "-4GB"])
def test_memory_must_be_a_size(given):
    with pytest.raises(InputError, match="but must be at least a megabyte"):
        make_memory(given)
