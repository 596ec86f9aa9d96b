"""Whole studies by a formula: horizons, time, the race, what decides, the budget."""

import math

import pytest
from fake_engine import STEPS_PER_EPOCH, FakeEngine, bowl, searched

from steepest import storage
from steepest.comparison import Comparison
from steepest.errors import InputError
from steepest.measures.verdict import judge
from steepest.question import make_question, make_seconds
from steepest.records import Outcome, Stage
from steepest.rules.schedules import factor, schedule_numbers

THREE = "SGD,Adam,RMSprop"


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_each_rung_has_a_schedule_of_its_own(schedule, tmp_path):
    engine = FakeEngine(bowl(noise=0.01))
    study = searched(engine, tmp_path, schedule=schedule, recipe={"warmup": 0.1})
    facts = study.task
    for trial in study.trials:
        values = trial.config.hyperparameters
        if trial.epochs == facts.epochs:
            assert "decay_steps" not in values
            continue
        assert trial.stage is Stage.SEARCH
        assert values["decay_steps"] == trial.epochs * STEPS_PER_EPOCH
        assert trial.epochs in study.settings.rungs
        assert trial.outcome in (Outcome.SHORT, Outcome.HALVED)
        numbers = schedule_numbers(schedule, values, facts.steps)
        end = factor(schedule, trial.epochs * STEPS_PER_EPOCH + 0.0, numbers)
        assert float(end) == pytest.approx(0.0, abs=1e-9)
    assert {t.epochs for t in study.trials} == set(study.settings.rungs)
    assert len(engine.prepared) == len(set(engine.prepared)) == 2  # nothing is compiled twice
    for one in Comparison(study, tmp_path).optimizers.values():
        assert "decay_steps" not in one.hyperparameters


def test_a_length_that_a_person_gave_stays(tmp_path):
    own = {"SGD": {"schedule": "cosine", "decay_steps": 50.0}, "Adam": {"schedule": "cosine"}}
    study = searched(FakeEngine(bowl(noise=0.01)), tmp_path, own)
    for trial in study.trials:
        if trial.optimizer == "SGD":
            assert trial.config.hyperparameters["decay_steps"] == 50.0


def test_a_constant_rate_goes_on_where_it_was(tmp_path):
    study = searched(FakeEngine(bowl(noise=0.01)), tmp_path)
    assert not any("decay_steps" in t.config.hyperparameters for t in study.trials)
    assert not any(t.outcome is Outcome.SHORT for t in study.trials)


@pytest.mark.parametrize("epochs", [1, 2, 4, 7, 10])
@pytest.mark.parametrize("asked", [{"budget": "quick"}, {"full_trainings": 9}])
def test_a_budget_is_kept(epochs, asked, tmp_path):
    study = searched(FakeEngine(bowl(noise=0.05), epochs), tmp_path, THREE, **asked)
    assert study.full_trainings <= study.settings.full_trainings
    assert study.finished
    assert all(study.confirmed(name) for name in study.optimizers)


def test_the_same_seed_gives_the_same_trials(tmp_path):
    studies = []
    for name in ("a", "b"):
        study = searched(FakeEngine(bowl(noise=0.05)), tmp_path / name, seed=3)
        studies.append([(t.config, t.curves, t.outcome) for t in study.trials])
    assert studies[0] == studies[1]


@pytest.mark.parametrize("seconds", [1, 3])
def test_a_study_ends_with_its_time(seconds, tmp_path):
    """However early: a limit that ends in the search still confirms what it can."""
    engine = FakeEngine(bowl(noise=0.01), sleep=0.02)
    study = searched(engine, tmp_path, THREE, budget="thorough", time=seconds)
    assert study.stopped  # by its time
    assert storage.read(tmp_path / "study.db") == study
    assert study.full_trainings < study.settings.full_trainings  # not everything was trained
    assert judge(study).standings.keys() == study.optimizers.keys()
    assert any(t.stage is Stage.CONFIRM for t in study.trials)
    assert str(Comparison(study, tmp_path))


def test_who_is_far_behind_gets_fewer_seeds(tmp_path):
    surface = bowl(noise=0.002, worse={"RMSprop": 3.0})
    study = searched(FakeEngine(surface), tmp_path, THREE, full_trainings=40, seeds=8)
    counts = {name: len(study.confirmed(name)) for name in study.optimizers}
    assert counts["RMSprop"] == 2 < max(counts.values())
    verdict = judge(study)
    assert verdict.leader in ("SGD", "Adam")
    assert list(verdict.standings)[-1] == "RMSprop"
    assert len(verdict.standings["RMSprop"].seeds) == 2


