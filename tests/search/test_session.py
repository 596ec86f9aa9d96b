"""A study changes through its session's methods alone."""

from dataclasses import replace

import pytest
from fake_engine import FakeEngine
from made import STUDY

from steepest.search.session import Session


def session(tmp_path):
    return Session(FakeEngine(), STUDY, tmp_path / "study.db", lambda *_: None, None)


def test_the_study_is_not_replaced_from_outside(tmp_path):
    one = session(tmp_path)
    with pytest.raises(AttributeError):
        one.study = replace(one.study, stopped="by somebody")
    assert one.study is STUDY


def test_what_is_noted_is_in_the_study(tmp_path):
    one = session(tmp_path)
    one.note(initial={"loss": 2.5})
    one.note(update_seconds={"SGD": (1e-3, 2e-3)})
    one.cut("time was over")
    assert (one.study.initial, one.study.stopped) == ({"loss": 2.5}, "time was over")
    assert one.study.update_seconds == {"SGD": (1e-3, 2e-3)}
