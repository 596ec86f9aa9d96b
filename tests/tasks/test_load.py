"""A task from a name, a file or a function, or a sentence that says what is wrong."""

import pytest

from steepest.errors import InputError
from steepest.tasks.load import load_task

GOOD = """
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(40, 3))
y = x.sum(axis=1)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(loss="mse")
validation_split = 0.25
epochs = 3
"""
FUNCTION = GOOD + "\ndef task():\n    return dict(model=model, x=x, y=y, validation_split=0.5)\n"


def write(tmp_path, text, name="my_task.py"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_a_file_is_read_as_fit_would_be_called(tmp_path):
    task = load_task(write(tmp_path, GOOD))
    assert task.facts.name == "my_task"
    assert (task.facts.epochs, task.facts.training_examples) == (3, 30)
    assert load_task(write(tmp_path, GOOD), epochs=7).facts.epochs == 7


def test_a_function_returns_the_same_names(tmp_path, monkeypatch):
    path = write(tmp_path, FUNCTION, "functions_for_test.py")
    assert load_task(f"{path}:task").facts.training_examples == 20
    monkeypatch.chdir(tmp_path)
    assert load_task("functions_for_test:task").facts.name == "task"


def test_a_file_may_import_its_neighbour(tmp_path):
    write(tmp_path, GOOD, "neighbour_for_test.py")
    assert load_task(write(tmp_path, "from neighbour_for_test import *\n")).facts.epochs == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not define model and x and y"),
        (GOOD.replace("y = x", "z = x"), "does not define y"),
        ("import keras\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ("import keras\ndef f(:\n", "line 2: SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import no_such_module_here", "ModuleNotFoundError"),
        (GOOD.replace("validation_split", "split"), "no validation data"),
        (GOOD.replace("x.sum(axis=1)", "x.sum(axis=1) * float('nan')"), "NaN"),
    ],
)
def test_a_file_that_cannot_be_used_is_said(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        load_task(write(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digts", "did you mean digits"),
        ("nowhere.py", "there is no file nowhere.py"),
        ("no_such_package_here.module:task", "there is no module"),
        ("json:", "package.module:function"),
        ("json:lods", "did you mean loads"),
        ("steepest.tasks.samples:nothing_like_it", "has no function"),
        ("collections:OrderedDict", "does not define model"),
        ("os:getcwd", "must return a dictionary"),
    ],
)
def test_a_name_that_names_nothing_is_said(name, said):
    with pytest.raises(InputError, match=said):
        load_task(name)


def test_a_wrong_name_in_the_dictionary_is_said(tmp_path):
    text = FUNCTION.replace("validation_split=0.5", "validation_splt=0.5")
    with pytest.raises(InputError, match="did you mean validation_split"):
        load_task(write(tmp_path, text) + ":task")


def test_a_function_named_shuffle_is_no_setting(tmp_path):
    text = GOOD + "from random import shuffle\n"
    assert load_task(write(tmp_path, text)).facts.shuffle
    assert not load_task(write(tmp_path, GOOD + "shuffle = False\n", "kept.py")).facts.shuffle
