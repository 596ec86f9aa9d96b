"""`steepest export` and `steepest watch` as a person would use them."""

import csv
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import processes
import pytest

OLD = str(Path(__file__).parents[1] / "formats" / "study-format-3.db")


def steepest(place, *arguments):
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    return processes.run(
        *(sys.executable, "-m", "steepest", *arguments), cwd=place, env=environment
    )


def test_a_table_of_trials_or_of_curves(tmp_path):
    done = steepest(tmp_path, "export", OLD, "--csv", "trials.csv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "csv: trials.csv\n")
    assert steepest(tmp_path, "export", OLD, "--csv", "curves.csv", "--curves").returncode == 0
    with (tmp_path / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    with (tmp_path / "curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert len(curves) == sum(int(trial["epochs"]) for trial in trials) > 0


@pytest.mark.slow
def test_several_places_at_once(tmp_path):
    for package in ("optuna", "tensorboard", "pyarrow"):
        pytest.importorskip(package, reason=f"exports with {package} need it")
    wanted = ["--parquet", "a.parquet", "--optuna", "sqlite:///a.db", "--tensorboard", "logs"]
    done = steepest(tmp_path, "export", OLD, *wanted)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "parquet",
        "optuna",
        "tensorboard",
    ]
    for option, place in zip(wanted[::2], wanted[1::2], strict=True):
        again = steepest(tmp_path, "export", OLD, option, place)
        assert again.returncode == 2, option
        assert again.stderr.count("\n") == 1
        assert "already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([OLD], "say where to: --csv, --parquet, --optuna, --tensorboard or --mlflow"),
        ([OLD, "--curves", "--optuna", "sqlite://"], "--curves is for --csv and --parquet"),
        ([OLD, "--csv", "there"], "there is there already; choose another file"),
        (["nowhere", "--csv", "new"], "there is no study file nowhere"),
        ([OLD, "--csv", "no/where.csv"], "No such file or directory: no/where.csv"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, arguments, message):
    (tmp_path / "there").write_text("mine")
    done = steepest(tmp_path, "export", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "new").exists()


def test_watching_is_until_ctrl_c(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "steepest", "watch", OLD, "--no-open"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        with urllib.request.urlopen(url) as answer:
            assert "SGD" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert not re.search(r"\| +(keras|jax|tensorflow)$", errors, re.MULTILINE)


def test_a_port_that_is_taken_is_said(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = steepest(tmp_path, "watch", OLD, "--no-open", "--port", port)
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
