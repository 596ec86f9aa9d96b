"""What goes into the study file comes out unchanged, and what is no study file is said."""

import contextlib
import json
import math
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest
from steepest import storage
from steepest.errors import StudyFileError
from steepest.records import (
    FORMAT_VERSION,
    Config,
    ContestantRecord,
    Curves,
    Outcome,
    Settings,
    Stage,
    StudyRecord,
    TaskFacts,
    Trial,
    Trivial,
)

TASK = TaskFacts(
    *("toy", "mse", ("mae", "r2"), 10, 100, 20, 0, 4, 8, ("a note",)),
    fingerprint={"model": "0a", "backend": "jax float32"},
    trivial=Trivial("the mean of y", {"loss": 2.0, "mae": 1.0}, {"y": (-1.0, 3.5)}),
)
STUDY = StudyRecord(
    task=TASK,
    settings=Settings(2, 1, 0, "constant", (1, 4)),
    optimizers={"SGD": ContestantRecord("SGD", fixed={"nesterov": False})},
    versions={"steepest": "0.1"},
    hardware={"cores": "2"},
    started="2026-01-01T00:00:00+00:00",
    trained_on={"cpu, x86_64 0a": (0, 2), "a card": ()},
)
# SQLite has no negative zero.
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=32).map(lambda x: x + 0.0)


def trial(number, losses, outcome=Outcome.FINISHED, test=None, training=None):
    epochs = tuple(range(1, len(losses) + 1))
    curves = Curves(epochs, epochs, losses, losses, {"mae": losses, "r2": losses})
    values = {"learning_rate": 0.1, "nesterov": False}
    config = Config("SGD", "keras", values, "constant", number)
    return Trial(number, "SGD", Stage.SEARCH, config, curves, outcome, 0.5, test, training)


@given(st.lists(NUMBERS, max_size=4), st.sampled_from(Outcome), st.none() | NUMBERS)
@settings(max_examples=30, deadline=None)
def test_a_study_comes_back(tmp_path_factory, losses, outcome, test):
    path = tmp_path_factory.mktemp("study") / "study.db"
    measured = None if test is None else {"loss": test}
    one = trial(0, tuple(losses), outcome, measured, measured)
    study = replace(
        STUDY,
        trials=(one, trial(1, (1.0, 2.0))),
        seconds=2.5,
        finished=True,
        initial=measured or {},
    )
    storage.create(path, replace(study, trials=()))
    storage.record(path, study, study.trials)
    back = storage.read(path)
    if not losses:  # names of metrics live in the rows
        one = replace(one, curves=Curves())
        study = replace(study, trials=(one, study.trials[1]))
    assert repr(back) == repr(study)  # repr, as NaN is not equal to itself


def test_a_later_rung_replaces_what_was_known(tmp_path):
    path = tmp_path / "study.db"
    storage.create(path, STUDY)
    storage.record(path, STUDY, [trial(0, (3.0,), Outcome.UNFINISHED)])
    storage.record(path, STUDY, [trial(0, (3.0, 1.0))])
    (back,) = storage.read(path).trials
    assert back.curves.validation_loss == (3.0, 1.0)
    assert back.outcome is Outcome.FINISHED


def test_a_failing_transaction_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "study.db"
    storage.create(path, STUDY)
    storage.record(path, STUDY, [trial(0, (3.0,))])
    broken = replace(trial(1, (1.0,)), seconds=object())
    with pytest.raises(StudyFileError):
        storage.record(path, replace(STUDY, seconds=99.0), [trial(2, (1.0,)), broken])
    back = storage.read(path)
    assert [t.number for t in back.trials] == [0]
    assert back.seconds == 0.0


def test_a_study_is_never_overwritten(tmp_path):
    path = tmp_path / "study.db"
    storage.create(path, STUDY)
    with pytest.raises(StudyFileError, match="holds a study already"):
        storage.create(path, STUDY)


def test_what_is_no_study_file_is_said(tmp_path):
    with pytest.raises(StudyFileError, match="there is no study file"):
        storage.read(tmp_path / "none.db")
    with pytest.raises(StudyFileError, match="there is no study file"):
        storage.read(tmp_path)
    text = tmp_path / "text.db"
    text.write_text("no database " * 100)
    with pytest.raises(StudyFileError, match="file is not a database"):
        storage.read(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(StudyFileError, match="not a study of Steepest"):
        storage.read(other)
    newer = tmp_path / "newer.db"
    storage.create(newer, STUDY)
    with sqlite3.connect(newer) as db:
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    with pytest.raises(StudyFileError, match="install a newer one"):
        storage.read(newer)
    odd = tmp_path / "odd.db"
    storage.create(odd, STUDY)
    with sqlite3.connect(odd) as db:
        db.execute("UPDATE study SET value = '[]' WHERE key = 'task'")
    with pytest.raises(StudyFileError, match="damaged"):
        storage.read(odd)


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_changed_bytes_are_an_error_or_a_study(tmp_path_factory, at, data):
    path = tmp_path_factory.mktemp("study") / "study.db"
    storage.create(path, replace(STUDY, trials=(trial(0, (1.0, math.nan)),)))
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(bytes(content))
    with contextlib.suppress(StudyFileError):
        assert isinstance(storage.read(path), StudyRecord)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyFileError, match="cannot make the directory"):
        storage.create(tmp_path / "file" / "study.db", STUDY)


