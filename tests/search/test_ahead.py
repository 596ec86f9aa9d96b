"""Trainings ahead of what is asked for: the same study, sooner; by simulated workers."""

import math

import cluster_simulation
import pytest
from cluster_simulation import Clock, Cluster
from fake_engine import FakeEngine, bowl, searched
from faults.same import differences

from steepest import budget
from steepest.signals import Stopped
from steepest.workers import driver, team
from steepest.workers.remote import RemoteEngine

ASKED = {"optimizers": "SGD,Adam", "full_trainings": 20}


def steep(config, epoch):
    """A bowl beyond whose rim a training diverges after some epochs."""
    found = bowl(noise=0.03, worse={"SGD": 0.1})(config, epoch)
    rate = float(config.hyperparameters["learning_rate"])
    return math.nan if rate > 0.05 and epoch > 1 else found


@pytest.fixture
def by_workers(monkeypatch):
    """Return what runs a study by so many workers; it returns the study, and the hours it took."""
    monkeypatch.setenv("STEEPEST_CHECKPOINT", "1e12")
    monkeypatch.setattr(driver, "LOOK", cluster_simulation.LOOK)
    monkeypatch.setattr(cluster_simulation, "COMPILING", 5.0)

    def run(path, count, ahead, surface=steep, watch=lambda *_: None, **more):
        clock = Clock()
        for module, name in ((driver, "time"), (team, "time"), (budget, "clock")):
            monkeypatch.setattr(module, name, clock)
        here = FakeEngine(surface, epochs=10)
        engine = RemoteEngine(here, Cluster(count, here, clock), ahead=ahead)
        path.mkdir(exist_ok=True)
        study = searched(engine, path, watch=watch, **ASKED, **more)
        return study, clock.now / 3600

    return run


def apart(one, other):
    """Return what differs beside who trained."""
    return [d for d in differences(one, other) if "hardware" not in d]


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_study_is_the_same_and_is_done_sooner(schedule, by_workers, tmp_path):
    """Also where what goes on is trained anew, with a schedule of another length."""
    usual, hours = by_workers(tmp_path / "usual", 12, ahead=False, schedule=schedule)
    study, sooner = by_workers(tmp_path / "ahead", 12, ahead=True, schedule=schedule)
    assert not differences(usual, study)
    assert sooner < 0.7 * hours
    assert not list((tmp_path / "ahead").glob("states/*"))
    here = FakeEngine(steep, epochs=10)
    (tmp_path / "here").mkdir()
    assert not apart(searched(here, tmp_path / "here", **ASKED, schedule=schedule), study)


def test_a_study_that_is_stopped_goes_on_without_workers(by_workers, tmp_path):
    """What was trained ahead is lost then, and nothing else."""
    told = []

    def stop(text, spent):
        told.append(text)
        if spent.spent > 40:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Stopped)):
        by_workers(tmp_path, 12, ahead=True, watch=stop)
    assert told
    whole = searched(FakeEngine(steep, epochs=10), tmp_path, **ASKED)
    usual, _ = by_workers(tmp_path / "usual", 3, ahead=False)
    assert not [one for one in apart(usual, whole) if "asked" not in one]


def test_what_fails_ahead_fails_where_it_is_asked_for(by_workers, tmp_path, monkeypatch):
    """And it is told of once, with its own number."""
    usual = cluster_simulation.Trained

    def weak(parts, failed, *more):
        rate = by[0].hyperparameters["learning_rate"]
        return usual([], {0: "no such rate"}, *more) if rate > 0.02 else usual(parts, failed, *more)

    by, value = [None], cluster_simulation.Slice.from_bytes

    def read(message):
        one = value(message)
        by[0] = one.configs[0]
        return one

    monkeypatch.setattr(cluster_simulation, "Trained", weak)
    monkeypatch.setattr(cluster_simulation.Slice, "from_bytes", read)
    found = [
        by_workers(tmp_path / str(ahead), 12, ahead, surface=bowl(noise=0.03))[0]
        for ahead in (False, True)
    ]
    assert not differences(*found)
    assert any(trial.reason == "no such rate" for trial in found[1].trials)
