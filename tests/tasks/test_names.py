"""The name of a study of a model that nobody named."""

import sys

import keras
import pytest

from steepest.tasks.names import task_name


@pytest.mark.parametrize(
    "given", ["sequential", "sequential_3", "functional_1", "model", "model_12"]
)
def test_a_name_that_keras_gave_is_the_scripts(given, monkeypatch):
    main = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert task_name(given) == "study"  # typed into an interpreter
    main.__file__ = "/somewhere/my_script.py"
    assert task_name(given) == "my_script"
    main.__file__ = "/somewhere/package/__main__.py"
    assert task_name(given) == "package"
    main.__file__ = f"/{'long' * 50}.py"
    assert len(task_name(given)) == 60


def test_in_a_notebook_it_is_the_notebooks(monkeypatch):
    main = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/analysis.ipynb")
    assert task_name("sequential") == "study"  # an interpreter that a notebook started
    main.get_ipython = print
    assert task_name("sequential") == "analysis"
    main.__vsc_ipynb_file__ = "/somewhere/other.ipynb"
    assert task_name("sequential") == "other"
    monkeypatch.delenv("JPY_SESSION_NAME")
    del main.__vsc_ipynb_file__
    assert task_name("sequential") == "study"


@pytest.mark.parametrize("given", ["digits", "sequential-1", "my_model", "modelling", "net_1"])
def test_another_name_stays(given):
    assert task_name(given) == given


def test_the_names_are_those_that_keras_gives():
    inputs = keras.Input((2,))
    models = (keras.Sequential(), keras.Model(inputs, keras.layers.Dense(1)(inputs)))
    assert all(task_name(model.name) != model.name for model in models)
