"""Processes that run a study, to be stopped at any moment and asked to go on."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import processes

from steepest import storage
from steepest.records import Stage, StudyRecord

TESTS = Path(__file__).parent.parent
REAL = (sys.executable, "-m", "steepest")
FAKE = (sys.executable, "-m", "faults.command")
AT_ONCE = "PYTHONUNBUFFERED"  # a container may have it; the streams of a fork are made without
TASK = """
import keras
import numpy as np

random = np.random.default_rng(0)
x = random.normal(size=(100, 6)).astype("float32")
y = (x[:, 0] * x[:, 1] + 0.3 * random.normal(size=100) > 0).astype("int32")
layers = [keras.Input((6,)), keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.1)]
model = keras.Sequential([*layers, keras.layers.Dense(1, "sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
validation_split = 0.2
epochs, batch_size = 400, 16
"""
LOOP_TASK = """
import numpy as np
import torch
from torch import nn

random = np.random.default_rng(0)
x = random.normal(size=(100, 6)).astype("float32")
y = (x[:, 0] * x[:, 1] + 0.3 * random.normal(size=100) > 0).astype("int64")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)
        )

    def forward(self, x):
        return self.layers(x) * (1.0 if float(x.sum()) > 0 else 2.0)  # which is not lowered


train, validation = (x[:80], y[:80]), (x[80:], y[80:])
loss = nn.CrossEntropyLoss()
epochs, batch_size = 30, 16
"""
FAKE_STUDY = ("--full-trainings", "8", "--seeds", "2", "--optimizers", "SGD,Adam")
FEW = ("--full-trainings", "12", "--seeds", "2", "--optimizers", "SGD,Adam")


def surroundings(**more: object) -> dict[str, str]:
    """Return the environment of a process that finds what the tests find, and saves often."""
    found = {**os.environ, "STEEPEST_CHECKPOINT": "0.1", "COLUMNS": "100"}
    found.pop(AT_ONCE, None)  # as people have it: what is written waits for a flush
    places = [str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    found["PYTHONPATH"] = os.pathsep.join(places)
    return found | {name: str(value) for name, value in more.items()}


def _environment(command: tuple[object, ...], new: bool, more: dict) -> dict[str, str]:
    """Return the surroundings; where they forbid no fork but for `AT_ONCE`, of which it is free."""
    found = surroundings(**more)
    as_here = {AT_ONCE: os.environ.get(AT_ONCE, ""), **found}
    forked = not new and processes.may_be_forked([str(part) for part in command], as_here)
    return as_here if forked else found


def run(
    *command: object, timeout: float = 300, new: bool = False, torch: bool = False, **more: object
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end."""
    env = _environment(command, new, more)
    return processes.run(*command, env=env, timeout=timeout, new=new, torch=torch)


def start(
    *command: object,
    new: bool = False,
    torch: bool = False,
    stdout: int = subprocess.PIPE,
    **more: object,
) -> processes.Process:
    """Start a process."""
    env = _environment(command, new, more)
    return processes.start(*command, env=env, new=new, torch=torch, stdout=stdout)


def wait_until(found, process: processes.Process, seconds: float = 180) -> bool:
    """Wait until `found()` is true; return whether it was before the process ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    process.kill()
    raise AssertionError(f"nothing in {seconds} s")


def has_trials(out: Path, count: int = 1):
    """Return a function that tells whether so many trials are in the study file."""

    def found() -> bool:
        try:
            with sqlite3.connect(f"file:{out / 'study.db'}?mode=ro", uri=True) as db:
                return db.execute("SELECT count(*) FROM trial").fetchone()[0] >= count
        except sqlite3.Error:
            return False

    return found


def study_of(out: Path) -> StudyRecord:
    """Return the study in a directory."""
    return storage.read(out)


def phase(out: Path) -> str:
    """Return how far a dead process had come, from a copy, so that nothing is repaired."""
    if not (out / "study.db").exists():
        return "before the study file"
    with tempfile.TemporaryDirectory() as place:
        for file in out.glob("study.db*"):
            shutil.copy(file, place)
        study = storage.read(Path(place))
    stages = {trial.stage for trial in study.trials}
    if study.finished and Stage.CONFIRM in stages:
        return "after the verdict"
    if stages & {Stage.SWEEP, Stage.DEFAULT}:
        return "sweep"
    if Stage.CONFIRM in stages:
        return "confirming"
    return "search" if stages else "first rung"


@dataclass
class Story:
    """What happened to a study that was killed: where each time, and how it ended."""

    phases: list[str] = field(default_factory=list)
    resumes: int = 0
    last: subprocess.CompletedProcess[str] | None = None


def kill_and_resume(
    first, resume, out: Path, moments: list[tuple[int, float]], **more: object
) -> Story:
    """Start `first`, kill it; `resume` it and kill that, ..., and let the last one end.

    A moment is how many trials are in the study file by then, and seconds after that; so it does
    not hang on how busy the machine is. The last resume is not killed.
    """
    story = Story()
    for i, (count, delay) in enumerate(moments):
        marker = out / ("study.db" if not i else "study.lock")
        process = start(*(resume if i else first), **more)
        wait_until(marker.exists, process)
        wait_until(has_trials(out, count), process)
        time.sleep(delay)
        ended = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        story.phases.append("it had ended" if ended else phase(out))
    story.last = run(*resume, **more)
    story.resumes = len(moments)
    return story


def check_end(done: subprocess.CompletedProcess[str], code: int = 0) -> None:
    """Check the exit code, and that whatever was said is no traceback."""
    told = f"{done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    assert done.returncode == code, told
    assert "Traceback" not in done.stderr, told
    assert "Traceback" not in done.stdout, told


def check_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that it was refused with exit code 2 and one sentence that has these words."""
    check_end(done, 2)
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("steepest: "), done.stderr
    for word in words:
        assert word in done.stderr, f"{word!r} is not in: {done.stderr}"


def check_finished(out: Path) -> None:
    """Check that nothing is left beside a finished study, and that its file is sound."""
    left = sorted(path.name for path in out.iterdir())
    assert not {"states", "study.lock", "study.db-journal", "study.db-wal"} & set(left), left
    check_sound(out)


def check_sound(out: Path) -> None:
    """Check the study file with SQLite's own eyes."""
    with sqlite3.connect(out / "study.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
