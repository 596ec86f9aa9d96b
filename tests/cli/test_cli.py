"""The command line as a person and as another program would use it."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import processes
import pytest

from steepest import cli
from steepest.rules import RULES
from steepest.tasks.samples import SAMPLES

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
test_data = (x[:20], y[:20])
epochs = 3
"""
LONG = ["--trials", "1000", "--epochs", "3000", "--optimizers", "SGD,Adam", "--out", "stopped"]
FEW = ["--trials", "4", "--seeds", "3", "--optimizers", "SGD,Adam"]
OLD = str(Path(__file__).parents[1] / "formats" / "study-format-1.db")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli")
    (path / "my_task.py").write_text(TASK)
    return path


def steepest(place, *arguments, new=False, module="steepest"):
    """Run the command in a process, which is a `new` one where that may make a difference."""
    command = (sys.executable, "-m", module, *arguments)
    return processes.run(*command, cwd=place, env=processes.environment(COLUMNS="100"), new=new)


@pytest.fixture(scope="module")
def done(place):
    return steepest(place, "compare", "my_task.py", *FEW, "--json", "--out", "one", new=True)


def scrub(text):
    data = json.loads(text)
    assert data["cost"].pop("seconds") > 0
    assert data["cost"].pop("compile_seconds") > 0
    assert data["measures"].pop("cost")["Adam"]["step"]["mean"] > 0
    for speed in data["measures"]["speed"]["optimizers"].values():
        assert speed.pop("seconds")["values"][0] > 0
    return data


@pytest.mark.slow
def test_json_is_one_object_and_the_same_again(place, done):
    assert done.returncode == 0, done.stderr
    again = steepest(place, "compare", "my_task.py", *FEW, "--json", "--out", "two")
    assert scrub(done.stdout) == scrub(again.stdout)
    data = scrub(done.stdout)
    assert data["task"] == "my_task"
    assert set(data["optimizers"]) == {"SGD", "Adam"}
    # Of each four configurations at the most, three seeds, and the defaults on them.
    assert 2 * (3 + 3) <= data["cost"]["trials"] <= 2 * (4 + 3 + 3)
    assert "a task file may print" in done.stderr


@pytest.mark.slow
def test_watching_changes_nothing(place, done):
    told = steepest(place, "compare", "my_task.py", *FEW, "--json", "--watch", "--out", "seen")
    assert told.returncode == 0, told.stderr
    assert "watch: http://127.0.0.1:" in told.stderr
    assert scrub(told.stdout) == scrub(done.stdout)


@pytest.mark.slow
def test_report_tells_the_same_without_training(place, done):
    told = steepest(place, "report", "one", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == json.loads(done.stdout)
    (place / "my_task.py").rename(place / "away.py")  # the study file is enough
    try:
        told = steepest(place, "report", "one/study.db")
    finally:
        (place / "away.py").rename(place / "my_task.py")
    assert told.returncode == 0
    best = json.loads(done.stdout)["verdict"]["recommended"]
    assert f"{best}(learning_rate=" in told.stdout.replace("\n", " ")
    assert "best hyperparameters found" not in told.stdout
    more = steepest(place, "report", "one/study.db", "-v")
    assert "best hyperparameters found" in more.stdout
    assert not CONTROL.search(told.stdout)


@pytest.mark.slow
def test_without_a_terminal_there_are_no_control_characters(place):
    told = steepest(place, "compare", "my_task.py", *FEW)
    assert told.returncode == 0, told.stderr
    assert not CONTROL.search(told.stdout + told.stderr)
    assert "SGD(" in told.stdout
    (made,) = (place / "runs").iterdir()
    assert re.fullmatch(r"my_task-\d{8}-\d{6}", made.name)
    assert f"study: runs/{made.name}/study.db" in told.stderr
    assert f"report: runs/{made.name}/report.html" in told.stderr
    assert (made / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "starts"),
    [("--markdown", "# my\\_task\n"), ("--csv", "number,optimizer,"), ("--json", "{\n")],
)
def test_report_has_other_forms(place, done, option, starts):
    assert done.returncode == 0, done.stderr
    told = steepest(place, "report", "one", option)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(starts)


@pytest.mark.slow
def test_report_writes_the_page_beside_the_study(place, done):
    assert done.returncode == 0, done.stderr
    (place / "one/report.html").unlink(missing_ok=True)
    told = steepest(place, "report", "one/study.db", "--html")
    assert told.returncode == 0, told.stderr
    assert "report: one/report.html" in told.stderr
    assert "my_task" in (place / "one/report.html").read_text()


