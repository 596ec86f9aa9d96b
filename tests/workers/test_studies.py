"""Whole studies by workers: as one process makes them, whoever is killed on the way."""

import importlib.util
import os
import signal

import compiling
import keras
import pytest
from faults.running import (
    FEW,
    REAL,
    TASK,
    check_end,
    check_finished,
    has_trials,
    run,
    start,
    study_of,
    wait_until,
)
from faults.same import scrub
from small import classes_data, make_model

import steepest
from steepest.errors import InputError
from steepest.workers.processes import Processes

pytestmark = pytest.mark.slow
ANSWERS = 6  # of about 20 that come in all

STREAM = """
import pathlib
import keras, numpy as np
place = pathlib.Path(__file__).parent / "data.npz"
if not place.exists():
    rng = np.random.default_rng(3)
    a = rng.uniform(-2, 2, (160, 3)).astype("float32")
    np.savez(place, a=a, b=np.sin(a[:, :1]) * a[:, 1:2])
def x():
    data = np.load(place)
    for i in range(0, 128, 16):
        yield data["a"][i : i + 16], data["b"][i : i + 16]
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
model.compile(loss="mse")
validation_data = (np.load(place)["a"][128:], np.load(place)["b"][128:])
epochs, steps_per_epoch = 4, 8
"""


def trials(out):
    return scrub(study_of(out)).trials


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("workers")
    (path / "task.py").write_text(
        TASK.replace("epochs, batch_size = 400", "epochs, batch_size = 60")
    )
    # What is forked hashes alike: this one, and Ray's driver that resumes, do not.
    check_end(run(*REAL, "compare", path / "task.py", *FEW, "--out", path / "whole", new=True))
    return path


@pytest.fixture
def all_compile_quickly(compiled_quickly, monkeypatch):
    """Let XLA try less, here and in workers alike, whose bits are held to each other."""
    monkeypatch.setenv(compiling.ASKED, "1")


def with_ray():
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")


@pytest.mark.parametrize("workers", ["2", "ray"])
def test_the_command_gives_the_same_study(place, workers):
    """Its driver is killed in the middle, and it is resumed."""
    if workers == "ray":
        with_ray()
    out = place / f"by-{workers}"
    command = (*REAL, "compare", place / "task.py", *FEW, "--out", out, "--workers", workers)
    process = start(*command)
    assert wait_until(has_trials(out, 3), process)
    process.kill()
    process.communicate()
    check_end(run(*REAL, "resume", out, place / "task.py", new=workers == "ray"))
    check_finished(out)
    assert trials(out) == trials(place / "whole")
    assert study_of(out).asked["workers"] == workers
    assert "workers" in study_of(out).hardware


def test_a_stream_is_read_by_every_worker(tmp_path):
    (tmp_path / "flow.py").write_text(STREAM)
    command = (*REAL, "compare", tmp_path / "flow.py", *FEW)
    check_end(run(*command, "--out", tmp_path / "here"))
    check_end(run(*command, "--out", tmp_path / "there", "--workers", "2"))
    assert trials(tmp_path / "there") == trials(tmp_path / "here")


def test_a_model_in_memory_trains_in_processes_of_which_one_is_killed(
    tmp_path, monkeypatch, all_compile_quickly
):
    """From Python; it waits until workers have trained, and kills one that does."""
    x, y = classes_data()
    given = {
        "validation_data": classes_data(1),
        "optimizers": "SGD,Adam",
        "full_trainings": 10,
        "epochs": 40,
        "batch_size": 16,
        "initial_weights": "given",
        "progress": False,
    }
    model = make_model(dropout=0.1)
    here = steepest.compare(model, x, y, out=tmp_path / "here", **given)
    answers, killed, collect = [], [], Processes.collect

    def collect_and_kill(self, timeout):
        busy = [one for one in self.workers if one.ticket is not None and one.ready]
        if not killed and len(answers) >= ANSWERS and len(self.workers) == 2 and busy:
            killed.append(busy[0].handle.process.pid)
            os.kill(killed[0], signal.SIGKILL)
        came = collect(self, timeout)
        answers.extend(came)
        return came

    monkeypatch.setattr(Processes, "collect", collect_and_kill)
    there = steepest.compare(model, x, y, out=tmp_path / "there", workers=2, **given)
    assert killed
    assert trials(tmp_path / "there") == trials(tmp_path / "here")
    assert there.best.config == here.best.config


def test_parts_and_the_call_of_a_schedule_travel(tmp_path, all_compile_quickly):
    x, y = classes_data()
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, name="body"), layers.Dense(3, "softmax", name="head")]
    )
    model.compile(loss="sparse_categorical_crossentropy")
    given = {
        "validation_split": 0.2, "epochs": 2, "optimizers": "SGD", "trials": 3, "seeds": 2,
        "groups": {"body": steepest.Float(0.01, 1, log=True)}, "progress": False,
        "schedule": ["cosine", "PiecewiseConstantDecay([4], [1.0, 0.1])"],
    }  # fmt: skip
    steepest.compare(model, x, y, out=tmp_path / "here", **given)
    steepest.compare(model, x, y, out=tmp_path / "there", workers=2, **given)
    assert trials(tmp_path / "there") == trials(tmp_path / "here")
    kept = {"workers": 2, "out": tmp_path / "none", "schedule": lambda step: 1 / (1 + step)}
    with pytest.raises(InputError, match="workers in other processes do not know it"):
        steepest.compare(model, x, y, **{**given, **kept})


class Own(keras.layers.Layer):
    def call(self, x):
        return x


def test_what_cannot_be_sent_is_refused(tmp_path):
    x, y = classes_data()
    layers = keras.layers
    own = keras.Sequential([keras.Input((6,)), Own(), layers.Dense(3, "softmax")])
    own.compile(loss="sparse_categorical_crossentropy")
    given = {"validation_split": 0.2, "workers": 2, "out": tmp_path / "none", "epochs": 2}
    with pytest.raises(InputError, match=r"uses Own, which another process .* task file"):
        steepest.compare(own, x, y, **given)
    with pytest.raises(InputError, match=r"x has a generator, but only NumPy's arrays"):
        steepest.compare(make_model(), (i for i in range(3)), **given)
    with pytest.raises(InputError, match="workers is 'many', but must be a number of processes"):
        steepest.compare(make_model(), x, y, **{**given, "workers": "many"})
    if importlib.util.find_spec("ray") is None:
        with pytest.raises(InputError, match=r'pip install "steepest\[ray\]"'):
            steepest.compare(make_model(), x, y, **{**given, "workers": "ray"})
    assert not (tmp_path / "none").exists()
