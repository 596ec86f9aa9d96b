"""Every optimizer explains itself, in full, and in code that runs."""

import inspect
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from steepest.reports.explain.facts import CARRIES, compared, explained
from steepest.reports.explain.terminal import text
from steepest.rules import FRAMEWORKS, OWN, RULES, Dialect
from steepest.rules.rule import About
from steepest.text import setting

EVERY = list(RULES.values())
BUILT_IN = [(r, f) for r in EVERY for f in FRAMEWORKS if r.dialect(f).call]
names = [f"{rule.name}-{framework}" for rule, framework in BUILT_IN]


@pytest.mark.parametrize("rule", EVERY, ids=RULES)
def test_every_rule_explains_itself(rule):
    told = explained(rule)
    for part in ("name", "title", "does", "formula", "paper", "strengths", "weaknesses"):
        assert told[part], part
    for part in ("when", "tune", "weight_decay"):
        assert told[part].endswith("."), part
    if rule.name == "ASGD":  # a single number
        assert (told["memory"]["names"], told["memory"]["matrix"]) == ([], 0)
    else:
        assert told["memory"]["names"]
        assert 0 < told["memory"]["matrix"] <= 6
    for one in told["hyperparameters"]:
        assert one["meaning"], one["name"]
    assert [h["name"] for h in told["hyperparameters"]][: len(rule.spaces)] == list(rule.spaces)
    assert all(spoken["code"] for spoken in told["dialects"].values())
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize("rule", EVERY, ids=RULES)
def test_what_is_searched_is_what_the_rule_gives_to_that_many_trials(rule):
    for one in explained(rule)["hyperparameters"]:
        searched = one["searched"]
        assert (searched is not None) == (one["name"] in rule.spaces)
        if searched:
            start = searched["from_trials"]
            assert any(one["name"] in rule.space(start, f) for f in FRAMEWORKS)
            if start > 1:
                assert not any(one["name"] in rule.space(start - 1, f) for f in FRAMEWORKS)
            assert start in CARRIES


def test_memory_is_counted():
    counted = {name: explained(rule)["memory"] for name, rule in RULES.items()}
    assert counted["SGD"]["matrix"] == 1
    assert counted["Adam"]["matrix"] == counted["Adam"]["vector"] == 2
    assert counted["Adam"]["with"] == {"amsgrad": ["v_hat"]}
    assert counted["Adafactor"]["matrix"] == 2 / 128
    assert (counted["Muon"]["matrix"], counted["Muon"]["vector"]) == (1, 2)
    assert (counted["SOAP"]["matrix"], counted["SOAP"]["vector"]) == (6, 2)
    assert "6 for each weight of a square matrix, 2 for others" in counted["SOAP"]["words"]
    assert "1 for each weight of a hidden matrix" in counted["Muon"]["words"]
    assert counted["ASGD"]["words"] == "no array: a single number alone"
    assert counted["Nadam"]["names"] == ["m", "v"]  # and a single number, which does not count


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("rule", EVERY, ids=RULES)
def test_the_screen_tells_it_all(rule, width):
    told, shown = explained(rule), text([rule], width)
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    words = " ".join(shown.split())
    for part in (told["title"], told["does"], told["when"], told["tune"]):
        assert " ".join(part.split()) in words or width == 80
    for line in told["formula"].splitlines():
        assert (line in shown) or width == 80
        assert all(word in words for word in line.split())
    for one in told["hyperparameters"]:
        assert one["name"] in shown
    for spoken in told["dialects"].values():
        if spoken["call"]:
            assert "".join(spoken["call"].split()) in "".join(shown.split()).replace(",)", ")")
        else:
            assert spoken["none"] in words


