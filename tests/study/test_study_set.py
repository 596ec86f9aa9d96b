"""Several tasks from the command line and from Python."""

import json
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import processes
import pytest
from faults.running import wait_until
from made import study_of

import steepest
from steepest import cli, storage
from steepest.study import Study
from steepest.study.study_set import study_files

pytestmark = pytest.mark.slow
FEW = ["--trials", "2", "--seeds", "2", "--optimizers", "SGD,Adam", "--epochs", "2"]
TASK = """
import keras
import numpy as np

print("a task file may print")
random = np.random.default_rng(0)
x = random.normal(size=(120, 4))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
validation_split = 0.25
"""


def command(place, *arguments):
    environment = processes.environment(COLUMNS="100")
    return processes.run(
        *(sys.executable, "-m", "quick_command", *arguments), cwd=place, env=environment
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("several")
    (path / "my_task.py").write_text(TASK)
    return path


@pytest.fixture(scope="module")
def done(place):
    found = command(place, "compare", "diabetes", "my_task.py", *FEW, "--json", "--out", "both")
    assert found.returncode == 0, found.stderr
    return found


def test_each_task_is_a_study_of_its_own_and_json_is_one_object(place, done):
    data = json.loads(done.stdout)
    assert list(data) == ["format_version", "studies", "compatibility"]
    assert list(data["studies"]) == ["diabetes", "my_task"]
    assert set(data["compatibility"]["optimizers"]) == {"SGD", "Adam"}
    assert (place / "both/diabetes/study.db").is_file()
    assert (place / "both/my_task/study.db").is_file()
    assert "a task file may print" in done.stderr
    assert "report: both/report.html" in done.stderr
    page = (place / "both/report.html").read_text()
    assert 'href="diabetes/report.html"' in page
    assert 'href="my_task/report.html"' in page
    again = command(place, "report", "both", "--html")
    assert again.returncode == 0, again.stderr
    assert (place / "both/report.html").read_text() == page


def test_a_task_among_several_is_as_alone(place, done):
    """Names of layers are those that a model alone has, so exported code finds them."""
    alone = command(place, "compare", "my_task.py", *FEW, "--json", "--out", "alone")
    assert alone.returncode == 0, alone.stderr
    one, other = json.loads(alone.stdout), json.loads(done.stdout)["studies"]["my_task"]
    assert one["task_facts"]["weights"] == other["task_facts"]["weights"]
    for key in ("verdict", "decides", "settings", "task_facts", "seed"):
        assert one[key] == other[key], key
    for name in ("SGD", "Adam"):
        for key in ("value", "hyperparameters", "code", "test_loss"):
            assert one["optimizers"][name][key] == other["optimizers"][name][key], key


def test_report_tells_the_same_without_training(place, done):
    told = command(place, "report", "both", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == json.loads(done.stdout)
    told = command(place, "report", "both/my_task", "both/diabetes/study.db")
    assert told.returncode == 0, told.stderr
    assert "Over 2 tasks" in told.stdout
    assert "AlgoPerf score" in told.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", told.stdout)
    assert max(map(len, told.stdout.splitlines())) <= 100


def test_without_json_each_verdict_is_told_as_it_comes(place):
    told = command(place, "compare", "diabetes", "my_task.py", *FEW)
    assert told.returncode == 0, told.stderr
    assert " ".join(told.stdout.split()).count("Validation loss decides") == 2
    assert told.stdout.index("keras.optimizers.") < told.stdout.index("Over 2 tasks")
    (made,) = (place / "runs").iterdir()
    assert re.fullmatch(r"several-\d{8}-\d{6}", made.name)
    assert f"study: runs/{made.name}/my_task/study.db" in told.stderr


def test_ctrl_c_keeps_what_is_there(place):
    process = processes.start(
        *(sys.executable, "-m", "quick_command", "compare", "diabetes", "digits"),
        *("--trials", "4", "--epochs", "9000", "--out", "stopped"),
        cwd=place,
        env=processes.environment(),
    )
    assert wait_until((place / "stopped/diabetes/study.db").exists, process)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "to go on: steepest resume stopped" in said
    assert not (place / "stopped/digits").exists()


BAD = [
    (["compare", "diabetes", "digts"], "did you mean digits"),
    (["compare", "diabetes", "nowhere.py"], "there is no file"),
    (["compare", "diabetes", "digits", "diabetes"], "diabetes is named twice"),
    (["compare", "diabetes", "digits", "--metric", "accuracy"], "no metric 'accuracy'"),
    (["compare", "diabetes", "digits", "--out", "study"], "cannot use the study file"),
    (["compare", "diabetes", "digits", "--out", "several"], "cannot use the study file"),
    (["report"], "Missing argument"),
    (["report", "study", "nowhere"], "there is no study file"),
    (["report", "real", "real"], "is given twice"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=lambda part: str(part)[:50])
def test_bad_input_is_one_sentence_before_anything_is_trained(
    arguments, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for name in ("study", "several/digits"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "study.db").write_text("")
    old = Path(__file__).parents[1] / "formats" / "study-format-1.db"
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "study.db").write_bytes(old.read_bytes())
    if arguments[1:2] == ["study"]:
        arguments = ["report", "real", "nowhere"]
    monkeypatch.setattr(sys, "argv", ["steepest", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert {p.name for p in tmp_path.iterdir()} == {"study", "several", "real"}


def made_up(name, started="2026", **losses):
    study = study_of(**losses)
    return replace(study, started=started, task=replace(study.task, name=name))


def test_from_python_comparisons_and_paths_go_together(tmp_path):
    first = made_up("a", SGD=[1.0, 1.1, 1.0], Adam=[0.5, 0.5, 0.51])
    second = made_up("b", SGD=[0.1, 0.11, 0.1], Adam=[0.5, 0.5, 0.51])
    path = tmp_path / "b" / "study.db"
    old = Path(__file__).parents[1] / "formats" / "study-format-3.db"
    path.parent.mkdir()
    path.write_bytes(old.read_bytes())
    found = steepest.compatibility([Study(first, path), Study(second, path)])
    assert isinstance(found, steepest.StudySet)
    assert list(found.studies) == ["a", "b"]
    assert "no optimizer is among the best on all: on a Adam; on b SGD." in " ".join(
        str(found).split()
    )
    assert found.to_dict()["compatibility"]["tasks"]["a"]["winner"] == "Adam"
    with pytest.raises(steepest.InputError, match="there is 1 study"):
        steepest.compatibility(tmp_path)
    with pytest.raises(steepest.InputError, match="must be a comparison or the path"):
        steepest.compatibility([3])
    assert storage.read(tmp_path / "b").task.name == "digits"


def test_a_directory_of_studies_is_all_of_them(tmp_path):
    assert study_files(tmp_path) == [tmp_path]  # `read` says that there is none
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "study.db").write_text("")
    assert study_files(tmp_path) == [tmp_path / "x/study.db", tmp_path / "y/study.db"]
    assert study_files(tmp_path / "x") == [tmp_path / "x"]
    (tmp_path / "study.db").write_text("")
    assert study_files(tmp_path) == [tmp_path]
