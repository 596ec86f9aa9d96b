"""A page as its readers have it, its figures as Plotly takes them, and what holds of every page."""

import json
import re
from html.parser import HTMLParser

import pytest
from reports_pages import made

from steepest.measures.verdict import judge
from steepest.reports.advice_text import advice

VOID = {"meta", "br", "img", "input", "hr", "link", "path", "circle"}
COLOUR = re.compile(r"^@([a-z0-9]+)(/\d+)?$")


class Reader(HTMLParser):
    """Reads a page and notes what it holds; elements have to be closed as they were opened."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.tags, self.links, self.handlers = [], [], [], [], []
        self.text, self.scripts = [], {}

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append((tag, values.get("id")))
        if "id" in values:
            self.ids.append(values["id"])
        self.links += [values[k] for k in ("href", "src", "srcset", "action") if k in values]
        self.handlers += [k for k in values if k.startswith("on")]

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script":
            self.scripts[self.open[-1][1]] = data
        elif self.open and self.open[-1][0] != "style":
            self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def words(reader):
    return " ".join(" ".join(reader.text).replace("\xa0", " ").split())


def figures(reader):
    return json.loads(reader.scripts["data"])["figures"]


def painted(value, key=""):
    """Put a colour in place of each token, as the page does."""
    if isinstance(value, dict):
        return {k: painted(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [painted(one, key) for one in value]
    if isinstance(value, str) and key.endswith("color") and COLOUR.match(value):
        return "#123456"
    return value


def check(study):
    """Check what holds of every page, and return it read."""
    reader = read(made(study))
    objects = pytest.importorskip("plotly.graph_objects")
    for one in figures(reader).values():
        objects.Figure(painted(one["figure"]))
        if one["variants"]:
            traces = len(one["figure"]["data"])
            xs, ys = one["variants"]["x"], one["variants"]["y"]
            assert all(len(v["data"]) == traces for v in [*xs.values(), *ys.values()])
            for x in xs.values():
                for y in ys.values():
                    assert [len(a) for a in x["data"]] == [len(b) for b in y["data"]]
    assert len(reader.ids) == len(set(reader.ids))
    assert all(link.startswith("#") for link in reader.links)
    assert not reader.handlers
    first = advice(study, judge(study))[0]
    assert first.replace(" %", "\xa0%")[:40] in " ".join(reader.text)
    return reader
