"""The screen: everything on it, and no control characters where there is no terminal."""

import numpy as np
from made import STUDY, study_of

from steepest.measures.verdict import judge
from steepest.reports.terminal import text


def test_the_story_is_told():
    study = study_of(SGD=1.0 + np.array([0.01, -0.02, 0.0]), Adam=[0.5, 0.51, 0.52])
    told = text(study, judge(study))
    assert "\x1b" not in told
    for part in ("toy", "SGD", "Adam", "Adam wins", "keras.optimizers.SGD(", "6.0 full"):
        assert part in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_study_without_confirmed_runs_is_told():
    told = text(STUDY, judge(STUDY))
    assert "none finished" in told
    assert "no verdict" in told


def test_names_are_shown_as_they_are():
    study = study_of(**{"SGD[bold]": [0.5, 0.6], "[/red]": [0.7, 0.9]})
    told = text(study, judge(study))
    assert "SGD[bold]" in told
    assert "[/red]" in told


def test_numbers_near_one_keep_their_distance_from_it():
    from steepest.reports.terminal import number

    assert number(0.9995) == "0.9995"
    assert number(0.99999) == "0.99999"
    assert number(0.92082) == "0.921"
    assert number(1e-7) == "1e-07"
    assert number(0.0027106) == "0.00271"
