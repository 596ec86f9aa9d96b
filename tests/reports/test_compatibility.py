"""Several tasks in words, tables, Markdown and JSON."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import timed
from made import study_of

import steepest.measures.compatibility as compat
from steepest.reports.compatibility import notes, rows, sentence, to_dict
from steepest.reports.json import dumps
from steepest.reports.page.compatibility_tables import markdown, text

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
BACK = NOISE[::-1]
HOSTILE = "<script>alert(1)</script>|[red]x[/red]\n# no"


@pytest.fixture(autouse=True)
def _timed(monkeypatch):
    monkeypatch.setattr(compat, "speeds", timed.speeds)


def of(finished=True, **tasks):
    studies = []
    for name, losses in tasks.items():
        study = study_of(finished, **losses)
        studies.append(replace(study, task=replace(study.task, name=name)))
    return compat.compatibility(studies)


ADAM = {"SGD": 0.9 + NOISE, "Adam": 0.5 + BACK, "RMSprop": 0.7 + NOISE}
SGD = {"SGD": 0.1 + NOISE, "Adam": 0.5 + BACK, "RMSprop": 0.7 + NOISE}
TIE = {"SGD": 0.5 + NOISE, "Adam": 0.5005 + BACK, "RMSprop": 0.9 + NOISE}
ALL = {"SGD": 0.5 + NOISE, "Adam": 0.5005 + BACK, "RMSprop": 0.501 + np.roll(NOISE, 2)}


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ({"a": ADAM, "b": ADAM | {"SGD": 1.9 + NOISE}}, "Over 2 tasks, Adam is best on every one."),
        (
            {"a": ADAM, "b": SGD},
            "Over 2 tasks, no optimizer is among the best on all: on a Adam; on b SGD.",
        ),
        (
            {"a": ADAM, "b": TIE},
            "Over 2 tasks, Adam is among the best on every one: on a Adam; on b SGD and Adam.",
        ),
        (
            {"a": ALL, "b": ALL | {"SGD": 0.4999 + NOISE}},
            "Over 2 tasks, no optimizer stands out, as all are among the best on every",
        ),
        (
            {"a": ADAM, "b": SGD, "c": TIE, "d": ALL, "e": SGD | {"SGD": 0.2 + NOISE}},
            "Over 5 tasks, no optimizer is among the best on all: SGD is on 4, Adam "
            "is on 3, RMSprop is on 1.",
        ),
    ],
)
def test_the_sentence_says_who_is_best_where(tasks, said):
    assert said in sentence(of(**tasks))


def test_notes_say_what_a_colleague_would():
    one = {name: values[:1] for name, values in ADAM.items()}
    said = "\n".join(notes(of(a=ADAM, b=one, c=ALL | {"Lion": [1, 2]})))
    assert "3 tasks are few" in said
    assert "b has one seed" in said
    assert "on b and c none can be told from the others" in said
    assert "left out: Lion" in said
    assert "Friedman's test, p = " in said


def test_what_stopped_is_said():
    waiting = {"SGD": [0.5, 0.4], "Adam": []}
    found = of(False, a={"SGD": [0.5, 0.4], "Adam": [0.1, 0.2]}, b=waiting)
    assert "a stopped before its end, and counts with what it has" in notes(found)
    assert "b does not count: it stopped before every optimizer was confirmed" in notes(found)
    assert sentence(found).startswith("Over 1 task, no optimizer stands out")
    assert sentence(found).endswith("on every one: on a Adam and SGD.")
    nothing = of(False, a=waiting, b=waiting | {"SGD": [1.0]})
    assert sentence(nothing).startswith("Of 2 tasks, none has confirmed")
    for tell in (text, markdown):
        assert "none has confirmed" in tell(nothing)
    dumps(to_dict(nothing))


def test_a_row_an_optimizer():
    found = rows(of(a=ADAM, b=TIE))
    assert [(row.name, row.best, row.of) for row in found] == [
        ("Adam", 2, 2),
        ("SGD", 1, 2),
        ("RMSprop", 0, 2),
    ]
    assert found[2].rank.mean == 2.5
    assert found[2].score == 0.0


def test_the_table_has_every_number():
    told = text(of(a=ADAM, b=SGD | {"RMSprop": [1.0, math.inf, 1.0]}))
    lines = [re.sub(r" {2,}", "|", line) for line in told.splitlines()]
    assert lines[0] == "optimizer|best or as good|mean rank|normalized|AlgoPerf score"
    assert "Adam|1 of 2|1.5 (1.0 to 3.0)|0.50 ± 0.50|0.50" in lines
    assert any(re.fullmatch(r"a\|Adam\|0\.500 ± .*\|1\|0\.000 ± .*\|26", line) for line in lines)
    assert "|RMSprop|diverged or failed|3|1|never" in lines
    assert "a: validation loss, 5 seeds; target 0.5, where Adam ends in the median." in lines


def test_hostile_names_stay_text():
    found = of(
        **{HOSTILE: {HOSTILE: 0.9 + NOISE, "Adam": 0.5 + BACK}}, b={"Adam": [1], HOSTILE: [1]}
    )
    told = markdown(found)
    assert "<script" not in told
    assert all(not line.startswith("# no") for line in told.splitlines())
    table = [line for line in told.splitlines() if line.startswith("|")]
    # A pipe in a name is no new column.
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table[:4]}) == 1
    assert "[red]" in text(found)


def test_json_is_strict_and_complete():
    found = of(a=ADAM, b=TIE | {"SGD": [math.inf] * 5})
    data = json.loads(dumps(to_dict(found)))
    assert data["tasks"]["a"]["winner"] == "Adam"
    assert data["tasks"]["a"]["target"] == {"value": 0.5, "reference": "Adam"}
    one = data["optimizers"]["SGD"]["tasks"]["b"]
    assert (one["rank"], one["steps"], one["reached"]) == (3, None, False)
    assert one["value"]["mean"] is None
    assert data["optimizers"]["Adam"]["algoperf_score"] == pytest.approx(1.0)
    assert len(data["profile"]["tau"]) == len(data["profile"]["share"]["Adam"]) == 100


def test_many_tasks_and_optimizers_fit_the_width():
    names = [f"Optimizer{i}(learning_rate=0.0001..0.01)" for i in range(8)]
    tasks = {f"a task with a long name {i}": dict.fromkeys(names, 0.5 + NOISE) for i in range(11)}
    found = of(**tasks)
    assert max(len(line) for line in text(found).splitlines()) <= 100
    assert max(len(line) for line in text(found, 60).splitlines()) <= 60
