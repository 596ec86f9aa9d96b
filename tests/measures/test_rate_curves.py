"""Curves of results against the learning rate, from the trainings of a search that walked."""

import math
from dataclasses import replace

import pytest
from made_searches import flat, search_study, sweep_of, trial
from walked import walked_study

from steepest.measures.rate_curves import rate_curve
from steepest.records import Outcome, Stage

SGD = {"momentum": 0.9}


def at(number, rate, end, epochs=4, others=SGD, **more):
    values = {"learning_rate": rate, **others}
    return trial(number, values, flat(end, epochs), **more)


def curve(*trials, **more):
    return rate_curve(search_study(list(trials), **more), "SGD")


def test_full_and_half_are_apart_and_only_the_rate_differs():
    found = curve(
        at(0, 0.01, 2.0, epochs=2),
        at(1, 0.1, 1.5, epochs=2),
        at(2, 0.1, 0.9, epochs=2, others={"momentum": 0.5}),
        at(3, 0.1, 0.7),
        at(4, 0.04, 0.8),
        at(5, 0.1, 1.0, others={"momentum": 0.5}),
        at(6, 0.1, 0.6, stage=Stage.CONFIRM, seed=1),
    )
    assert [(a.rate, a.results) for a in found.full] == [(0.04, (0.8,)), (0.1, (0.7, 0.6))]
    # Those of full length had a value after half of it too.
    assert [(a.rate, a.results) for a in found.half] == [
        (0.01, (2.0,)),
        (0.04, (0.8,)),
        (0.1, (1.5, 0.7)),
    ]
    assert [(a.rate, a.results) for a in found.others] == [(0.1, (1.0,))]
    assert (found.best.results, found.half_epochs) == ((0.6,), 2)
    assert (found.default, found.edge, found.lost) == (None, None, ())


def test_where_it_begins_to_diverge():
    lost = {"learning_rate": 0.4, **SGD}
    found = curve(
        at(0, 0.1, 0.7),
        trial(1, lost, [2.0, math.nan]),
        trial(2, {**lost, "learning_rate": 0.2}, [math.nan]),
        trial(3, {**lost, "learning_rate": 0.001}, [math.nan]),  # by chance
        trial(4, {"learning_rate": 0.15, "momentum": 0.99}, [math.nan]),  # another configuration
    )
    assert found.edge == 0.2
    assert found.lost == ((0.001, 3), (0.2, 2), (0.4, 1))


def test_one_that_failed_is_no_edge():
    broken = replace(at(1, 0.3, 1.0), outcome=Outcome.FAILED)
    found = curve(at(0, 0.1, 0.7), broken)
    assert (found.edge, found.lost) == (None, ((0.3, 1),))


def test_a_sweep_stands_alone():
    swept = sweep_of(lambda x, seed: 1 + x * x + seed, sides=2, seeds=(1, 2))
    swept = [replace(t, number=i + 1) for i, t in enumerate(swept)]
    found = curve(at(0, 0.02, 9.0), *swept)
    assert [len(a.results) for a in found.full] == [2] * 5
    assert [a.trials for a in found.others] == [(0,)]
    assert found.best.mean == pytest.approx(2.5)


def test_none_without_a_rate_or_a_trial():
    assert curve() is None
    assert curve(trial(0, {"momentum": 0.9}, flat(1.0))) is None


@pytest.mark.parametrize("upto", [None, 5, 14, 35])
def test_a_study_that_walked(upto):
    study = walked_study(upto=upto)
    for name in study.optimizers:
        found = rate_curve(study, name)
        if found is None:
            assert not any(t.optimizer == name for t in study.trials)
            continue
        rates = [a.rate for a in found.full]
        assert rates == sorted(set(rates))
        mine = {t.number for t in study.trials if t.optimizer == name}
        assert {n for a in (*found.full, *found.half) for n in a.trials} <= mine
    if upto is None:
        found = rate_curve(study, "SGD")
        assert len(found.full) == 4
        assert len(found.half) > 4
        assert found.default.rate == 0.01
        best = next(a for a in found.full if a.rate == pytest.approx(found.best.rate))
        assert len(best.results) == 6  # the search's, and five fresh seeds