@pytest.mark.parametrize("count", [2, 3, 15])
@pytest.mark.parametrize("width", [80, 100])
def test_several_stand_side_by_side_or_on_a_list(count, width):
    shown = text(EVERY[:count], width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert all(rule.name in shown for rule in EVERY[:count])
    if count <= 3:
        for rule in EVERY[:count]:
            assert width == 80 or all(line in shown for line in rule.formula.splitlines())
            assert rule.about.does.split()[0] in shown
    told = compared(EVERY[:count])
    assert all(len(cells) == count for cells in told["rows"].values())
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(("rule", "framework"), BUILT_IN, ids=names)
def test_the_calls_shown_are_those_of_the_frameworks(rule, framework):
    module = pytest.importorskip(framework)
    spoken = explained(rule)["dialects"][framework]
    model = None
    if framework == "torch":
        model = module.nn.Linear(3, 4)
    for source in (spoken["code"], f"optimizer = {spoken['call']}"):
        found = {framework: module, "model": model}
        exec(source, found)
        optimizer = found["optimizer"]
        if framework == "optax":
            assert optimizer.init({"w": np.zeros((3, 4), np.float32)})
        else:
            assert type(optimizer).__name__ == spoken["class"].rsplit(".", 1)[-1]


@pytest.mark.parametrize(("rule", "framework"), BUILT_IN, ids=names)
def test_the_defaults_shown_are_those_of_the_frameworks(rule, framework):
    if (rule.name, framework) == ("NAdamW", "torch"):
        pytest.skip("torch.optim.NAdam is made another algorithm, with the rule's own defaults")
    found = pytest.importorskip(framework)
    for part in rule.dialect(framework).call.split(".")[1:]:
        found = getattr(found, part)
    given = inspect.signature(found).parameters
    for one in explained(rule)["hyperparameters"]:
        argument = rule.dialect(framework).arguments.get(one["name"])
        if argument is None or framework in one["must_be_given"]:
            assert argument is None or given[argument].default in (inspect._empty, None)
            continue
        name, _, position = argument.removeprefix("-").rstrip("]").partition("[")
        theirs = given[name].default
        theirs = theirs[int(position)] if position else theirs
        if theirs is None:  # Optax: no momentum; PyTorch's Adafactor: ε of the weights' type
            theirs = 0.0 if framework == "optax" else float(np.finfo(np.float32).eps)
        theirs = -theirs if argument.startswith("-") else theirs
        ours = one["defaults"][framework]
        assert ours == theirs, (one["name"], ours, theirs)


def test_a_whole_class_comes_where_there_is_none():
    told = explained(RULES["Lion"])["dialects"]["torch"]
    assert told["class"] is None
    assert told["none"] == "PyTorch has no such class; `steepest code` writes a complete one"
    assert "class Lion(torch.optim.Optimizer)" in told["code"]
    assert "measured" not in told["code"]
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(2, 1)
    found = {"model": model}
    exec(told["code"], found)
    before = model.weight.detach().clone()
    model(torch.ones(1, 2)).sum().backward()
    found["optimizer"].step()
    assert torch.allclose(before - model.weight, torch.tensor([[0.001, 0.001]]))


def test_dialects_that_compute_something_else_are_told_apart():
    (rate,) = explained(RULES["SGD"])["differences"]
    assert rate["groups"] == [["keras"], ["torch", "optax"]]
    assert rate["sentence"].startswith("Keras differs from PyTorch and Optax in whether")
    assert explained(RULES["Adadelta"])["differences"] == []


def test_a_rule_of_ones_own_is_explained_as_far_as_it_goes(monkeypatch):
    mine = replace(
        RULES["Adam"],
        name="Mine",
        doc=None,
        about=About("Mine.", (), (), "", ""),
        dialects={f: Dialect() for f in FRAMEWORKS},
        twists={},
        transformation=lambda learning_rate: None,
    )
    monkeypatch.setitem(OWN, "Mine", mine)
    told = explained(mine)
    json.dumps(told, allow_nan=False)
    assert told["dialects"]["keras"]["code"] is None
    assert told["hyperparameters"][0]["defaults"]["keras"] == 0.001
    assert "Mine" in text([mine])
    assert "Mine" in text([mine, RULES["SGD"]])


def test_names_are_shown_as_they_are():
    odd = replace(RULES["Adam"], name="[red]Adam[/bold]")
    assert "[red]Adam[/bold]" in text([odd, RULES["SGD"]])


def test_numbers_are_written_as_people_write_them():
    cases = {1e-7: "1e-7", 1e-4: "1e-4", 0.004: "0.004", 0.9999: "0.9999", 1.0: "1", -0.8: "-0.8"}
    assert {value: setting(value) for value in cases} == cases
    assert setting(float("inf")) == setting("inf") == "∞"
    assert setting(1.1920928955078125e-07) == "1.192e-7"
    assert setting(True) == "True"


def test_explaining_loads_no_framework():
    code = (
        "import sys\n"
        "from steepest.reports.explain.terminal import text\n"
        "from steepest.reports.explain import html, paths\n"
        "from steepest.rules import RULES\n"
        "text(list(RULES.values())); text([RULES['Adam']])\n"
        "paths.walk(RULES['Adam'], paths.SURFACES['saddle'], 0.1)\n"
        "heavy = {'jax', 'keras', 'torch', 'optax', 'matplotlib', 'jinja2', 'scipy', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
