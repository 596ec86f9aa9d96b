"""The page of several tasks, as text and in a real browser."""

import json
import math
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
import timed
from made import study_of
from reports_pages import HOSTILE

import steepest.measures.compatibility as compat
from steepest.reports.compatibility import notes, sentence
from steepest.reports.figures.compatibility import profile_picture, ranks_picture
from steepest.reports.figures.style import looks
from steepest.reports.page.study_set import study_set_page
from steepest.study import Study
from steepest.study.study_set import StudySet

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
BACK = NOISE[::-1]


@pytest.fixture(autouse=True)
def _timed(monkeypatch):
    monkeypatch.setattr(compat, "speeds", timed.speeds)


def studies(names=("SGD", "Adam", "RMSprop"), tasks=("a", "b", "c")):
    for i, task in enumerate(tasks):
        order = [0.9, 0.5, 0.7]
        losses = {
            name: order[(i + j) % 3] + j + (BACK if j else NOISE) for j, name in enumerate(names)
        }
        study = study_of(**losses)
        yield replace(study, task=replace(study.task, name=task))


def found(**more):
    return compat.compatibility(list(studies(**more)))


def test_it_says_what_the_tables_say():
    several = found()
    text = unescape(study_set_page(several)).replace("\N{NO-BREAK SPACE}", " ")
    assert sentence(several) in text
    for note in notes(several):
        assert note[1:] in text
    data = re.search(r'id="data">(.*?)</script>', text, re.S)
    assert set(json.loads(data[1])["figures"]) >= {"ranks", "normalized"}


def test_colours_are_those_of_the_order_given():
    page = study_set_page(found(), ["Lion", "RMSprop", "Adam", "SGD"])
    chips = re.findall(r'class="chip" data-o="(\d)".*?<span>(\w+)</span>', page, re.S)
    assert chips == [("1", "RMSprop"), ("2", "Adam"), ("3", "SGD")]


def test_ranks_are_drawn_as_measured():
    several = found()
    names = list(several.optimizers)
    data = ranks_picture(several, looks(names)).figure["data"]
    drawn = [trace for trace in data if trace["mode"] == "markers"]
    for row, name in enumerate(names):
        assert drawn[2 * row]["x"] == [several.optimizers[name][t].rank for t in several.tasks]
        assert drawn[2 * row + 1]["x"] == [several.ranks[name].mean]


def test_profiles_are_steps_that_end_in_their_scores():
    several = found()
    if several.profile is None:
        pytest.skip("no target in these studies")
    data = profile_picture(several, looks(list(several.optimizers))).figure["data"]
    for trace, name in zip(data, several.profile.shares, strict=True):
        assert trace["line"]["shape"] == "hv"
        score = np.trapezoid(trace["y"], trace["x"]) / 3
        assert math.isclose(score, several.profile.scores[name])


def test_it_links_to_the_pages_beside_it_alone(tmp_path):
    made = list(studies(tasks=("a", "b", "c")))
    paths = [tmp_path / "a #1?" / "study.db", tmp_path / "b" / "study.db", tmp_path / "c/study.db"]
    for path in paths:
        path.parent.mkdir()
    for path in paths[:2]:
        (path.parent / "report.html").write_text("")
    several = StudySet(tuple(map(Study, made, paths)))
    written = several.write_report()
    assert written == tmp_path / "report.html"
    links = re.findall(r'<a href="([^"#]+)">The whole report', written.read_text())
    assert links == ["a%20%231%3F/report.html", "b/report.html"]
    elsewhere = several.write_report(tmp_path / "b" / "x.html")
    assert "The whole report" not in elsewhere.read_text()


def test_a_study_beside_them_keeps_its_page(tmp_path, monkeypatch):
    made = list(studies(tasks=("a", "b")))
    (tmp_path / "study.db").write_text("")
    several = StudySet(tuple(Study(s, tmp_path / s.task.name / "study.db") for s in made))
    assert several.write_report().name == "several.html"
    apart = [tmp_path / "x" / "a", tmp_path / "y" / "b"]
    monkeypatch.chdir(tmp_path)
    several = StudySet(tuple(map(Study, made, apart)))
    assert several.directory.samefile(tmp_path)


def hostile():
    return found(names=HOSTILE[:3], tasks=(HOSTILE[0], HOSTILE[3], HOSTILE[6]))


def test_names_end_no_markup():
    page = study_set_page(hostile(), links={HOSTILE[0]: '"><script>x</script>'})
    assert "<script>alert" not in page
    assert "<script>x" not in page
    assert "<b>bold" not in page
