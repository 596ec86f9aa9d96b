"""Whole studies by a formula: schedules, time, the race, what decides, the budget."""

import math
from dataclasses import replace

import pytest
from clocks import Clock
from fake_engine import STEPS_PER_EPOCH, FakeEngine, bowl, searched
from planned import planned

from steepest import storage
from steepest.amounts import make_seconds
from steepest.errors import InputError
from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage, Trivial
from steepest.rules.schedules import factor, schedule_numbers
from steepest.search import search
from steepest.statistics import LOOKS
from steepest.study import Study

THREE = "SGD,Adam,RMSprop"


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_half_length_training_has_a_schedule_of_its_own(schedule, tmp_path):
    engine = FakeEngine(bowl(noise=0.01))
    study = searched(engine, tmp_path, schedule=schedule, recipe={"warmup": 0.1}, full_trainings=24)
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
    for one in Study(study, tmp_path).optimizers.values():
        assert "decay_steps" not in one.hyperparameters


def test_a_schedule_takes_no_configurations_from_the_search(tmp_path):
    """And a number of trials that a person gives is the most that are tried."""

    def tried(study):
        some = [t for t in study.trials if t.stage is Stage.SEARCH and t.optimizer == "Adam"]
        return len({t.config.hyperparameters["learning_rate"] for t in some})

    (tmp_path / "few").mkdir()
    engine = FakeEngine(bowl(noise=0.01))
    assert tried(searched(engine, tmp_path, schedule="cosine", full_trainings=36)) > 5
    assert tried(searched(FakeEngine(bowl()), tmp_path / "few", trials=4)) == 4


def test_a_length_that_a_person_gave_stays(tmp_path):
    own = {"SGD": {"schedule": "cosine", "decay_steps": 50.0}, "Adam": {"schedule": "cosine"}}
    study = searched(FakeEngine(bowl(noise=0.01)), tmp_path, own, full_trainings=16)
    for trial in study.trials:
        if trial.optimizer == "SGD":
            assert trial.config.hyperparameters["decay_steps"] == 50.0


def test_a_constant_rate_goes_on_where_it_was(tmp_path):
    study = searched(FakeEngine(bowl(noise=0.01)), tmp_path, full_trainings=16)
    assert not any("decay_steps" in t.config.hyperparameters for t in study.trials)
    assert not any(t.outcome is Outcome.SHORT for t in study.trials)


@pytest.mark.parametrize("epochs", [1, 2, 4, 7, 10])
@pytest.mark.parametrize("asked", [{"budget": "quick"}, {"full_trainings": 9}])
def test_a_budget_is_kept(epochs, asked, tmp_path):
    study = searched(FakeEngine(bowl(noise=0.05), epochs), tmp_path, THREE, **asked)
    assert study.full_trainings <= study.planned.full_trainings
    assert study.finished
    assert all(study.confirmed(name) for name in study.optimizers)


def test_the_same_seed_gives_the_same_trials(tmp_path):
    studies = []
    for name in ("a", "b"):
        study = searched(FakeEngine(bowl(noise=0.05)), tmp_path / name, seed=3, full_trainings=24)
        studies.append([(t.config, t.curves, t.outcome) for t in study.trials])
    assert studies[0] == studies[1]


@pytest.mark.xdist_group("clock")
@pytest.mark.parametrize("seconds", [1, 3])
def test_a_study_ends_with_its_time(seconds, tmp_path, monkeypatch):
    """However early: a limit that ends in the search still confirms what it can."""
    clock = Clock()
    monkeypatch.setattr("steepest.budget.clock", clock)
    engine = FakeEngine(bowl(noise=0.01), sleep=0.02, clock=clock)
    study = searched(engine, tmp_path, THREE, budget="thorough", time=seconds)
    assert bool(study.stopped) == (seconds == 1)  # 3 s are time enough for a small study
    assert storage.read(tmp_path / "study.db") == study
    assert study.full_trainings < study.settings.full_trainings  # not everything was trained
    assert judge(study).standings.keys() == study.optimizers.keys()
    assert any(t.stage is Stage.CONFIRM for t in study.trials)
    assert str(Study(study, tmp_path))