def test_a_file_of_format_1_opens():
    """Made by Steepest 0.1 before there were dialects: its files open for ever."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-1.db")
    assert set(comparison.optimizers) == {"SGD", "Adam(amsgrad=True)", "RMSprop"}
    assert comparison.record.settings.dialect == "keras"
    assert comparison.best.config.schedule == "cosine"
    assert "CosineDecay" in comparison.best.code("keras")
    assert "LambdaLR" in comparison.best.code("torch")
    assert comparison.to_dict()["optimizers"]["RMSprop"]["code"]["optax"]
    assert "RMSprop" in str(comparison)


def test_a_file_of_format_2_opens():
    """Made by the code of Steepest 0.2, when a schedule was part of a recipe."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-2.db")
    assert set(comparison.optimizers) == {"SGD", "Adam"}
    assert comparison.record.settings.decides == "loss"
    assert "CosineDecay" in comparison.best.code("keras")
    assert comparison.to_dict()["format_version"] == FORMAT_VERSION
    assert "Adam" in str(comparison)


def test_a_file_of_format_3_opens():
    """Made by Steepest 0.4, before the training set was measured."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-3.db")
    study = comparison.record
    assert study.initial == {}
    assert study.settings.sweep == 0
    assert {trial.training for trial in study.trials} == {None}
    assert comparison.to_dict()["format_version"] == FORMAT_VERSION
    assert not comparison.measures.generalization["Adam"].measured
    assert "Adam" in str(comparison)


def test_the_format_is_what_other_programs_were_promised(tmp_path):
    path = tmp_path / "study.db"
    storage.create(path, replace(STUDY, trials=(trial(0, (1.0,)),)))
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master ORDER BY name")]
        assert {"study", "trial", "evaluation"} <= set(tables)
        row = db.execute("SELECT optimizer, stage, outcome, seed FROM trial").fetchone()
    assert row == ("SGD", "SEARCH", "FINISHED", 0)


ODD = {
    "metrics that are a list": "UPDATE evaluation SET metrics = '[]'",
    "a test that is a list": "UPDATE trial SET test = '[1]'",
    "endless seconds": "UPDATE trial SET seconds = 9e999",
    "seconds in words": "UPDATE trial SET seconds = 'long'",
    "a list before training": "UPDATE study SET value = '[1]' WHERE key = 'initial'",
    "why it stopped": "UPDATE study SET value = '3' WHERE key = 'stopped'",
    "weights in words": "UPDATE study SET value = json_set(value, '$.parameters', 'x') "
    "WHERE key = 'task'",
    "fewer than no examples": "UPDATE study SET value = json_set(value, '$.validation_examples', "
    "-1) WHERE key = 'task'",
    "a metric without a name": "UPDATE study SET value = json_set(value, '$.metrics', json('[3]')) "
    "WHERE key = 'task'",
    "a fingerprint in a list": "UPDATE study SET value = json_set(value, '$.fingerprint', "
    "json('[3]')) WHERE key = 'task'",
    "a digest that is a number": "UPDATE study SET value = json_set(value, '$.fingerprint', "
    "json('{\"model\": 3}')) WHERE key = 'task'",
    "a loss that is a number": "UPDATE study SET value = json_set(value, '$.loss', 3) "
    "WHERE key = 'task'",
    "a trivial predictor in words": "UPDATE study SET value = json_set(value, '$.trivial', 'x') "
    "WHERE key = 'task'",
    "a trivial loss that is a list": "UPDATE study SET value = json_set(value, "
    "'$.trivial.values.loss', json('[3]')) WHERE key = 'task'",
    "a span that goes down": "UPDATE study SET value = json_set(value, '$.trivial.spans.y', "
    "json('[3, 1]')) WHERE key = 'task'",
    "a span of one number": "UPDATE study SET value = json_set(value, '$.trivial.spans.y', "
    "json('[3]')) WHERE key = 'task'",
    "callbacks in words": "UPDATE study SET value = json_set(value, '$.callbacks', 'x') "
    "WHERE key = 'settings'",
    "a callback of no kind": "UPDATE study SET value = json_set(value, '$.callbacks', "
    "json('[{\"kind\": \"Odd\"}]')) WHERE key = 'settings'",
    "a callback that looks elsewhere": "UPDATE study SET value = json_set(value, '$.callbacks', "
    'json(\'[{"kind": "EarlyStopping", "monitor": "x"}]\')) WHERE key = \'settings\'',
    "a scheduler without rates": "UPDATE study SET value = json_set(value, '$.callbacks', "
    "json('[{\"kind\": \"LearningRateScheduler\"}]')) WHERE key = 'settings'",
    "a note that is a number": "UPDATE study SET value = json_set(value, '$.notes', json('[3]')) "
    "WHERE key = 'task'",
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD.keys())
def test_what_does_not_belong_there_is_damage(tmp_path, change):
    path = tmp_path / "study.db"
    study = replace(STUDY, initial={"loss": 1.0})
    storage.create(path, replace(study, trials=(trial(0, (1.0, 2.0)),)))
    storage.read(path)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(change)
    with pytest.raises(StudyFileError, match="is damaged"):
        storage.read(path)


def test_a_file_of_format_4_opens():
    """Made by Steepest 0.5 before studies could go on after a stop."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-4.db")
    assert set(comparison.optimizers) == {"SGD", "Adam", "RMSprop"}
    assert not comparison.record.resumed
    assert {trial.reason for trial in comparison.record.trials} == {""}


