"""Edges: of a range that a person gave, of the rates that were tried, and of ranges that grew."""

import math
from dataclasses import replace

import numpy as np
from made import confirmed, study_of

from steepest.measures.verdict import judge
from steepest.records import Stage
from steepest.reports.advice import warnings
from steepest.spaces import Float, to_dict

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
RANGES = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}


def edges(study):
    return judge(study).standings["SGD"].edges


def searched(*rates, given=(), best=0.1, space=RANGES):
    """Return a study of today's search, in which these rates were tried at a momentum of 0.9."""
    study = study_of(SGD=0.9 + NOISE, rate=best, space=space)
    about = replace(study.optimizers["SGD"], given=given)
    tried = [
        replace(confirmed(90 + i, "SGD", 0, 0.9, rate=rate), stage=Stage.SEARCH)
        for i, rate in enumerate(rates)
    ]
    return replace(study, optimizers={"SGD": about}, trials=(*study.trials, *tried))


def at_momentum(study, momentum, *numbers):
    """Return the study with these trials at another momentum."""
    trials = []
    for one in study.trials:
        if one.number in numbers:
            values = {**one.config.hyperparameters, "momentum": momentum}
            one = replace(one, config=replace(one.config, hyperparameters=values))
        trials.append(one)
    return replace(study, trials=tuple(trials))


def test_the_highest_and_the_lowest_rate_that_was_tried_are_edges():
    assert edges(searched(0.04, 0.1)) == ("learning_rate",)
    assert edges(searched(0.1, 0.25)) == ("learning_rate",)
    assert edges(searched(0.04, 0.1, 0.25)) == ()


def test_an_edge_is_among_those_with_the_same_other_values():
    both = searched(0.04, 0.1, 0.25)
    assert edges(at_momentum(both, 0.5, 92)) == ("learning_rate",)
    assert edges(at_momentum(both, 0.5, 90, 92)) == ()  # a rate alone has no end


def test_a_range_of_ours_has_no_edge_and_that_of_a_person_has():
    """The start of a search may lie anywhere in our range, and its walk goes beyond it."""
    assert edges(searched(0.5, 0.95, 2.0, best=0.95)) == ()
    given = searched(0.5, 0.95, 0.99, best=0.95, given=("learning_rate",))
    assert edges(given) == ("learning_rate",)
    assert any("edge of the range that you gave" in one for one in warnings(given, judge(given)))
    momentum = {**RANGES, "momentum": to_dict(Float(0.0, 0.91))}
    assert edges(searched(0.04, 0.1, 0.25, space=momentum)) == ()
    assert edges(searched(0.04, 0.1, 0.25, space=momentum, given=("momentum",))) == ("momentum",)


# Searches before format 7 had ranges of ours, which grew where the best lay at an end.


def test_edges_of_old_searches_are_those_of_their_ranges():
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    inside = study_of(SGD=0.9 + NOISE, rate=0.03, space=ranges)
    outside = study_of(SGD=0.9 + NOISE, rate=0.99, space=ranges)
    assert edges(inside) == ()
    assert edges(outside) == ("learning_rate",)


def test_a_momentum_of_zero_is_no_edge():
    ranges = {"momentum": to_dict(Float(0.0, 0.99, log=True, complement=True))}
    study = study_of(SGD=0.9 + NOISE, space=ranges)  # at a momentum of 0.9
    low = replace(
        study,
        trials=tuple(
            replace(t, config=replace(t.config, hyperparameters={"momentum": 0.01}))
            for t in study.trials
        ),
    )
    assert edges(low) == ()


def test_where_the_search_lets_a_range_grow_is_its_edge():
    """The end of the search may see it for the first time, when no rung is left to look further."""
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    near = study_of(SGD=0.9 + NOISE, rate=10**-0.25, space=ranges)  # at 0.92 of the range
    assert edges(near) == ("learning_rate",)


def test_a_range_that_grew_ends_where_trials_end():
    """A best value beyond the first range that no trial went beyond has nothing known behind it."""
    asked = {"learning_rate": to_dict(Float(1e-3, 0.1, log=True))}
    study = study_of(SGD=0.9 + NOISE, rate=0.2, space=asked)
    wider = {"learning_rate": to_dict(Float(1e-3, 10.0, log=True))}
    study = replace(study, optimizers={"SGD": replace(study.optimizers["SGD"], expanded=wider)})
    tried = [replace(confirmed(90, "SGD", 0, 0.9, rate=0.15), stage=Stage.SEARCH)]
    narrow = replace(study, trials=(*study.trials, *tried))
    assert edges(narrow) == ("learning_rate",)
    tried.append(replace(confirmed(91, "SGD", 0, math.inf, rate=0.9), stage=Stage.SEARCH))
    wide = replace(study, trials=(*study.trials, *tried))
    assert edges(wide) == ()


def test_an_edge_is_noticed_where_time_ended_before_anything_was_confirmed():
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    study = study_of(SGD=[0.9], space=ranges)
    trial = replace(confirmed(0, "SGD", 0, 0.9, rate=0.99), stage=Stage.SEARCH)
    study = replace(study, trials=(trial,), finished=False)
    assert edges(study) == ()  # it goes on, and may look further
    cut = replace(study, stopped="the limit of 1 s cut the search short")
    assert edges(cut) == ("learning_rate",)
    notes = warnings(cut, judge(cut))
    assert any("0.99, lies at the edge of what was tried" in one for one in notes)


def test_edges_are_those_of_the_expanded_range():
    asked = {"learning_rate": to_dict(Float(1e-3, 0.1, log=True))}
    study = study_of(SGD=0.9 + NOISE, rate=0.1, space=asked)
    assert edges(study) == ("learning_rate",)
    wider = {"learning_rate": to_dict(Float(1e-3, 10.0, log=True))}
    study = replace(study, optimizers={"SGD": replace(study.optimizers["SGD"], expanded=wider)})
    assert edges(study) == ()
