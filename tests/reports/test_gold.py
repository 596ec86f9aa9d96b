"""What other programs read and people paste: JSON, CSV and Markdown of a whole study, as filed.

After a wanted change: `PYTHONPATH=tests python tests/reports/test_gold.py`; look at what git shows.
"""

import importlib.util
import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from made import study_of
from whole import whole_study, without

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.records import FORMAT_VERSION, Outcome, Stage
from steepest.reports.json import dumps, to_dict
from steepest.reports.markdown import markdown
from steepest.reports.notebook import notebook
from steepest.reports.page.page import page
from steepest.reports.rows import csv_text, curve_rows, trial_rows
from steepest.reports.terminal import text
from steepest.storage import read

ROOT = Path(__file__).parents[2]
GOLD = Path(__file__).parent / "gold"
DIGITS = 6


def scrub(value):
    """Round what depends on the machine's arithmetic."""
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items()}
    if isinstance(value, list):
        return [scrub(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def told(study):
    """Return JSON, Markdown and both CSVs."""
    verdict = judge(study)
    measures = measure(study, verdict)
    data = json.loads(dumps(to_dict(study, verdict, measures)))
    return {
        "study.json": json.dumps(scrub(data), indent=1, ensure_ascii=False) + "\n",
        "study.md": markdown(study, verdict, measures),
        "trials.csv": csv_text(trial_rows(study)),
        "curves.csv": csv_text(curve_rows(study)[:40]),
    }


@pytest.fixture(scope="module")
def found():
    return told(whole_study())


@pytest.mark.parametrize("name", ["study.json", "study.md", "trials.csv", "curves.csv"])
def test_it_is_as_filed(found, name):
    # As bytes of UTF-8; the module csv ends lines as RFC 4180 has it.
    assert found[name].encode() == (GOLD / name).read_bytes()


def test_the_schema_is_as_written():
    """docs/report.schema.json is what `python docs/write_schema.py` writes."""
    write = runpy.run_path(str(ROOT / "docs/write_schema.py"))["write"]
    assert (ROOT / "docs/report.schema.json").read_text() == write()


def failed(study, *stages, epochs=0):
    """Return the study with every second trial of these stages failed, after so many epochs."""
    trials = []
    for one in study.trials:
        if one.stage in stages and one.number % 2:
            some = {
                name: getattr(one.curves, name)[:epochs]
                for name in ("epoch", "step", "training_loss", "validation_loss")
            }
            some["metrics"] = {n: v[:epochs] for n, v in one.curves.metrics.items()}
            one = replace(one, outcome=Outcome.FAILED, reason="ValueError: no", test=None)
            one = replace(one, training=None, curves=replace(one.curves, **some))
        trials.append(one)
    return replace(study, trials=tuple(trials), resumed=("after 3 trials",))


@pytest.mark.parametrize(
    "study",
    [
        whole_study(),
        without(whole_study(), Stage.SWEEP, Stage.DEFAULT),
        without(whole_study(), Stage.CONFIRM),
        without(whole_study(), *Stage),
        study_of(SGD=[1.0, float("inf")], Adam=[0.5, 0.6]),
        study_of(finished=False, SGD=[1.0]),
        failed(whole_study(), *Stage),
        failed(whole_study(), Stage.CONFIRM, epochs=3),
        failed(replace(without(whole_study(), Stage.CONFIRM), finished=False), *Stage),
        read(ROOT / "tests/formats/study-format-1.db"),
        read(ROOT / "tests/formats/study-format-3.db"),
    ],
    ids=[
        "whole",
        "plain",
        "unconfirmed",
        "empty",
        "diverged",
        "unfinished",
        "failed",
        "late",
        "early",
        "one",
        "three",
    ],
)
def test_every_study_s_json_has_the_schema_and_no_report_breaks(study):
    if importlib.util.find_spec("jsonschema") is None:
        pytest.skip("jsonschema is not installed")
    import jsonschema

    schema = json.loads((ROOT / "docs/report.schema.json").read_text())
    assert schema["properties"]["format_version"] == {"const": FORMAT_VERSION}
    verdict = judge(study)
    data = json.loads(dumps(to_dict(study, verdict, measure(study, verdict))))
    jsonschema.Draft202012Validator(schema).validate(data)
    for told in (markdown, text, page):
        assert told(study, verdict, measure(study, verdict))
    assert notebook(study, verdict)


def test_markdown_shows_what_a_person_named_and_runs_nothing():
    hostile = "<script>alert(1)</script>|`x`[a](javascript:1)*b*"
    study = study_of(**{hostile: [0.5, 0.6], "SGD": [1.0, 1.1]})
    verdict = judge(study)
    text = markdown(study, verdict, measure(study, verdict))
    assert "<script" not in text.replace(r"\<script", "")
    assert r"\[a\](javascript:1)" in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "alert" in line]
    assert rows
    assert all(line.replace(r"\|", "").count("|") in (3, 5, 7) for line in rows)


if __name__ == "__main__":
    for name, text in told(whole_study()).items():
        (GOLD / name).write_bytes(text.encode())
