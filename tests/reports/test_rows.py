"""A study as flat rows, and as files and frames of them."""

import csv
import io
import math
import sys
from dataclasses import replace

import made
import pytest

import steepest
from steepest.errors import InputError
from steepest.exporters.frames import to_dataframe, write_parquet
from steepest.reports.rows import columns, csv_text, curve_rows, trial_rows

HOSTILE = "=HYPERLINK(1)"
STUDY = made.study_of(**{HOSTILE: (0.5, 0.6), "Adam": (-0.7, math.inf)})


def test_a_row_a_trial():
    rows = trial_rows(STUDY)
    assert len(rows) == 4
    assert rows[2] == {
        "number": 2,
        "optimizer": "Adam",
        "rule": "SGD",
        "dialect": "keras",
        "schedule": "constant",
        "stage": "confirm",
        "outcome": "finished",
        "seed": 1,
        "epochs": 2,
        "steps": 26,
        "seconds": 0.5,
        "reason": None,
        "value": -0.7,
        "training_loss": 1.5,
        "validation_loss": -0.7,
        "validation_mae": 1.7,
        "training_set_loss": None,
        "training_set_mae": None,
        "test_loss": pytest.approx(0.3),
        "test_mae": 0.2,
        "hyperparameters.learning_rate": 0.1,
        "hyperparameters.momentum": 0.9,
        "hyperparameters.nesterov": False,
    }
    assert rows[3]["outcome"] == "diverged"
    assert rows[3]["value"] is None
    assert rows[3]["validation_loss"] == math.inf
    assert all(list(row) == list(rows[0]) for row in rows)


def test_a_row_a_trial_and_epoch():
    rows = curve_rows(STUDY)
    assert len(rows) == 8
    assert rows[1] == {
        "number": 0,
        "optimizer": HOSTILE,
        "stage": "confirm",
        "seed": 1,
        "epoch": 2,
        "step": 26,
        "training_loss": 1.5,
        "validation_loss": 0.5,
        "validation_mae": 0.5,
    }


def test_training_sets_are_there_where_measured():
    trial = replace(STUDY.trials[0], training={"loss": 0.25, "mae": 0.125})
    row = trial_rows(replace(STUDY, trials=(trial,)))[0]
    assert (row["training_set_loss"], row["training_set_mae"]) == (0.25, 0.125)


def test_csv_reads_back_and_no_text_is_a_formula():
    read = list(csv.DictReader(io.StringIO(csv_text(trial_rows(STUDY)))))
    assert read[0]["optimizer"] == f"'{HOSTILE}"
    assert float(read[2]["value"]) == -0.7  # a number stays one
    assert read[3]["value"] == ""
    assert float(read[3]["validation_loss"]) == math.inf
    hostile = [{"a": text} for text in ("-x", "+x", "@x", "\tx", 'a,"b"\nc')]
    assert [row["a"] for row in csv.DictReader(io.StringIO(csv_text(hostile)))] == [
        "'-x",
        "'+x",
        "'@x",
        "'\tx",
        'a,"b"\nc',
    ]
    assert csv_text([]) == ""


def test_columns_have_one_type():
    rows = [{"a": 1, "b": True, "c": None}, {"a": 0.5, "b": "x", "c": None}]
    assert columns(rows) == {"a": [1.0, 0.5], "b": ["True", "x"], "c": [None, None]}


def test_an_empty_study_has_no_rows():
    empty = replace(STUDY, trials=(), finished=False)
    assert trial_rows(empty) == curve_rows(empty) == []


def test_frames_and_parquet_hold_the_rows(tmp_path):
    pandas = pytest.importorskip("pandas", reason="to_dataframe is with pandas alone")
    frame = to_dataframe(STUDY)
    assert list(frame.columns) == list(trial_rows(STUDY)[0])
    assert frame["optimizer"][0] == HOSTILE  # a frame is no spreadsheet
    assert frame["value"].isna().tolist() == [False, False, False, True]
    assert len(to_dataframe(STUDY, curves=True)) == 8
    assert to_dataframe(replace(STUDY, trials=())).empty
    assert steepest.Study(STUDY, tmp_path).to_dataframe().equals(frame)
    pytest.importorskip("pyarrow", reason="Parquet is with PyArrow alone")
    write_parquet(trial_rows(STUDY), tmp_path / "a.parquet")
    back = pandas.read_parquet(tmp_path / "a.parquet")
    assert back["value"].tolist()[:3] == [0.5, 0.6, -0.7]
    assert list(back.columns) == list(frame.columns)


def test_what_is_absent_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'pip install "steepest\[pandas\]"'):
        to_dataframe(STUDY)
    with pytest.raises(InputError, match=r'pip install "steepest\[parquet\]"'):
        write_parquet([], tmp_path / "a")
