"""A search whose trials callbacks stop: what it compares, what it pays, and that it goes on."""

import math
from dataclasses import replace

import pytest
from fake_engine import FakeEngine, bowl
from faults.same import differences

from steepest import storage
from steepest.engines.callbacks import CallbackEngine
from steepest.errors import InputError
from steepest.options import Options
from steepest.plan import make_plan
from steepest.records import CallbackRecord, Outcome, Stage
from steepest.records.callbacks import FUNCTIONS, PROBED, follow, rates
from steepest.reports.callbacks_text import stopped
from steepest.rules.plateau import plateau_of
from steepest.search import search

EPOCHS = 20
STOP = CallbackRecord("EarlyStopping", "loss", patience=2)
BEST = replace(STOP, restore=True)
PLATEAU = CallbackRecord("ReduceLROnPlateau", "loss", patience=1, factor=0.3)
SHAPE = CallbackRecord("LearningRateScheduler", rates=tuple(0.3 / (1 + e) for e in range(EPOCHS)))


def planned(callbacks, **asked):
    engine = FakeEngine(bowl(noise=0.2), epochs=EPOCHS)
    options = Options(**{"optimizers": "SGD,Adam", "seeds": 3, "full_trainings": 24, **asked})
    found, settings = make_plan(options, engine.facts, None, callbacks)
    return CallbackEngine(engine, callbacks), found, settings, options


def searched(callbacks, path, **asked):
    """Return a whole study by a fake engine under callbacks, and the engine."""
    engine, found, settings, options = planned(callbacks, **asked)
    study = search(engine, found, settings, path / "study.db", lambda *_: None, options.stored())
    return study, engine.inner