def test_who_is_far_behind_gets_fewer_seeds(tmp_path):
    surface = bowl(noise=0.002, worse={"RMSprop": 3.0})
    study = searched(FakeEngine(surface), tmp_path, THREE, trials=9, seeds=8)
    counts = {name: len(study.confirmed(name)) for name in study.optimizers}
    assert counts["RMSprop"] == LOOKS[0] < max(counts.values())
    verdict = judge(study)
    assert verdict.leader in ("SGD", "Adam")
    assert list(verdict.standings)[-1] == "RMSprop"
    assert len(verdict.standings["RMSprop"].seeds) == LOOKS[0]


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
    few = {"full_trainings": 20}
    by_loss = searched(FakeEngine(apart, **METRICS), tmp_path / "loss", **few)
    by_metric = searched(FakeEngine(apart, **METRICS), tmp_path / "m", metric="accuracy", **few)
    assert by_metric.settings.maximize
    assert (judge(by_loss).leader, judge(by_metric).leader) == ("SGD", "Adam")
    own = {"metric": "own", "direction": "down"}
    down = searched(FakeEngine(apart, **METRICS), tmp_path / "d", **own, **few)
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

    end = searched(FakeEngine(overfits), tmp_path / "end", at="end", full_trainings=20)
    best = searched(FakeEngine(overfits), tmp_path / "best", at="best", full_trainings=20)
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
    found = planned("SGD", 9, practical=given)[1]
    assert (found.practical, found.practical_errors) == (pytest.approx(share),) * 2


def test_what_matters_by_default_is_3_per_cent_of_a_loss_and_a_tenth_of_the_errors():
    found = planned("SGD", 9)[1]
    assert found.matters(2.0) == pytest.approx(0.06)
    assert replace(found, maximize=True).matters(0.98) == pytest.approx(0.002)


@pytest.mark.parametrize("given", ["much", "-1%", "150%", 2, True, "nan"])
def test_what_matters_must_be_a_share(given):
    with pytest.raises(InputError, match="must be a number from 0"):
        planned("SGD", 9, practical=given)


def test_what_the_whole_study_may_cost():
    assert planned(THREE, 9, full_trainings=6)[1].full_trainings == 6
    assert planned(THREE, 9, full_trainings=1)[1].full_trainings == 1  # a pilot
    with pytest.raises(InputError, match=r"full_trainings is 0\.9, but must be 1 at the least"):
        planned(THREE, 9, full_trainings=0.9)
    with pytest.raises(InputError, match="give one of them"):
        planned(THREE, 9, full_trainings=9, trials=9)
    for bad in ("much", True, math.nan):
        with pytest.raises(InputError, match="full_trainings is"):
            planned(THREE, 9, full_trainings=bad)


def test_a_limit_that_is_over_before_anything_is_trained_is_said(tmp_path, monkeypatch, caplog):
    clock = Clock()
    monkeypatch.setattr("steepest.budget.clock", clock)
    engine = FakeEngine(clock=clock)
    compiled = engine.prepare
    engine.prepare = lambda *asked: clock.sleep(5) or compiled(*asked)
    study = searched(engine, tmp_path, time=3)
    assert not any(trial.epochs for trial in study.trials)
    assert "the limit of 3 s, of all runs of the study together, was over after 5 s" in caplog.text


def test_another_question_is_told_in_the_words_of_the_options(tmp_path):
    searched(FakeEngine(bowl(), **METRICS), tmp_path, budget="quick")
    with pytest.raises(InputError, match=r"What differs: budget: quick then, standard now$"):
        searched(FakeEngine(bowl(), **METRICS), tmp_path, budget="standard")
    with pytest.raises(InputError, match=r"What differs: metric: not given then, accuracy now$"):
        searched(FakeEngine(bowl(), **METRICS), tmp_path, budget="quick", metric="accuracy")


