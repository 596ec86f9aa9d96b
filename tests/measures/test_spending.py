"""Where the budget went, on hand-made studies."""

from dataclasses import replace

import pytest
from made import STUDY, study_of

from steepest.measures.spending import spent
from steepest.records import Outcome, Stage


def test_by_optimizer_and_stage():
    study = study_of(SGD=[0.1, float("inf")], Adam=[0.2, 0.3])
    first, *rest = study.trials
    study = replace(
        study, trials=(replace(first, stage=Stage.SEARCH, outcome=Outcome.HALVED), *rest)
    )
    found = spent(study)
    assert list(found.optimizers) == ["SGD", "Adam"]
    assert list(found.optimizers["SGD"]) == [Stage.SEARCH, Stage.CONFIRM]
    assert found.optimizers["SGD"][Stage.SEARCH].outcomes == {Outcome.HALVED: 1}
    assert found.optimizers["SGD"][Stage.CONFIRM].outcomes == {Outcome.DIVERGED: 1}
    adam = found.optimizers["Adam"][Stage.CONFIRM]
    assert (adam.trials, adam.epochs, adam.seconds) == (2, 4, 1.0)
    assert (found.total.trials, found.total.epochs, found.full_trainings) == (4, 8, 4)
    every = [one for stages in found.optimizers.values() for one in stages.values()]
    assert sum(one.seconds for one in every) == pytest.approx(found.total.seconds)
    assert found.overhead == pytest.approx(12.5 - 2.0 - 2.0)


def test_side_by_side_there_is_no_overhead_below_zero():
    study = replace(study_of(SGD=[0.1, 0.2]), seconds=0.6, compile_seconds=0.5)
    assert spent(study).overhead == 0


def test_nothing_was_spent():
    found = spent(STUDY)
    assert (found.optimizers, found.total.trials) == ({"SGD": {}}, 0)
