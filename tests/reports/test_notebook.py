"""A study shows itself in a notebook: markup of ours alone, and a line that moves."""

import io
import math
import sys
import types
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import made
import pytest
from rich.console import Console

import steepest
from steepest.budget import Budget
from steepest.measures.verdict import judge
from steepest.reports.notebook import notebook
from steepest.reports.progress import live

HOSTILE = "<script>alert(1)</script>"
VOID = {"br", "meta"}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""

    def handle_starttag(self, tag, attrs):
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(study):
    tags = Tags()
    tags.feed(notebook(study, judge(study)))
    assert tags.open == []
    assert "script" not in tags.seen
    return tags.text


def test_it_tells_the_story_with_code():
    text = read(made.study_of(SGD=(0.5, 0.51, 0.52), Adam=(0.7, 0.71, 0.72)))
    assert "Use SGD(learning_rate=0.1, momentum=0.9): validation loss 0.510 ± " in text
    assert "keras.optimizers.SGD(" in text
    assert "0.510 ± " in text


@pytest.mark.parametrize("finished", [False, True])
def test_every_study_survives_and_names_stay_text(finished):
    study = made.study_of(finished=finished, **{HOSTILE: (0.5, math.nan), "Adam": (1, 2)})
    study = replace(study, task=replace(study.task, name=HOSTILE, notes=(HOSTILE,)))
    assert read(study).count(HOSTILE) >= 3
    assert "not confirmed" in read(replace(study, trials=(), finished=True))
    read(replace(study, trials=(), finished=False))
    read(replace(study, settings=replace(study.settings, decides="mae", maximize=True, at="best")))


def test_a_comparison_is_shown_by_it():
    study = made.study_of(SGD=(0.5, 0.6))
    shown = steepest.Study(study, Path("x"))._repr_html_()
    assert shown == notebook(study, judge(study), Path("."))


def test_it_says_where_the_report_is(tmp_path):
    study = steepest.Study(made.study_of(SGD=(0.5, 0.6)), tmp_path / "study.db")
    assert "report.html" not in study._repr_html_() + str(study)
    (tmp_path / "report.html").write_text("")
    for shown in (study._repr_html_(), str(study)):
        assert f"Report: {tmp_path / 'report.html'}" in " ".join(shown.split())


def test_progress_is_one_line_that_changes(monkeypatch):
    lines = []
    handle = types.SimpleNamespace(update=lambda data, raw: lines.append(data["text/plain"]))
    fake = types.ModuleType("IPython.display")

    def display(data, *, raw, display_id):
        lines.append(data["text/plain"])
        return handle

    fake.display = display
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    console = Console(file=io.StringIO())
    console.is_jupyter = True
    with live(console) as watch:
        watch("search", Budget(left=50, spent=50))
        watch("", Budget(left=50, spent=50))  # too soon
        watch("confirm", Budget(left=0, spent=100))
    assert lines[0] == "starting ..."
    assert [line.split(",")[0] for line in lines[1:]] == [
        "search ... 50% of the epochs",
        "confirm ... 100% of the epochs",
        "done in 0 s",
    ]
