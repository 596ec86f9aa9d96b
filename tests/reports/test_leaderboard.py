"""The leaderboard: a row an optimizer, with the verdict's own numbers and words."""

import sys
from dataclasses import replace

import made
import pytest

import steepest
from steepest.errors import InputError
from steepest.reports.board import board
from steepest.reports.leaderboard import on_front

STUDY = made.study_of(SGD=[1.0, 1.1, 1.2], Adam=[2.0, 2.1, 2.2], Lost=[1.0, float("inf"), 1.0])


def with_baseline():
    optimizers = {**STUDY.optimizers}
    optimizers["Adam"] = replace(optimizers["Adam"], baseline=True)
    return replace(STUDY, optimizers=optimizers)


def test_numbers_are_the_verdict_s_and_words_the_table_s(tmp_path):
    pytest.importorskip("pandas")
    study = steepest.Study(with_baseline(), tmp_path)
    frame = study.leaderboard().set_index("optimizer")
    shown = board(study.record, study.verdict)
    assert list(frame.index) == list(shown.names)
    assert list(frame["state"]) == [row[-1] for row in shown.rows]
    for name, one in study.verdict.standings.items():
        row = frame.loc[name]
        assert row["chance"] == one.probability
        if one.value.mean is not None:
            assert (row["value"], row["value_low"]) == (one.value.mean, one.value.low)
            assert row["test_loss"] == one.test["loss"].mean
    assert frame.loc["SGD", "gain"] == pytest.approx(1.0)  # 2.1 − 1.1
    assert frame["gain"].isna()["Adam"]  # is what is used today
    assert frame.loc["SGD", "seconds"] == 0.5
    assert frame.loc["SGD", "pareto"]  # as many seconds as Adam, and better
    assert not frame.loc["Adam", "pareto"]
    assert frame["pareto"].isna()["Lost"]


def test_the_front_has_who_is_beaten_by_none_in_both():
    places = {"a": (1.0, 9.0), "b": (2.0, 3.0), "c": (2.0, 4.0), "d": (2.5, 8.0), "e": (1.0, 9.0)}
    assert [n for n in places if on_front(places, n)] == ["a", "b", "e"]
    assert on_front(places, "f") is None


def test_without_pandas_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"leaderboard needs pandas.*steepest\[pandas\]"):
        steepest.Study(STUDY, tmp_path).leaderboard()