def test_nobody_has_gaps_between_seeds(tmp_path):
    """Who was behind at one look and is open again at a later one catches up: runs are compared
    seed by seed."""
    first = {"SGD": (1.0, 1.0, 1.0), "Adam": (1.1, 1.02, 0.88), "RMSprop": (1.1, 1.1, 1.1)}

    def surface(config, epoch):
        """SGD is ahead of RMSprop on three seeds; then it falls behind Adam."""
        if not 1 <= config.seed <= 90:
            return 2.0
        later = 9.0 if config.rule == "SGD" else 1.0 + 0.1 * (config.seed % 2)
        return first[config.rule][config.seed - 1] if config.seed <= 3 else later

    study = searched(FakeEngine(surface), tmp_path, THREE, full_trainings=120, practical="3%")
    numbers = {t.config.seed: t.number for t in study.confirmed("Adam")}
    late = [t for t in study.confirmed("RMSprop") if t.number > numbers[5]]
    assert [t.config.seed for t in late][:2] == [4, 5]
    for name in study.optimizers:
        seeds = [t.config.seed for t in study.confirmed(name)]
        assert seeds == list(range(1, len(seeds) + 1))


# More seeds


def confirmed(study):
    """Return the trials of a study that more seeds may not change: those of the search, and of
    each optimizer on each seed."""
    return {
        (
            t.optimizer,
            t.stage,
            t.config.seed,
            repr(sorted(t.config.hyperparameters.items())),
        ): t.curves
        for t in study.trials
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"full_trainings": 14},
        {"full_trainings": 24},
        {"full_trainings": 11},
        {"trials": 6},
        {"trials": 5, "seeds": 4},
        {"full_trainings": 16, "schedule": "cosine"},
    ],
    ids=repr,
)
def test_a_finished_study_gets_more_seeds_and_keeps_its_trials(asked, tmp_path):
    """Also twice, as long as nothing is decided; asked for once more, it is as it is."""

    def again(**more):
        engine = FakeEngine(bowl(noise=0.5))
        study = searched(engine, tmp_path, THREE, **{**asked, **more})
        return study, engine.advanced

    before, _ = again()
    assert before.finished
    had = max(len(before.confirmed(name)) for name in before.optimizers)
    for seeds in (10, 20):
        study, trained = again(seeds=seeds)
        assert study.finished
        if not trained:  # it was decided before
            assert seeds == 20
            break
        assert confirmed(before).items() <= confirmed(study).items()
        assert storage.read(tmp_path) == study
        assert max(study.judged) == had
        fresh = {config.seed for config, _ in trained}
        assert min(fresh) > min(len(before.confirmed(name)) for name in before.optimizers)
        assert again(seeds=seeds) == (study, [])  # nothing is left to train
        had = max(len(study.confirmed(name)) for name in study.optimizers)
        assert had > max(study.judged)
        assert {t.number for t in study.trials} == set(range(len(study.trials)))
        before = study


def test_more_seeds_go_to_those_that_are_open_alone(tmp_path):
    surface = bowl(noise=0.1, worse={"RMSprop": 30.0})
    before = searched(FakeEngine(surface), tmp_path, THREE, full_trainings=30)
    study = searched(FakeEngine(surface), tmp_path, THREE, full_trainings=30, seeds=12)
    assert len(study.confirmed("RMSprop")) == len(before.confirmed("RMSprop"))
    assert len(study.confirmed("Adam")) > len(before.confirmed("Adam"))


def test_fewer_seeds_than_there_are_change_nothing(tmp_path):
    before = searched(FakeEngine(bowl(noise=0.5)), tmp_path, full_trainings=30)
    study = searched(FakeEngine(bowl(noise=0.5)), tmp_path, full_trainings=30, seeds=2)
    assert study == before


def test_without_the_seeds_that_it_was_given_it_is_another_question(tmp_path):
    searched(FakeEngine(), tmp_path, budget="quick", seeds=3)
    with pytest.raises(InputError, match=r"What differs: seeds: 3 then, not given now$"):
        searched(FakeEngine(), tmp_path, budget="quick")


