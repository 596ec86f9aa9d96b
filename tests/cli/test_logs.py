"""What a person sees of a run besides its results: nothing of the frameworks, more with -v."""

import importlib.util
import json
import os
import subprocess
import sys

import processes
import pytest

import steepest
from steepest.cli.group import cli

SOURCE = os.path.dirname(os.path.dirname(steepest.__file__))
# What a run tells of itself: where it is, and where the results are.
OURS = ("compiling", "search", "confirming", "study:", "report:")
TASK = """
import logging, sys, warnings
print("a person's own print")
print("and one to standard error", file=sys.stderr)
warnings.warn("of a framework, somewhere")
logging.getLogger("jax").warning("of a framework, too")
import tensorflow_or_not
import keras, numpy as np
x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
y = x[:, :1]
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(loss="mse")
validation_split, epochs = 0.25, 2
"""


def run(tmp_path, *arguments, backend="jax", noise=None, **variables):
    (tmp_path / "noisy.py").write_text(TASK)
    if noise is None:  # Keras imports TensorFlow itself where it wants to
        there = importlib.util.find_spec("tensorflow")
        noise = "import tensorflow\n" if there else "import keras\n"
    (tmp_path / "tensorflow_or_not.py").write_text(noise)
    known = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-m", "steepest", *arguments],
        cwd=tmp_path,
        env={**known, "PYTHONPATH": SOURCE, "KERAS_BACKEND": backend, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


COMPARE = ("compare", "noisy.py", "--optimizers", "SGD", "--trials", "2", "--seeds", "1")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_nothing_of_the_frameworks_is_shown(tmp_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = run(tmp_path, *COMPARE, "--out", "out", backend=backend)
    lines = done.stderr.splitlines()
    assert "a person's own print" in lines  # standard output is the results' alone
    assert "and one to standard error" in lines
    others = [line for line in lines if not line.startswith(OURS) and "person's" not in line]
    assert others == ["and one to standard error"]


@pytest.mark.slow
def test_more_is_told_when_asked_and_the_json_stays_pure(tmp_path):
    # TensorFlow's own builds differ in what they say, and some say nothing.
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'a line in C++\\n')\n")
    done = run(tmp_path, *COMPARE, "--json", "-v", "--out", "out", noise="import tensorflow\n")
    assert json.loads(done.stdout)["optimizers"]
    assert "steepest: the study is kept in out/study.db" in done.stderr
    assert "of a framework, somewhere" in done.stderr
    assert "steepest: TensorFlow: a line in C++" in done.stderr.splitlines()
    command = (sys.executable, "-m", "quick_command", "-vv", *COMPARE, "--json", "--out", "again")
    again = processes.run(*command, cwd=tmp_path, env=processes.environment())
    assert again.returncode == 0, again.stderr
    json.loads(again.stdout)
    assert "steepest: again/study.db is written" in again.stderr


def test_an_import_that_fails_shows_what_was_caught(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'the library is missing')\nraise ImportError('no')"
    )
    code = "from steepest.cli import logs; logs.begin(); import tensorflow"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert "the library is missing" in done.stderr
    assert "ImportError: no" in done.stderr


def test_what_a_person_set_stays(tmp_path):
    code = (
        "import os; from steepest.cli import logs; logs.begin(); "
        "print(os.environ['TF_CPP_MIN_LOG_LEVEL'], os.environ['GLOG_minloglevel'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": SOURCE, "TF_CPP_MIN_LOG_LEVEL": "0"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["0", "2"]


def test_the_library_installs_no_handler():
    code = "import logging, steepest, steepest.study, steepest.storage; "
    code += "print(logging.root.handlers, logging.getLogger('steepest').handlers)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": SOURCE},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[] []\n"


def test_every_command_takes_v():
    for command in (cli, *cli.commands.values()):
        assert sum("-v" in parameter.opts for parameter in command.params) == 1
