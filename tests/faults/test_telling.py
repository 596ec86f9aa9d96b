"""A hostile study comes through every teller as text: no markup, control, formula or code."""

import ast
import csv
import http.client
import io
import json
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from faults.hostile import MARK, TEXTS, hostile, innocent
from faults.tellers import told
from rich.console import Console
from whole import whole_study

from steepest import storage
from steepest.codegen import code, has_code
from steepest.errors import InputError
from steepest.reports.terminal import render
from steepest.serve import document, watching
from steepest.study import Study

CONTROL = ("Cc", "Cf", "Cs", "Zl", "Zp")


class Elements(HTMLParser):
    """Every element of a page with the names of its attributes, and what its links lead to."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.found, self.links, self.scripts, self.inside = Counter(), Counter(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found[tag, tuple(sorted(name for name, _ in attributes))] += 1
        for name, value in attributes:
            if name in ("href", "src", "action", "formaction", "srcset", "style", "content"):
                if tag == "meta" and value.startswith("Steepest "):
                    continue  # who made the page: text of one attribute
                self.links[tag, name, value] += 1
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts.append(data)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return what is told of a hostile study and of an innocent one, both from their files."""
    found = []
    for study in (hostile(), innocent()):
        path = tmp_path_factory.mktemp("study") / "study.db"
        storage.create(path, study)
        back = storage.read(path)
        found.append((back, told(back, path)))
    return found


def test_the_texts_do_come_through(both):
    (_, tellings), _ = both
    for what in ("text", "json", "markdown", "csv", "curves", "notebook", "page"):
        assert MARK in tellings[what], what


def test_no_control_character_is_told(both):
    (_, tellings), _ = both
    for what, text in tellings.items():
        kinds = {c for c in text if unicodedata.category(c) in CONTROL}
        assert kinds <= {"\n"}, what


@pytest.mark.parametrize("what", ["page", "notebook", "watched"])
def test_html_has_the_elements_of_an_innocent_study(both, what):
    pages = [
        document(study, str(TEXTS)) if what == "watched" else tellings[what]
        for study, tellings in both
    ]
    mine, theirs = map(Elements, pages)
    # Long names may leave a part away or add a note, so what counts is kinds, and scripts.
    assert mine.found.keys() <= theirs.found.keys()
    assert mine.links.keys() <= theirs.links.keys()
    for kind, count in mine.found.items():
        if kind[0] in ("script", "iframe", "img", "svg", "style", "a", "form", "meta", "base"):
            assert count <= theirs.found[kind], kind
    assert len(mine.scripts) == len(theirs.scripts)
    for one in mine.scripts:
        if MARK in one:  # data alone
            json.loads(one)
    assert not re.search(r"<[^>]*" + MARK, re.sub(r'"[^"]*"', '""', pages[0]))


def test_a_rich_terminal_gets_no_style_from_a_name(both):
    (study, _), _ = both
    one = Study(study, None)
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100, record=False
    )
    console.print(render(study, one.verdict, one.measures))
    out = console.file.getvalue()
    assert "[red]" in out
    assert "\x1b]" not in out  # no link, no title
    assert set(re.findall(r"\x1b\[[0-9;]*[A-Za-z]", out)) <= {
        *("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[36m", "\x1b[1;33m")
    }


def test_markdown_has_neither_links_nor_html(both):
    (_, tellings), _ = both
    for what, text in tellings.items():
        if what != "markdown":
            continue
        prose = re.sub(r"(?s)```python\n.*?\n```", "", text)
        bare = re.sub(r"\\[\\`*_\[\]<>|#~$]", "", prose)
        assert not re.search(r"[<>\[\]`]|https?:|www\.", bare)
        rows = [line for line in bare.splitlines() if line.startswith("|")]
        assert {line.count("|") for line in rows} <= set(range(3, 11))
        marks = (">", "+", "=", "    ", "\t")  # of a quotation, a list, a title, code
        assert not [line for line in bare.splitlines() if line.startswith(marks)]


def test_a_table_for_a_spreadsheet_has_no_formula(both):
    (_, tellings), (_, words) = both
    for what in ("csv", "curves"):
        rows = list(csv.reader(io.StringIO(tellings[what])))
        assert len(rows) == len(list(csv.reader(io.StringIO(words[what]))))
        assert len({len(row) for row in rows}) == 1
        for cell in (cell for row in rows for cell in row):
            if cell.startswith(tuple("=+-@\t\r\n")):
                float(cell)  # a number may begin with a minus


