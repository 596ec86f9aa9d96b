"""The loop: equal terms, paired seeds, the same study from the same seed, a file that tells all."""

import itertools
from dataclasses import replace

import pytest
from planned import planned
from small import EPOCHS, make_model, make_task

from steepest import storage
from steepest.amounts import make_memory
from steepest.engines import make_engine
from steepest.engines.compiled import engine
from steepest.errors import InputError
from steepest.priors.start_lists import start_list
from steepest.records import Outcome, Stage
from steepest.search import search
from steepest.spaces import Choice, Float

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def run(task, path, optimizers="SGD,Adam", memory=None, **asked):
    found, settings = planned(optimizers, task.facts.epochs, **{"seeds": 3, **asked})
    phases = []
    study = search(
        make_engine(task, memory),
        found,
        settings,
        path / "study.db",
        lambda phase, budget: phases.append((phase, budget.left)),
    )
    assert phases[-1][1] == 0  # nothing is left to come
    return study


@pytest.fixture(scope="module")
def study(task, tmp_path_factory):
    return run(task, tmp_path_factory.mktemp("a"), full_trainings=40)


def scrub(study):
    trials = tuple(replace(trial, seconds=0.0) for trial in study.trials)
    return replace(
        study,
        trials=trials,
        seconds=0.0,
        compile_seconds=0.0,
        started="",
        update_seconds={},
        planned=replace(study.planned, training_seconds=0.0),
    )


def test_the_same_seed_gives_the_same_study(task, study, tmp_path):
    assert scrub(run(task, tmp_path, full_trainings=40)) == scrub(study)


def test_another_seed_gives_another(task, study, tmp_path):
    other = run(task, tmp_path, seed=1, full_trainings=40)
    assert other.trials[1].config != study.trials[1].config
    seeds = [{t.config.seed for t in s.trials} for s in (study, other)]
    assert not seeds[0] & seeds[1]


def test_every_optimizer_gets_the_same(study):
    """The same epochs, but for what is left where no further training fits."""
    for name in study.optimizers:
        mine = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
        trained = sum(t.epochs for t in mine) / EPOCHS
        assert study.planned.search - 1 < trained <= study.planned.search


def test_the_budget_is_not_overspent(study):
    assert study.settings.full_trainings == 2 * 20
    assert study.full_trainings <= study.settings.full_trainings
    searched = sum(t.epochs for t in study.trials if t.stage is Stage.SEARCH) / EPOCHS
    assert 27 < searched <= 30  # three quarters of it


def test_a_search_starts_at_the_start_list(study):
    for name in study.optimizers:
        mine = [t for t in study.trials if t.optimizer == name][:3]
        for trial, entry in zip(mine, start_list(name), strict=False):
            assert entry.items() <= trial.config.hyperparameters.items()


