"""The price of a study, in a line before it is paid."""

from dataclasses import replace

import pytest
from clocks import Clock
from fake_engine import FakeEngine
from planned import planned

from steepest.options import Options
from steepest.plan import make_plan
from steepest.search import search
from steepest.search.new_study import new_study
from steepest.search.price import price


def study_of(optimizers="SGD,Adam,RMSprop", **asked):
    return new_study(FakeEngine(), *planned(optimizers, 9, **asked))


def test_a_long_study_says_what_it_takes():
    said = price(study_of(), 120.0)
    assert said.startswith("26 trainings of about 2 min, 3 optimizers: about 52 min at the most")
    assert "--budget quick about 28 min" in said


def test_one_that_is_soon_done_says_nothing():
    assert price(study_of(), 2.0) == ""
    assert price(study_of(), 3.0)


def test_nothing_smaller_is_offered_where_there_is_none():
    assert "quick" not in price(study_of(budget="quick"), 600.0)


def test_seeds_that_were_asked_for_are_counted():
    study = study_of("SGD,Adam", seeds=40)
    said = price(study, 60.0)
    assert said.startswith(f"{round(2 * study.settings.search) + 80} trainings of about 60 s")


def test_a_limit_of_time_is_named():
    assert "the limit of time leaves 10 min" in price(study_of(time="10m"), 600.0)


def test_what_is_not_tuned_is_counted_as_seeds():
    said = price(study_of("SGD(learning_rate=0.1,momentum=0.9),Adam"), 600.0)
    assert "2 optimizers" in said


@pytest.mark.xdist_group("clock")
@pytest.mark.parametrize("sleep", [0.001, 100.0])
def test_it_is_told_once_as_soon_as_the_first_epochs_were_trained(sleep, tmp_path, monkeypatch):
    clock, heard = Clock(), []
    monkeypatch.setattr("steepest.budget.clock", clock)
    engine = FakeEngine(sleep=sleep, clock=clock)
    found, settings = make_plan(Options(optimizers="SGD,Adam", budget="quick"), engine.facts)

    def watch(phase, budget):
        if budget.price and not heard:
            heard.append((budget.price, budget.spent))

    study = search(engine, found, replace(settings), tmp_path / "study.db", watch)
    if sleep < 1:
        assert heard == []
        return
    ((said, spent),) = heard
    assert said == price(study, 900.0)
    assert spent < study.task.epochs


def test_how_far_compiling_is_is_told(tmp_path):
    heard = []
    engine = FakeEngine()
    found, settings = make_plan(Options(optimizers="SGD,Adam,RMSprop"), engine.facts)
    search(engine, found, settings, tmp_path / "study.db", lambda phase, _: heard.append(phase))
    phases = [phase for phase in heard if phase]
    at = phases.index("compiling 3 programs")
    assert phases[at + 1 : at + 3] == [
        "compiling: 1 of 3 programs are ready",
        "compiling: 2 of 3 programs are ready",
    ]
