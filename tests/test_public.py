"""The public names are real, documented, and cost nothing until they are used."""

import subprocess
import sys

import pytest

import steepest


def test_all_names_are_there():
    assert list(steepest.__all__) == sorted(steepest.__all__)
    for name in steepest.__all__:
        assert getattr(steepest, name) is not None
    assert set(steepest.__all__) <= set(dir(steepest))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = steepest.nothing


@pytest.mark.parametrize("name", [n for n in steepest.__all__ if n != "__version__"])
def test_every_name_has_a_docstring(name):
    assert len(getattr(steepest, name).__doc__) > 20


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("import steepest", ["numpy", "jax", "keras", "click", "rich"]),
        ("import steepest; steepest.read", ["jax", "keras", "sklearn"]),
        ("import steepest.cli", ["numpy", "jax", "keras", "rich", "scipy"]),
        ("import steepest.rules", ["jax", "keras", "scipy"]),
        ("import steepest.reports.terminal", ["jax", "keras", "sklearn", "scipy.stats"]),
    ],
)
def test_nothing_heavy_is_loaded_before_its_time(code, without):
    check = f"{code}\nimport sys\nprint([m for m in {without} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