def test_trials_end_at_half_or_at_all_epochs(study):
    assert study.settings.rungs == (EPOCHS // 2, EPOCHS)
    searched = [t for t in study.trials if t.stage is Stage.SEARCH]
    assert {t.epochs for t in searched} == {EPOCHS // 2, EPOCHS}
    for trial in searched:
        whole = trial.outcome is Outcome.FINISHED
        assert trial.epochs == (EPOCHS if whole else EPOCHS // 2)
        assert whole or trial.outcome is Outcome.HALVED


def test_the_defaults_are_trained_beside_the_first_seeds(study):
    for name in study.optimizers:
        mine = [t for t in study.trials if t.optimizer == name and t.stage is Stage.DEFAULT]
        assert 1 <= len(mine) <= 3
        assert [t.config.seed for t in mine] == [1, 2, 3][: len(mine)]
        assert {t.config.hyperparameters["learning_rate"] for t in mine} == {
            {"SGD": 0.01, "Adam": 0.001}[name]
        }


def test_confirmation_is_from_fresh_seeds_the_same_for_all(study):
    searched = {t.config.seed for t in study.trials if t.stage is Stage.SEARCH}
    assert 0 in searched
    assert not searched & set(range(1, 901))
    for name in study.optimizers:
        confirmed = study.confirmed(name)
        assert [t.config.seed for t in confirmed] == [1, 2, 3][: len(confirmed)]
        assert len(confirmed) >= 2
        assert len({repr(t.config.hyperparameters) for t in confirmed}) == 1
        for trial in confirmed:
            assert trial.outcome is Outcome.FINISHED
            assert trial.test is not None
            assert set(trial.test) == {"loss", "accuracy"}


def test_the_file_holds_the_study(task, tmp_path):
    study = run(task, tmp_path)
    assert storage.read(tmp_path / "study.db") == study


def test_every_turn_is_in_the_file_before_the_next(task, tmp_path, monkeypatch):
    written = []
    record = storage.record

    def spy(path, study, trials, *more):
        record(path, study, trials)
        written.append(storage.read(path))

    monkeypatch.setattr(storage, "record", spy)
    study = run(task, tmp_path, trials=20)
    searched = [s for s in written if all(t.stage is Stage.SEARCH for t in s.trials)]
    furthest = [max(t.epochs for t in s.trials) for s in searched]
    assert furthest == sorted(furthest)
    assert list(dict.fromkeys(furthest)) == [EPOCHS // 2, EPOCHS]
    for before, after in itertools.pairwise(written):
        assert {t.number for t in before.trials} <= {t.number for t in after.trials}  # none is lost
        known = {t.number: t.curves for t in after.trials}
        for one in before.trials:
            assert known[one.number].validation_loss[: one.epochs] == one.curves.validation_loss
    finished = [s.finished for s in written]
    assert finished == sorted(finished)
    assert finished.index(True) >= len(written) - 2  # what is timed afterwards comes last
    assert written[-1] == study


def test_an_optimizer_that_always_diverges_is_no_end(task, tmp_path):
    wild = {"SGD": {"learning_rate": Float(1e36, 1e37)}, "Adam": {}}
    study = run(task, tmp_path, wild, trials=4)
    sgd = [t for t in study.trials if t.optimizer == "SGD" and t.number > 0]
    assert sgd
    assert all(t.outcome is not Outcome.UNFINISHED for t in sgd)
    assert sum(t.outcome is Outcome.DIVERGED for t in sgd) >= 3
    assert study.confirmed("Adam")


def test_what_is_fixed_altogether_is_only_confirmed(task, tmp_path):
    study = run(task, tmp_path, "SGD(learning_rate=0.05,momentum=0.9)", trials=10, seeds=2)
    assert [t.stage for t in study.trials] == [Stage.CONFIRM, Stage.CONFIRM]
    assert {t.config.hyperparameters["learning_rate"] for t in study.trials} == {0.05}


def test_a_flag_can_be_searched(task, tmp_path):
    own = {"Adam": {"amsgrad": Choice((False, True)), "learning_rate": Float(1e-3, 1e-2, log=True)}}
    study = run(task, tmp_path, own, trials=8, seeds=2)
    searched = [t for t in study.trials if t.stage is Stage.SEARCH]
    assert {t.config.hyperparameters["amsgrad"] for t in searched} == {False, True}


def test_one_epoch_one_trial_one_seed(tmp_path):
    task = make_task(make_model(), epochs=1)
    study = run(task, tmp_path, "SGD", trials=1, seeds=1)
    assert [t.epochs for t in study.trials] == [1, 1, 1]
    assert [t.stage for t in study.trials] == [Stage.SEARCH, Stage.CONFIRM, Stage.DEFAULT]


def test_the_first_trial_stays_within_the_person_s_own_ranges(task, tmp_path):
    own = {"Adam": {"learning_rate": Float(1e-8, 1e-7, log=True), "amsgrad": Choice((True,))}}
    study = run(task, tmp_path, own, trials=2, seeds=1)
    assert 1e-8 <= study.trials[0].config.hyperparameters["learning_rate"] <= 1e-7
    assert study.trials[0].config.hyperparameters["amsgrad"] is True


def test_choices_are_not_tried_twice(task, tmp_path):
    own = {"SGD": {"learning_rate": Choice((0.1, 0.01)), "momentum": 0.0}}
    study = run(task, tmp_path, own, trials=9, seeds=1)
    assert [t.stage for t in study.trials].count(Stage.SEARCH) == 2


def test_what_cannot_be_compiled_leaves_no_study(task, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("no program")

    monkeypatch.setattr(engine, "compile_programs", broken)
    with pytest.raises(RuntimeError):
        run(task, tmp_path)
    assert not (tmp_path / "study.db").exists()


def test_a_small_memory_changes_nothing(task, study, tmp_path):
    """Trials that wait for the next rung wait on disk."""
    small = run(task, tmp_path, memory=1, full_trainings=40)
    assert scrub(small) == scrub(study)


@pytest.mark.parametrize(
    ("given", "bytes_"),
    [
        ("4GB", 4 * 10**9),
        ("1.5 MiB", 3 * 2**19),
        (10**7, 10**7),
        ("2000kb", 2 * 10**6),
    ],
)
def test_memory_is_read(given, bytes_):
    assert make_memory(given) == bytes_


@pytest.mark.parametrize("given", ["", "lots", "1.2.3GB", "4", -5, True, "-4GB"])
def test_memory_must_be_a_size(given):
    with pytest.raises(InputError, match="but must be at least a megabyte"):
        make_memory(given)
