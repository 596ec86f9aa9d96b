"""A handful of the benchmark's models (`benchmarks/lowered`): lowered, and proved."""

import pytest

pytest.importorskip("torch")
from lowered.case import tried
from lowered.more_tutorials import MORE_TUTORIALS
from lowered.tutorials import TUTORIALS

CASES = {case.name: case for case in (*TUTORIALS, *MORE_TUTORIALS)}
QUICK = ("MLP", "Deep set")
LONGER = (
    "CNN, batch norm and dropout",
    "Tagger, LSTM both ways",
    "Word language model, transformer",
    "U-Net",
    "VAE",
)


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LONGER)]
)
def test_proved(name):
    assert tried(CASES[name], 240).why == ""


def test_what_is_not_lowered_says_why():
    found = tried(CASES["Classifier, GRU, packed sequences"], 240)
    assert found.why.startswith("NotLoweredError: ")