def test_a_file_of_format_5_opens():
    """Made by Steepest 0.6, with a sweep and what was asked."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-5.db")
    study = comparison.record
    assert set(comparison.optimizers) == {"SGD", "Adam", "RMSprop"}
    assert (study.settings.sweep, study.asked["budget"]) == (1, "quick")
    assert study.task.fingerprint
    assert study.hardware["members"] == "one after another"
    assert {trial.stage for trial in study.trials} >= {Stage.SEARCH, Stage.CONFIRM, Stage.SWEEP}
    assert comparison.measures.sensitivity


def test_a_file_of_format_6_opens():
    """Made when the trivial predictor came into it, by the untrained loss of the search's seed."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-6.db")
    trivial = comparison.record.task.trivial
    assert trivial.answer == "the mean of y"
    assert set(trivial.values) == {"loss", "mae"}
    assert set(trivial.spans) == {"x[:, 5]", "y"}
    assert comparison.record.initial["loss"] > 0
    assert comparison.to_dict()["verdict"]["learnt"] is True


def test_a_file_of_format_7_opens():
    """Made by Steepest 0.7, of a model that was compiled with Adam, and given more seeds later."""
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-7.db")
    study = comparison.record
    assert {name for name, one in study.optimizers.items() if one.compiled} == {"your Adam(0.002)"}
    assert (study.planned.full_trainings, study.judged) == (None, (3,))
    assert {t.stage for t in study.trials} == set(Stage) - {Stage.REPEAT}
    assert "your model was compiled with" in str(comparison)


def test_a_file_of_format_6_has_no_plan_and_nothing_of_today():
    study = steepest.read(Path(__file__).parent / "formats" / "study-format-6.db").record
    assert study.planned is None
    assert (study.judged, study.settings.buys) == ((), None)
    assert not any(one.compiled for one in study.optimizers.values())


def test_a_file_of_format_5_has_no_trivial_predictor_and_says_nothing_of_it():
    comparison = steepest.read(Path(__file__).parent / "formats" / "study-format-5.db")
    assert comparison.record.task.trivial is None
    assert comparison.to_dict()["verdict"]["learnt"] is None
    assert "learnt" not in str(comparison)


def test_what_writes_a_file_of_the_same_tables_makes_it_of_its_own_format(tmp_path):
    """Or an older version would take the new parts for damage."""
    path = tmp_path / "study.db"
    shutil.copyfile(Path(__file__).parent / "formats" / "study-format-5.db", path)
    storage.record(path, storage.read(path), [])
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
    assert storage.read(path).trials


def test_there_is_a_file_of_each_format():
    """What a new format is made with stays, so that later versions have it to open."""
    data = Path(__file__).parent / "formats"
    numbers = sorted(int(path.stem.split("-")[-1]) for path in data.glob("study-format-*.db"))
    assert numbers == list(range(1, FORMAT_VERSION + 1))


def test_a_contestant_is_written_as_it_always_was(tmp_path):
    """Its keys and their order too; what a file of the first formats does not say is None."""
    asked = ContestantRecord(
        "SGD",
        fixed={"nesterov": False},
        space={"momentum": {"kind": "Choice", "values": [0.0, 0.9]}},
        given=("momentum",),
        effective=True,
        notes=("a note",),
    )
    path = tmp_path / "study.db"
    storage.create(
        path, replace(STUDY, optimizers={"SGD": asked, "mine": ContestantRecord("mine", code="0a")})
    )
    with contextlib.closing(sqlite3.connect(path)) as db:
        ((text,),) = db.execute("SELECT value FROM study WHERE key = 'optimizers'")
    found = json.loads(text)
    assert list(found["SGD"]) == [
        *("rule", "dialect", "schedule", "baseline", "compiled", "notes", "fixed", "space"),
        *("given", "effective"),
    ]
    assert found["SGD"]["space"] == {"momentum": {"kind": "Choice", "values": [0.0, 0.9]}}
    assert (found["SGD"]["given"], found["SGD"]["notes"]) == (["momentum"], ["a note"])
    assert found["mine"]["code"] == "0a"
    again = storage.read(path).optimizers
    assert again["SGD"] == asked
    assert (again["mine"].given, again["mine"].effective) == (None, None)
