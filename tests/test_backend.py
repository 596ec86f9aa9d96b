"""Keras is imported on a backend that is there, and nobody's choice is changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import steepest
from steepest import backend

SOURCE = str(Path(steepest.__file__).parent.parent)
WHICH = "import os, steepest; print(os.environ.get('KERAS_BACKEND'))"


def run(code, place, **variables):
    """Run code where nobody chose a backend, with what lies in `place` first on the path."""
    known = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "PYTHONPATH")}
    found = {"PYTHONPATH": f"{place}{os.pathsep}{SOURCE}", "KERAS_HOME": str(place), **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**known, **found}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.fixture
def without(tmp_path):
    """A directory in which TensorFlow is not found, wherever else it is installed."""
    code = "import importlib.util as u; find = u.find_spec\n"
    code += "u.find_spec = lambda n, *a: None if n == 'tensorflow' else find(n, *a)\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    return tmp_path


@pytest.mark.slow
def test_keras_can_be_imported_after_steepest(without):
    code = "import logging; logging.basicConfig(level=20); import steepest, keras; "
    said, log = run(code + "print(keras.backend.backend())", without)
    assert said == "jax"
    assert "KERAS_BACKEND is not set and TensorFlow is not installed" in log
    # Keras has written its file by now, with "tensorflow" in it, which nobody asked for.
    assert json.loads((without / "keras.json").read_text())["backend"] == "tensorflow"
    assert run(WHICH, without)[0] == "jax"


def test_what_a_person_chose_stays(without):
    assert run(WHICH, without, KERAS_BACKEND="torch")[0] == "torch"
    (without / "keras.json").write_text('{"backend": "torch"}')
    assert run(WHICH, without)[0] == "None"
    (without / "keras.json").write_text("[nonsense")
    assert run(WHICH, without)[0] == "jax"


def test_tensorflow_stays_where_it_is_installed(tmp_path):
    (tmp_path / "tensorflow.py").write_text("")
    assert run(WHICH, tmp_path)[0] == "None"


def test_an_imported_keras_stays(without):
    (without / "keras").mkdir()
    (without / "keras/__init__.py").write_text("")
    assert run(f"import keras; {WHICH}", without)[0] == "None"


@pytest.mark.slow
def test_the_command_line_says_it_at_v(without):
    code = (
        "import steepest.cli.logs as l, click; l._show(20); from steepest.tasks.keras import task; "
    )
    assert "TensorFlow is not installed" in run(code + "task.load_keras()", without)[1]


def test_who_says_how_much_memory_shares_a_gpu(monkeypatch):
    monkeypatch.delenv(backend.PREALLOCATE, raising=False)
    backend.share_gpu()
    assert os.environ[backend.PREALLOCATE] == "false"
    monkeypatch.setenv(backend.PREALLOCATE, "true")
    backend.share_gpu()
    assert os.environ[backend.PREALLOCATE] == "true"