@pytest.mark.slow
def test_a_target_changes_what_speed_is_measured_to(place, done):
    assert done.returncode == 0, done.stderr
    told = steepest(place, "report", "one", "--json", "--target", "0.5")
    assert json.loads(told.stdout)["measures"]["speed"]["target"] == {
        "value": 0.5,
        "reference": None,
    }
    told = steepest(place, "report", "one", "--json", "--reference", "Adam")
    assert json.loads(told.stdout)["measures"]["speed"]["target"]["reference"] == "Adam"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reference", "Adm"], "Adm"),
        (["--open", "--json"], "--open shows the page"),
        (["--target", "low"], "not a valid float"),
    ],
)
def test_a_report_that_cannot_be_is_one_sentence(place, done, options, message):
    told = steepest(place, "report", "one", *options)
    assert told.returncode == 2
    assert message in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_a_page_that_cannot_be_written_leaves_the_verdict(place, done):
    (place / "one/report.html").unlink(missing_ok=True)
    (place / "one/report.html").mkdir()
    told = steepest(place, "report", "one", "--html")
    (place / "one/report.html").rmdir()
    assert told.returncode == 2
    assert "cannot write one/report.html" in told.stderr


@pytest.mark.slow
def test_on_a_terminal_there_is_progress_and_ctrl_c_stops_it(place):
    mine, theirs = pty.openpty()
    process = processes.start(
        *(sys.executable, "-m", "quick_command", "compare", "my_task.py", *LONG),
        cwd=place,
        env=processes.environment(TERM="xterm-256color", COLUMNS="100"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, interrupted = "", False
    limit = threading.Timer(300, process.kill)
    limit.start()
    with contextlib.suppress(OSError):  # what reading a closed terminal gives on Linux
        while part := os.read(mine, 4096).decode(errors="replace"):
            seen += part
            if not interrupted and re.search(r"search.*[1-9] %", seen[-9000:]):
                interrupted = True
                process.send_signal(signal.SIGINT)
    os.close(mine)
    assert process.wait(timeout=60) == 130
    limit.cancel()
    assert "steepest: stopped" in seen
    told = steepest(place, "report", "stopped")
    assert told.returncode == 0
    assert "no verdict" in told.stdout


BAD = [
    (["compare", "digts"], "did you mean digits"),
    (["compare", "digits", "text", "--watch"], "--watch shows one study"),
    (["compare", "digits", "text", "--name", "one"], "--name is for the study of one task"),
    (["compare", "nowhere.py"], "there is no file"),
    (["compare", "digits", "--optimizers", "Adm"], "did you mean Adam"),
    (["compare", "digits", "--optimizers", "SGD(momentum=2)"], "below 1"),
    (["compare", "digits", "--trials", "0"], "trials is 0"),
    (["compare", "digits", "--seeds", "0"], "seeds is 0"),
    (["compare", "digits", "--epochs", "0"], "epochs is 0"),
    (["compare", "digits", "--seed", "-1"], "seed is -1"),
    (["compare", "digits", "--budget", "huge"], "known are quick, standard, thorough"),
    (["compare", "digits", "--time", "soon"], "time is 'soon'"),
    (["compare", "digits", "--practical", "much"], "practical is 'much'"),
    (["compare", "digits", "--at", "noon"], "known are end, best"),
    (["compare", "digits", "--full-trainings", "0.5"], "must be 1 at the least"),
    (["compare", "digits", "--full-trainings", "9", "--trials", "9"], "give one of them"),
    (["compare", "digits", "--direction", "left"], "'up' or 'down'"),
    (["compare", "digits", "--metric", "acuracy"], "did you mean accuracy"),
    (["compare", "digits", "--trials", "many"], "not a valid integer"),
    (["compare", "digits", "--trails", "3"], "--trials"),
    (["compare", "digits", "--schedule", "cosin"], "did you mean cosine"),
    (["compare", "digits", "--dialect", "jax"], "known are keras, torch, optax"),
    (["compare", "digits", "--recipe", "warmpu=0.1"], "did you mean warmup"),
    (["compare", "digits", "--recipe", "0.1"], "name=value"),
    (["compare", "digits", "--recipe", "warmup=2"], "below 1"),
    (["compare", "digits", "--baseline", "os.system('true')"], "no framework"),
    (["compare", "digits", "--baseline", "Adam(1e-3, 0.9, 0.9)"], "name the arguments"),
    (["explain"], "known are SGD"),
    (["explain", "adma"], "did you mean Adam"),
    (["explain", "adam", "--all"], "not both"),
    (["code", "nowhere"], "there is no study file"),
    (["code", OLD, "--framework", "jax"], "no framework 'jax'"),
    (["code", OLD, "--optimizer", "Lion"], "confirmed no optimizer"),
    (["compare", "digits", "--out", "{file}"], "is a file"),
    (["compare", "digits", "--out", "{study}"], "cannot use the study file"),
    (["compare"], "Missing argument"),
    (["comprae", "digits"], "did you mean compare"),
    (["report", "nowhere"], "there is no study file"),
    (["report", "{file}"], "not a database"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD, ids=lambda part: str(part)[:60])
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text" * 100)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.db").write_text("")
    named = [part.format(file="file", study="study") for part in arguments]
    monkeypatch.setattr(sys, "argv", ["steepest", *named])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("steepest: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "study"]  # nothing half-made


def test_a_bad_task_file_leaves_nothing_behind(place, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    bad = TASK.replace("x[:, 0] + x[:, 1] > 0", "x[:, 0] + x[:, 1] > 99 - 100 * x[:, 2]")
    (tmp_path / "bad.py").write_text(bad.replace("astype(int)", "astype(int) + 4"))
    monkeypatch.setattr(sys, "argv", ["steepest", "compare", "bad.py"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "binary_crossentropy needs labels" in capsys.readouterr().err.replace(
        "binarycr", "binary_cr"
    )
    assert not (tmp_path / "runs").exists()


def test_a_study_may_have_a_name(monkeypatch, tmp_path):
    """The name is the study's and its directory's, as from Python."""
    monkeypatch.chdir(tmp_path)
    found = []

    def run_study(task, options, out, *_):
        found.extend([task.facts.name, out.name[:10], options.name])
        raise KeyboardInterrupt

    monkeypatch.setattr("steepest.study.run_study", run_study)
    monkeypatch.setattr("steepest.cli.output.stop", lambda *_: sys.exit(130))
    monkeypatch.setattr(sys, "argv", ["steepest", "compare", "diabetes", "--name", "first try"])
    with pytest.raises(SystemExit):
        cli.main()
    assert found == ["first try", "first-try-", "first try"]


def test_help_and_tasks_are_quick_to_load_and_complete(monkeypatch, capsys):
    for arguments in (["--help"], ["compare", "--help"], ["tasks"], ["tasks", "--json"]):
        monkeypatch.setattr(sys, "argv", ["steepest", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert not caught.value.code
    told = capsys.readouterr().out
    for name in SAMPLES:
        assert name in told


def test_the_command_is_installed():
    script = Path(sys.executable).parent / "steepest"
    if not script.exists():
        pytest.skip("the package is on the path, but not installed")
    told = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.startswith("steepest, version 0.")


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A study with a recipe, another dialect and a baseline."""
    out = tmp_path_factory.mktemp("asked") / "study"
    done = steepest(
        out.parent,
        *("compare", "diabetes", "--trials", "2", "--seeds", "2", "--epochs", "2"),
        *("--optimizers", "SGD(momentum=0.9),AdamW(learning_rate=Float(1e-4,1e-2,log=True))"),
        *("--dialect", "torch", "--schedule", "cosine", "--recipe", "warmup=0.1,clip_norm=1"),
        *("--baseline", "keras.optimizers.Adam(1e-2, weight_decay=0.01)", "--out", str(out)),
        module="quick_command",
    )
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.mark.slow
def test_a_baseline_takes_part_as_it_stands(asked):
    _, shown = asked
    assert "your Adam(0.01, weight_decay=0.01)" in " ".join(shown.split())
    assert "yours: Adam(0.01," in shown
    assert shown.count("schedule=cosine") == 2  # of the others


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "torch", "optax"])
def test_code_prints_source_alone(asked, framework):
    out, _ = asked
    name = "adamw(learning_rate=0.0001..0.01)"
    done = steepest(out.parent, "code", str(out), "--optimizer", name, "--framework", framework)
    assert done.returncode == 0, done.stderr
    compile(done.stdout, "pasted", "exec")
    assert {"keras": "CosineDecay", "torch": "LambdaLR", "optax": "cosine_decay"}[
        framework
    ] in done.stdout
    best = steepest(out.parent, "code", str(out), "--framework", framework)
    compile(best.stdout, "pasted", "exec")


@pytest.mark.slow
def test_explain_tells_and_draws(tmp_path):
    done = steepest(Path.cwd(), "explain", "adam")
    assert done.returncode == 0, done.stderr
    assert "Kingma" in done.stdout
    assert "\x1b" not in done.stdout
    both = steepest(Path.cwd(), "explain", "adam", "sgd")
    assert "Adam" in both.stdout
    assert "SGD" in both.stdout
    data = json.loads(steepest(Path.cwd(), "explain", "--all", "--json").stdout)
    assert set(data["optimizers"]) == set(RULES)
    page = tmp_path / "page.html"
    assert steepest(Path.cwd(), "explain", "lion", "--html", str(page)).returncode == 0
    assert "<svg" in page.read_text()
