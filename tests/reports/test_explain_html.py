"""The page: complete, well formed, without a network, and it runs nothing that it was given."""

import builtins
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from steepest.errors import InputError
from steepest.reports.explain.paths import SURFACES, tuned
from steepest.rules import OWN, RULES

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from steepest.reports.explain import path_pictures
from steepest.reports.explain.html import page
from steepest.reports.explain.path_pictures import pictures, references

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unchecked")]
TUNED = tuned


@pytest.fixture(scope="module", autouse=True)
def walked_once():
    """Keep paths for the next page: the best of 54 learning rates is found again on each."""
    kept = {}

    def tuned(rule, surface, given=None):
        key = id(rule), surface.name, repr(given)
        if key not in kept:
            kept[key] = rule, TUNED(rule, surface, given)  # with the rule, so its id stays its own
        return kept[key][1]

    path_pictures.tuned = tuned
    yield kept
    path_pictures.tuned = TUNED


EMPTY = {"meta", "br", "img", "input", "hr", "link"}


class Reader(HTMLParser):
    """Reads a page and notes what it holds."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.loads = [], [], [], []
        self.text, self.scripts, self.headings = [], 0, []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in EMPTY:
            self.open.append(tag)
        self.scripts += tag == "script"
        if "id" in values:
            self.ids.append(values["id"])
        if tag in ("a", "use"):
            self.links.append(values["href"])
        self.loads += [v for k, v in attributes if k in ("src", "srcset", "data", "action")]
        self.loads += [v for k, v in attributes if k == "href" and tag == "link"]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("h1", "h2", "h3", "h4"):
            self.headings.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def check(text):
    found = read(text)
    assert len(found.ids) == len(set(found.ids))
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert not found.loads
    assert "http:" not in text
    assert "https:" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert found.scripts == 1
    return found


@pytest.mark.parametrize("name", ["Adam", "Lion", "Muon"])
def test_one_optimizer(name):
    text = page([RULES[name]])
    found = check(text)
    for heading in ("Formula", "Paths", "Hyperparameters", "Strengths", "Weaknesses"):
        assert heading in found.headings
    for heading in ("When to use it", "What to tune first", "Memory", "Keras", "PyTorch", "Optax"):
        assert heading in found.headings
    assert RULES[name].formula in "".join(found.text)
    assert text.count("<svg") == text.count('role="img"') == 3
    assert "var(--rule)" in text
    assert "Contents" not in text
    assert ("steps of Adam that Muon gives" in text) == (name == "Muon")


def test_many_are_a_list_and_the_way_from_one_to_the_other():
    many = [RULES[name] for name in ("SGD", "Adam", "Ftrl", "Muon", "ScheduleFreeAdamW")]
    text = page(many)
    found = check(text)
    assert 'aria-label="Contents"' in text
    assert text.count("<svg") == 3 * len(many)
    assert "Which one?" in found.headings
    assert all(f"#o{i}" in found.links for i in range(1, len(many) + 1))


def test_two_stand_side_by_side():
    text = page([RULES["Adam"], RULES["SGD"]])
    assert "Side by side" in check(text).headings


def test_the_same_page_every_time(walked_once):
    first = page([RULES["SGD"]])
    walked_once.clear()
    assert page([RULES["SGD"]]) == first


def test_markup_in_a_name_is_shown_and_not_run(monkeypatch):
    name = "<script>alert(1)</script>"
    odd = replace(RULES["Adam"], name=name, doc=f"{name} \"quoted\"\n\n'paper'\n\n    w = <b>w</b>")
    monkeypatch.setitem(OWN, name, odd)
    text = page([odd, RULES["SGD"]])
    found = check(text)
    assert "<script>alert" not in text
    assert name in "".join(found.text)
    assert "<b>" not in text


def test_a_rule_of_ones_own_has_a_page_without_paths(monkeypatch):
    odd = replace(RULES["Adam"], name="Mine", transformation=lambda learning_rate: None)
    monkeypatch.setitem(OWN, "Mine", odd)
    assert "Paths" not in check(page([odd])).headings


@pytest.mark.parametrize("absent", ["jinja2", "matplotlib"])
def test_what_is_absent_is_said(monkeypatch, absent):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=absent)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=rf'{absent}.*pip install "steepest\[html\]"'):
        page([RULES["SGD"]])


def test_captions_say_what_the_paths_do():
    valley, saddle, bend = pictures(RULES["SGD"], references(), "x")
    across = tuned(RULES["SGD"], SURFACES["narrow valley"]).points[:, 1] - 1
    count = sum(a * b < 0 for a, b in pairwise(across[abs(across) > 0.01]))
    assert valley.caption.startswith(f"SGD crosses the valley's floor {count} times; SGD with ")
    y = tuned(RULES["SGD"], SURFACES["saddle"]).points[:, 1]
    left = next(i for i, one in enumerate(y) if abs(one - 2) > 0.5)
    assert saddle.caption.startswith(f"SGD leaves the ridge after {left} steps; SGD with ")
    x = tuned(RULES["SGD"], SURFACES["Rosenbrock"]).points[:, 0]
    passed = next(i for i, one in enumerate(x) if one > 0)
    assert bend.caption.startswith(f"SGD passes the bend after {passed} steps; SGD with ")
    for one in (valley, saddle, bend):
        assert one.alt.startswith("Paths of SGD and of SGD with momentum 0.9")
        assert all(said.startswith("rate ") for _, said in one.legend)