def test_without_a_race_all_get_the_same_seeds(tmp_path):
    surface = bowl(noise=0.002, worse={"RMSprop": 3.0})
    study = searched(FakeEngine(surface), tmp_path, THREE, race=False, trials=7, seeds=4)
    for name in study.optimizers:
        assert [t.config.seed for t in study.confirmed(name)] == [1, 2, 3, 4]


METRICS = {"metrics": ("accuracy", "own"), "directions": {"accuracy": "up"}}


def apart(config, epoch):
    """Loss says SGD, accuracy says Adam."""
    away = math.log10(float(config.hyperparameters["learning_rate"])) + 2
    adam = config.rule == "Adam"
    loss = 1.0 + adam + 0.01 * away**2
    return {"loss": loss, "accuracy": 0.5 + 0.3 * adam - 0.01 * away**2, "own": loss}


def test_a_metric_may_decide(tmp_path):
    by_loss = searched(FakeEngine(apart, **METRICS), tmp_path / "loss")
    by_metric = searched(FakeEngine(apart, **METRICS), tmp_path / "metric", metric="accuracy")
    assert by_metric.settings.maximize
    assert (judge(by_loss).leader, judge(by_metric).leader) == ("SGD", "Adam")
    down = searched(FakeEngine(apart, **METRICS), tmp_path / "d", metric="own", direction="down")
    assert judge(down).leader == "SGD"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"metric": "acuracy"}, "no metric 'acuracy'.*did you mean accuracy"),
        ({"metric": "own"}, "give a direction"),
        ({"metric": "own", "direction": "sideways"}, "'up' or 'down'"),
        ({"direction": "up"}, "a loss is minimized"),
    ],
)
def test_what_cannot_decide_is_said(asked, said, tmp_path):
    with pytest.raises(InputError, match=said):
        searched(FakeEngine(apart, **METRICS), tmp_path, **asked)
    assert not (tmp_path / "study.db").exists()


def test_the_end_and_the_best_epoch_choose_differently(tmp_path):
    def overfits(config, epoch):
        """Adam is best in the middle, and worst at the end."""
        away = math.log10(float(config.hyperparameters["learning_rate"])) + 2
        losses = 1.0 + 0.2 * (epoch - 4) ** 2 if config.rule == "Adam" else 3.0 - 0.1 * epoch
        return losses + 0.01 * away**2

    end = searched(FakeEngine(overfits), tmp_path / "end", at="end")
    best = searched(FakeEngine(overfits), tmp_path / "best", at="best")
    assert (judge(end).leader, judge(best).leader) == ("SGD", "Adam")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("10m", 600), ("1h30m", 5400), (90, 90), ("90 s", 90), ("1.5h", 5400), ("2 min", 120)],
)
def test_time_is_read(given, seconds):
    assert make_seconds(given) == seconds


@pytest.mark.parametrize("given", ["", "soon", "10x", "0", 0, -5, True, "1.2.3m", "m", "1e3"])
def test_time_must_be_a_time(given):
    with pytest.raises(InputError, match="but must be at least a second"):
        make_seconds(given)


@pytest.mark.parametrize(("given", "share"), [("1%", 0.01), ("5 %", 0.05), (0.02, 0.02), (0, 0)])
def test_what_matters_is_a_share(given, share):
    assert make_question("SGD", 9, practical=given)[1].practical == pytest.approx(share)


@pytest.mark.parametrize("given", ["much", "-1%", "150%", 2, True, None, "nan"])
def test_what_matters_must_be_a_share(given):
    with pytest.raises(InputError, match="must be a number from 0"):
        make_question("SGD", 9, practical=given)


def test_what_the_whole_study_may_cost():
    assert make_question(THREE, 9, full_trainings=6)[1].full_trainings == 6
    with pytest.raises(InputError, match="full_trainings is 5, but 3 optimizers take at least 6"):
        make_question(THREE, 9, full_trainings=5)
    with pytest.raises(InputError, match="give one of them"):
        make_question(THREE, 9, full_trainings=9, trials=9)
    for bad in ("much", True, math.nan):
        with pytest.raises(InputError, match="full_trainings is"):
            make_question(THREE, 9, full_trainings=bad)
