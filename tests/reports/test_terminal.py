"""The screen: everything on it, and no control characters where there is no terminal."""

from dataclasses import replace

import numpy as np
from made import STUDY, study_of

from steepest.measures.verdict import judge
from steepest.reports.terminal import text


def test_the_story_is_told():
    study = study_of(SGD=1.0 + np.array([0.01, -0.02, 0.0]), Adam=[0.5, 0.51, 0.52])
    told = text(study, judge(study))
    assert "\x1b" not in told
    for part in ("toy", "SGD", "Adam", "Adam, by", "keras.optimizers.SGD(", "6.0 full"):
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


def test_the_table_fits_with_many_metrics_and_a_long_name():
    study = study_of(
        **{"SGD(nesterov=True, momentum=0.9)": [1.0, 1.1, 1.2], "Adam": [0.5, 0.6, 0.55]}
    )
    many = ("mae", *(f"a_metric_of_some_length_{i}" for i in range(4)))
    trials = tuple(
        replace(t, curves=replace(t.curves, metrics=dict.fromkeys(many, (0.98765, 0.98765))))
        for t in study.trials
    )
    study = replace(study, task=replace(study.task, metrics=many), trials=trials)
    told = text(study, judge(study))
    assert max(map(len, told.splitlines())) <= 100
    table = told.split("\n\n")[1].splitlines()
    assert len(table) == 3  # nothing wraps
    for part in ("validation loss", "seeds", "chance"):
        assert part in table[0]


def test_both_losses_are_shown_and_which_decided_is_said():
    study = study_of(SGD=[2.3, 2.4, 2.5], Adam=[2.1, 2.2, 2.15])
    told = text(study, judge(study))
    assert "at best epoch" in told
    assert "2.0000 ± 0.0000" in told
    assert "Validation loss decides." in told
    study = replace(study, settings=replace(study.settings, decides="mae", maximize=True))
    told = text(study, judge(study))
    assert "validation mae  validation loss" in told.replace("   ", "  ")
    assert "Validation mae decides." in told