def test_json_is_json(both):
    (study, tellings), _ = both
    back = json.loads(tellings["json"], parse_constant=pytest.fail)
    assert back["task"] == study.task.name
    assert list(back["optimizers"]) == list(Study(study, None).verdict.standings)


def skeleton(source):
    """Return the syntax of source without its constants and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = type(node.value).__name__
        elif isinstance(node, ast.List) and all(isinstance(x, ast.Constant) for x in node.elts):
            node.elts = []
    return ast.dump(tree)


def test_code_is_that_of_an_innocent_study(both):
    (_, tellings), (_, words) = both
    said = [key for key in tellings if key.startswith("code ")]
    wanted = {
        framework: {skeleton(t) for k, t in words.items() if k.startswith("code ")}
        for framework in ("keras", "torch", "optax")
    }
    assert len(said) == len([key for key in words if key.startswith("code ")])
    assert said
    for key in said:
        assert skeleton(tellings[key]) in wanted[key.rsplit(" ", 1)[1]], key


@pytest.mark.parametrize("text", ["1)\nimport os\n(", "'''", '"""', "#\n", "\\", "1, x=eval"])
@pytest.mark.parametrize("place", ["rule", "schedule", "dialect", "value", "name", "flag", "path"])
@pytest.mark.parametrize("framework", ["keras", "torch", "optax"])
@pytest.mark.parametrize("rule", ["SGD", "Adam"])
def test_no_text_of_a_configuration_becomes_code(text, place, framework, rule):
    study = whole_study()
    config = study.confirmed(rule)[0].config
    values = {**config.hyperparameters, "weight_decay": 0.1, "decay": "decoupled"}
    values["decay_on"] = "kernels"
    plain = replace(config, hyperparameters=values)
    wanted = skeleton(code(plain, study.task, framework))
    changed, task = plain, study.task
    if place in ("rule", "schedule", "dialect"):
        changed = replace(plain, **{place: getattr(plain, place) + text})
    elif place == "path":
        weights = tuple(replace(one, path=f"{one.path}{text}") for one in task.weights)
        task = replace(task, weights=weights)
    else:
        name = {"value": "learning_rate", "name": f"x{text}", "flag": "decay"}[place]
        changed = replace(plain, hyperparameters={**values, name: text})
    if not has_code(changed):
        with pytest.raises(InputError):
            code(changed, task, framework)
        return
    assert skeleton(code(changed, task, framework)) == wanted


def test_the_server_gives_a_hostile_study_its_policy(tmp_path):
    storage.create(tmp_path / "study.db", hostile())
    with watching(tmp_path) as url:
        host = urlsplit(url).netloc
        for path, status in {"/": 200, "/state": 200, "//[": 404, "/%2e%2e/x": 404}.items():
            connection = http.client.HTTPConnection(host, timeout=20)
            connection.putrequest("GET", path)
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status == status, path
            assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
            assert not any(MARK in value for _, value in answer.getheaders())
            answer.read()
            connection.close()


def test_files_of_other_programs_stay_where_they_are_wanted(both, tmp_path):
    pytest.importorskip("tensorboard")
    from steepest.exporters.tensorboard import write_tensorboard

    (study, _), _ = both
    place = tmp_path / "a" / "b" / "c"
    write_tensorboard(study, place)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(path.is_relative_to(place) for path in files)
    for path in files:
        assert re.fullmatch(r"[-\w.()=,+ /]+", str(path.relative_to(place)))


def test_optuna_takes_a_hostile_study(both, tmp_path):
    optuna = pytest.importorskip("optuna")
    from steepest.exporters.optuna import write_optuna

    (study, _), _ = both
    url = f"sqlite:///{tmp_path}/optuna.db"
    few = list(study.optimizers)[6:9]
    some = replace(study, trials=tuple(t for t in study.trials if t.optimizer in few))
    names = write_optuna(some, url)
    assert set(names) == set(optuna.get_all_study_names(url))
    assert [path.name for path in tmp_path.iterdir()] == ["optuna.db"]