@pytest.mark.parametrize("callbacks", [(STOP,), (PLATEAU, BEST)], ids=["end", "best"])
def test_trials_end_where_callbacks_stop_them(callbacks, tmp_path):
    study, engine = searched(callbacks, tmp_path)
    early = [trial for trial in study.trials if trial.stopped_early(EPOCHS)]
    assert study.complete
    assert len({trial.epochs for trial in early}) > 2
    for trial in study.trials:
        seen = follow(callbacks, trial.curves)
        assert seen.stopped == (trial in early)
        # Half a training is as far as the search goes with most.
        assert trial in early or trial.epochs in (EPOCHS // 2, EPOCHS)
        if trial.outcome is Outcome.FINISHED:
            losses = trial.curves.validation_loss
            value = losses[seen.best - 1] if seen.best else losses[-1]
            assert study.settings.value(trial) == value
    assert study.settings.at == ("best" if callbacks[-1].restore else "end")
    # Epochs that were trained are what it costs; what is known of a trial is not trained again.
    furthest = {}
    for config, epoch in engine.advanced:
        furthest[repr(config)] = max(epoch, furthest.get(repr(config), 0))
    if callbacks == (STOP,):  # which leaves configurations as they are
        assert sum(furthest.values()) == sum(trial.epochs for trial in study.trials)
    assert storage.read(tmp_path) == study


def test_what_was_stopped_in_half_a_training_is_done_without_training(tmp_path):
    """It counts as trained in full, and its epochs alone are charged."""
    study, _ = searched((replace(STOP, patience=1),), tmp_path)
    trials = [t for t in study.trials if t.stage is Stage.SEARCH and t.optimizer == "SGD"]
    short = [t for t in trials if t.stopped_early(EPOCHS // 2)]
    assert short
    assert not any(
        one.config == other.config for one in short for other in trials if one is not other
    )
    full, _ = searched((replace(STOP, patience=1000),), tmp_path / "full")
    assert len(study.trials) > len(full.trials)  # as much training pays for more of them


def test_a_schedule_of_its_own_length_is_trained_anew(tmp_path):
    study, _ = searched((STOP,), tmp_path, schedule="cosine")
    assert study.complete
    halves = [t for t in study.trials if t.config.hyperparameters.get("decay_steps")]
    assert any(t.stopped_early(EPOCHS) for t in halves)


def test_a_scheduler_has_every_trial_in_full(tmp_path):
    study, engine = searched((SHAPE,), tmp_path, baseline="keras.optimizers.SGD(0.05)")
    assert {t.epochs for t in study.trials if not t.lost} == {EPOCHS}
    baseline = next(n for n, one in study.optimizers.items() if one.baseline)
    assert study.confirmed(baseline)[0].config.hyperparameters["learning_rate"] == 0.3
    rates = [
        config.hyperparameters["learning_rate"]
        for config, _ in engine.advanced
        if config.seed == 1 and config.hyperparameters.get("momentum") == 0.0
    ]
    assert any(rate == pytest.approx(0.15) for rate in rates)  # the baseline's second epoch


def test_a_function_of_the_rate_is_asked_in_each_trial(tmp_path):
    rates, record = [], PROBED
    for _ in range(EPOCHS):
        record *= 0.9
        rates.append(record)
    one = CallbackRecord("LearningRateScheduler", rates=tuple(rates), relative=True)
    asked = []

    def function(epoch, rate):
        asked.append((epoch, rate))
        return rate * 0.9

    FUNCTIONS[one] = function
    searched((one,), tmp_path)
    assert {epoch for epoch, _ in asked} == set(range(EPOCHS))
    assert len({rate for epoch, rate in asked if epoch == 0}) > 5


class Killed(BaseException):
    """What ends a process at any moment, as far as a test can have it."""


@pytest.mark.slow
@pytest.mark.parametrize("callbacks", [(STOP,), (PLATEAU, BEST)], ids=["end", "best"])
@pytest.mark.parametrize("keeps", ["0", "1000"], ids=["states kept", "no states"])
def test_cut_anywhere_it_goes_on_as_if_it_had_not_been(callbacks, keeps, tmp_path, monkeypatch):
    monkeypatch.setenv("STEEPEST_CHECKPOINT", keeps)
    whole, _ = searched(callbacks, tmp_path / "whole")
    found = cut_and_resumed(callbacks, tmp_path / "cut", monkeypatch)
    assert len(found.resumed) > 1
    assert differences(whole, found) == []


PATIENT = {"schedule": "plateau", "recipe": "patience=2,factor=Choice((0.3,0.6)),min_delta=0.01"}


@pytest.mark.slow
@pytest.mark.parametrize("beside", [(), (BEST,)], ids=["alone", "with early stopping"])
def test_a_plateau_cut_anywhere_goes_on_as_if_it_had_not_been(beside, tmp_path, monkeypatch):
    monkeypatch.setenv("STEEPEST_CHECKPOINT", "0")
    whole, _ = searched(beside, tmp_path / "whole", **PATIENT)
    assert whole.complete
    found = cut_and_resumed(beside, tmp_path / "cut", monkeypatch, **PATIENT)
    assert len(found.resumed) > 1
    assert differences(whole, found) == []


def test_a_plateau_lowers_the_rates_of_its_own_and_goes_on_from_half_a_training(tmp_path):
    study, engine = searched((), tmp_path, **PATIENT)
    assert not study.settings.own_horizon
    assert not any("decay_steps" in t.config.hyperparameters for t in study.trials)
    assert {t.config.hyperparameters.get("factor") for t in study.trials} >= {0.3, 0.6}
    facts, config = study.task, study.confirmed("SGD")[0].config
    used = rates(plateau_of(config, facts), study.confirmed("SGD")[0].curves, rate_of(config))
    assert min(used) < max(used)
    mine = {**config.hyperparameters, "learning_rate": None}
    asked = {
        rate_of(one)
        for one, _ in engine.advanced
        if {**one.hyperparameters, "learning_rate": None} == mine and one.seed == config.seed
    }
    assert asked == set(used)


def rate_of(config):
    return config.hyperparameters["learning_rate"]


def test_beside_a_schedule_that_starts_anew_half_a_training_is_half_as_patient(tmp_path):
    recipe = "patience=4,factor=0.5"
    study, _ = searched((), tmp_path, schedule="cosine,plateau", recipe=recipe)
    assert {t.config.schedule for t in study.trials} == {"cosine", "plateau"}
    halves = [t for t in study.trials if t.epochs == EPOCHS // 2 and t.config.schedule == "plateau"]
    assert halves
    for trial in halves:
        assert trial.config.hyperparameters["patience"] == 4.0
        assert plateau_of(trial.config, study.task)[0].patience == 2


def cut_and_resumed(callbacks, path, monkeypatch, **asked):
    """Return a study whose process was killed again and again."""
    record, count = storage.record, [0, 1]

    def dying(*given):
        count[0] += 1
        if count[0] >= count[1]:
            raise Killed
        record(*given)

    for _ in range(100):
        count[0], count[1] = 0, count[1] + 3
        monkeypatch.setattr(storage, "record", dying)
        try:
            return searched(callbacks, path, **asked)[0]
        except Killed:
            continue
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"recipe": "patience=19"}, "patience of 19 epochs, which lowers no rate in a training"),
        ({"recipe": "warmup=0.1"}, "has a warm-up beside the schedule plateau"),
        ({"recipe": "drop=0.1"}, "has drop, which a plateau schedule does not use"),
        ({"recipe": "decay_steps=5"}, "has decay_steps, which a plateau schedule does not use"),
        ({"recipe": "patience=2.5"}, "patience is 2.5, but must be a whole number"),
        ({"recipe": "patience=Float(1,5)"}, "is no number on a scale; search it as Choice"),
        ({"recipe": "factor=1"}, "factor is 1"),
        ({"recipe": "min_lr=1e-5"}, "did you mean final"),
        ({"schedule": "cosine", "recipe": "patience=3"}, "has patience, which a cosine schedule"),
        ({"schedule": "cosine,plateau", "recipe": "warmup=0.1"}, "a warm-up beside the schedule"),
    ],
)
def test_what_a_plateau_cannot_have_is_said(asked, said):
    with pytest.raises(InputError, match=said):
        planned((), **{"schedule": "plateau", **asked})


def test_a_schedule_and_a_callback_cannot_both_set_the_rate():
    for asked in ({"schedule": "cosine"}, {"recipe": "warmup=0.1"}, PATIENT):
        with pytest.raises(InputError, match="whose learning rate no callback can set"):
            planned((PLATEAU,), **asked)
    planned((STOP,), schedule="cosine")


def test_the_report_says_whom_it_stopped(tmp_path):
    study, _ = searched((PLATEAU, BEST), tmp_path)
    said = stopped(study)
    assert said.startswith(
        "Trials trained under ReduceLROnPlateau(factor=0.3, patience=1, min_delta=0.0) and "
        "EarlyStopping(patience=2, restore_best_weights=True). "
    )
    early = sum(trial.stopped_early(EPOCHS) for trial in study.trials)
    assert f" stopped {early} of {len(study.trials)} trials, confirmed ones after " in said
    assert said.endswith("compared at the epoch whose weights EarlyStopping restores.")
    assert math.isfinite(study.full_trainings)
