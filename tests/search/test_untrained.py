"""The untrained loss is measured in every study, and trials that went wrong are held to it."""

from dataclasses import replace

import numpy as np
import pytest
from fake_engine import FakeEngine, FakeProgram, searched
from made_searches import trial

from steepest import storage
from steepest.errors import TrialError
from steepest.records import Curves, Outcome
from steepest.search.outcomes import let_go
from steepest.search.runner import Running


def halved(curve, untrained, training=None):
    """Return why a trial with this curve does not go on."""
    curves = Curves(
        tuple(range(1, len(curve) + 1)),
        tuple(range(1, len(curve) + 1)),
        tuple(training or curve),
        tuple(curve),
    )
    made = trial(0, {"learning_rate": 0.1}, curve)
    one = Running(replace(made, outcome=Outcome.UNFINISHED, curves=curves))

    class Checkpoints:
        def drop(self, number):
            pass

    let_go([one], Checkpoints(), untrained)
    return one.trial.outcome


@pytest.mark.parametrize(
    ("curve", "untrained", "said"),
    [
        ([5e4, 6e4], np.nan, Outcome.HALVED),  # as all trials begin so
        ([5e4, 6e4], 2.3, Outcome.EXPLODED),
        ([1e10, 9e9], 7e10, Outcome.HALVED),
        ([2.3], 2.3, Outcome.CONSTANT),  # after one epoch too
        ([2.3], np.nan, Outcome.HALVED),
        ([2.2], 2.3, Outcome.HALVED),
        ([2.3, 2.3], 2.3, Outcome.CONSTANT),
        ([2.3, 2.3], np.nan, Outcome.CONSTANT),
        ([0.1, 0.1], 2.3, Outcome.HALVED),  # learnt within the first epoch
    ],
)
def test_exploded_and_constant_are_held_to_the_untrained_loss(curve, untrained, said):
    assert halved(curve, untrained) is said


def test_it_is_measured_once_from_the_seed_of_the_search(tmp_path, monkeypatch):
    seen, usual = [], FakeProgram.measure
    monkeypatch.setattr(
        FakeProgram,
        "measure",
        lambda self, population, state, on: (
            seen.append((list(population.seeds), int(state.epoch.max()), on))
            or usual(self, population, state, on)
        ),
    )
    study = searched(FakeEngine(), tmp_path, seeds=1, trials=2, seed=3)
    assert seen == [([3000], 0, "validation")]
    assert study.initial == {"loss": 7.0} == storage.read(tmp_path).initial


def test_a_study_that_goes_on_keeps_it(tmp_path, monkeypatch):
    study = searched(FakeEngine(), tmp_path, seeds=1, trials=2)
    path = tmp_path / "study.db"
    storage.record(path, replace(study, complete=False), [])
    monkeypatch.setattr(FakeProgram, "measure", lambda *_: pytest.fail("it is known"))
    assert searched(FakeEngine(), tmp_path, seeds=1, trials=2).initial == {"loss": 7.0}


@pytest.mark.parametrize("error", [TrialError("no"), RuntimeError("no memory")])
def test_a_model_that_fails_at_it_is_left_to_its_trials(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(FakeProgram, "measure", fail)
    study = searched(FakeEngine(), tmp_path, seeds=1, trials=2)
    assert study.initial == {}
    assert study.finished