@pytest.mark.parametrize("at", range(1, 60, 4))
def test_more_seeds_that_were_stopped_go_on(at, tmp_path):
    """At any epoch: to the study that it would have been."""
    usual = bowl(noise=0.5)

    def run(place, stop=None, **asked):
        trained = []

        def surface(config, epoch):
            trained.append(1)
            if len(trained) == stop:
                raise KeyboardInterrupt
            return usual(config, epoch)

        return searched(FakeEngine(surface), place, THREE, full_trainings=22, **asked)

    run(tmp_path / "whole")
    whole = run(tmp_path / "whole", seeds=8)
    run(tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", stop=at, seeds=8)
    study = run(tmp_path / "cut", seeds=8)
    assert confirmed(study) == confirmed(whole)
    assert (study.judged, study.planned.search) == (whole.judged, whole.planned.search)
    assert [t.number for t in study.trials] == [t.number for t in whole.trials]


@pytest.mark.parametrize("baseline", [None, "keras.optimizers.Adam(0.002)"])
def test_a_study_of_long_trainings_trains_the_defaults_too(baseline, tmp_path):
    """A budget of eight trainings an optimizer keeps one of each optimizer's defaults."""
    found, settings = planned(THREE, 10, baseline=baseline)
    settings = replace(settings, buys=None)  # as where trainings take minutes
    engine = FakeEngine(bowl(noise=0.05), 10)
    study = search(engine, found, settings, tmp_path / "study.db", lambda *_: None)
    assert study.full_trainings <= settings.full_trainings
    for name in THREE.split(","):
        (usual,) = [t for t in study.trials if t.optimizer == name and t.stage is Stage.DEFAULT]
        assert usual.config.seed == study.confirmed(name)[0].config.seed
        assert len(study.confirmed(name)) >= 2


def test_the_best_of_several_seeds_is_by_the_mean_of_the_last_evaluations(tmp_path):
    """And what is written and told stays what each trial ended at."""
    engine = FakeEngine(bowl(noise=0.6, floor=3.0))
    study = searched(engine, tmp_path, "SGD", budget="thorough", seeds=3, seed=1)
    by_values = {}
    for trial in study.trials:
        if trial.stage is Stage.SEARCH and trial.epochs == study.task.epochs:
            values = tuple(sorted(trial.config.hyperparameters.items()))
            by_values.setdefault(values, []).append(trial)
    most = max(map(len, by_values.values()))
    assert most == 8  # of two, seven more seeds
    finalists = {v: trials for v, trials in by_values.items() if len(trials) == most}

    def mean(count):
        """Return who is best by the mean of so many last evaluations."""
        return min(
            finalists,
            key=lambda v: sum(sum(t.curves.validation_loss[-count:]) for t in finalists[v]),
        )

    (chosen,) = {tuple(sorted(t.config.hyperparameters.items())) for t in study.confirmed("SGD")}
    assert chosen == mean(2) != mean(1)
    ends = [t.curves.validation_loss[-1] for t in study.confirmed("SGD")]
    assert judge(study).standings["SGD"].value.values == pytest.approx(ends)


@pytest.mark.parametrize("decides", ["loss", "accuracy"])
def test_where_little_is_learnt_a_small_budget_goes_to_rates_far_apart(decides, tmp_path):
    """By the task's trivial predictor, whichever way is better."""

    def late(config, epoch):
        """Learns nothing near 10^-2.5, and a decade and a half above it in the last epochs."""
        values = config.hyperparameters
        rate = math.log10(float(values["learning_rate"]) / (1 - float(values.get("momentum", 0))))
        learns = abs(rate + 0.4) < 0.6 and epoch > 6
        loss = 0.2 if learns else 0.69 + max(0.0, rate + 2.5) / 10
        return {"loss": loss, "accuracy": 1 - loss, "training_loss": 0.6}

    def best(known, weighed=False):
        engine = FakeEngine(late, metrics=["accuracy"], directions={"accuracy": "up"})
        if known:
            values = {"loss": 0.69, "accuracy": 0.31}
            trivial = Trivial("the most common class", values, weighed=weighed)
            engine.facts = replace(engine.facts, trivial=trivial)
        place = tmp_path / f"{known}-{weighed}"
        place.mkdir()
        asked = {"full_trainings": 18, "metric": decides}
        study = searched(engine, place, "Adam,SGD", **asked)
        return min(t.watched("loss")[-1] for t in study.trials if t.epochs == engine.facts.epochs)

    unknown, known = best(False), best(True)
    assert (unknown, known) == (pytest.approx(0.69, abs=0.1), pytest.approx(0.2))
    # Where training alone is weighed, it is no floor of what a training gets.
    assert best(True, weighed=True) == unknown
