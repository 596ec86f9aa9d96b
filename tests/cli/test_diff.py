"""`steepest diff` as a person would use it: what it prints, and its exit code."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made import study_of

from steepest import cli, storage
from steepest.text import plain

DATA = Path(__file__).parents[1] / "formats"
OLD, NEW = str(DATA / "study-format-3.db"), str(DATA / "study-format-4.db")


@pytest.fixture
def diff(monkeypatch, capsys):
    """Return a function that runs the command: its exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["steepest", "diff", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code, *capsys.readouterr()

    return run


def test_the_same_is_exit_code_0(diff, tmp_path):
    study = study_of(SGD=[1.0, 1.1], Adam=[0.5, 0.6])
    storage.create(tmp_path / "a/study.db", study)
    storage.create(tmp_path / "b/study.db", replace(study, seconds=99.0, started="2027"))
    for other in ("a", "b", "b/study.db"):
        assert diff(tmp_path / "a", tmp_path / other) == (0, "The same in all but times.\n", "")
    resumed = replace(study, resumed=("it went on after 1 trial", "it went on after 3 trials"))
    storage.create(tmp_path / "c/study.db", resumed)
    assert diff(tmp_path / "a", tmp_path / "c") == (
        0,
        "The same in all but times; the second went on after a stop 2 times.\n",
        "",
    )


def test_a_difference_is_exit_code_1(diff):
    code, told, errors = diff(OLD, NEW)
    assert (code, errors) == (1, "")
    assert told.startswith("The results differ, because what was asked differs: epochs 5 → 20")
    assert f"{OLD} → {NEW}" in told.replace("\n", "")
    code, told, errors = diff(OLD, NEW, "--json")
    data = json.loads(told)
    assert (code, errors) == (1, "")
    assert (data["format_version"], data["same"], data["reason"]) == (1, False, "question")
    assert data["question"][0] == {
        "what": "epochs",
        "old": 5,
        "new": 20,
        "relative": None,
        "digest": False,
    }
    code, told, _ = diff(NEW, NEW, "--json")
    assert (code, json.loads(told)["same"], json.loads(told)["reason"]) == (0, True, None)


def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(diff, tmp_path):
    (tmp_path / "text.db").write_text("no study")
    for arguments in (
        (OLD, tmp_path / "nowhere"),
        (tmp_path / "text.db", OLD),
        (OLD, tmp_path),
        (OLD,),
        (OLD, NEW, "--open"),
    ):
        code, told, errors = diff(*arguments)
        assert (code, told, errors.count("\n")) == (2, "", 1), arguments
        assert errors.startswith("steepest: ")


def test_what_does_not_fit_together_is_damaged(diff, tmp_path):
    study = study_of(SGD=[1.0])
    storage.create(tmp_path / "a.db", study)
    broken = replace(study, task=replace(study.task, fingerprint=["no", "mapping"]))
    storage.create(
        tmp_path / "b.db", replace(study, task=replace(study.task, fingerprint={"a": "1"}))
    )
    storage.create(tmp_path / "c.db", broken)
    code, told, errors = diff(tmp_path / "b.db", tmp_path / "c.db")
    assert (code, told) == (2, "")
    assert "damaged" in errors
    assert errors.count("\n") == 1


def test_texts_of_strangers_reach_no_terminal(diff, tmp_path):
    evil = "[red]\x1b[31m\x9b2J\u202e\r\n\ud800"
    study = study_of(SGD=[1.0])
    storage.create(tmp_path / "a.db", study)
    storage.create(tmp_path / "b.db", replace(study, versions={evil: evil}, stopped=evil))
    for form in ((), ("--json",)):
        code, told, _ = diff(tmp_path / "a.db", tmp_path / "b.db", *form)
        assert code == 1
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told)
        assert "[red]" in told
        told.encode("utf-8")
        if form:
            assert json.loads(told)["course"][0]["new"] == plain(evil)
        else:
            assert not re.search("[\x80-\x9f\u202e]", told)


def test_it_loads_neither_keras_nor_jax():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "steepest", "diff", OLD, NEW],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert done.returncode == 1
    assert not re.search(r"\| +(keras|jax|tensorflow)$", done.stderr, re.MULTILINE)
