"""What somebody uses today may have learning rates of its own for parts of the model."""

import keras
import pytest

import steepest
from steepest.errors import InputError
from steepest.options import Options
from steepest.plan import make_plan
from steepest.records import Parameter, TaskFacts

WEIGHTS = (Parameter("body/kernel", (2, 3), "kernel"), Parameter("head/kernel", (3, 2), "kernel"))
FACTS = TaskFacts("t", "mse", (), 12, 100, 10, 0, 6, 10, weights=WEIGHTS)


def test_a_keras_optimizer_with_groups_is_the_baseline():
    mine = steepest.from_keras(keras.optimizers.Adam(1e-3), groups={"body": 0.1})
    assert mine.hyperparameters["rate_factor[body]"] == 0.1
    options = Options(optimizers="Adam", baseline=mine, groups="body=0.05..1")
    tuned, baseline = make_plan(options, FACTS)[0]
    assert baseline.fixed["rate_factor[body]"] == 0.1
    assert tuned.start["rate_factor[body]"] == 0.1  # where the search begins


def test_so_is_one_of_pytorch():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.ones(1))
    mine = steepest.from_torch(torch.optim.SGD([weight], lr=0.1), groups="body=0,head=2")
    assert mine.hyperparameters["rate_factor[body]"] == 0.0
    assert mine.hyperparameters["rate_factor[head]"] == 2.0
    other = torch.nn.Parameter(torch.ones(1))
    apart = torch.optim.SGD([{"params": [weight], "lr": 0.01}, {"params": [other]}], lr=0.1)
    with pytest.raises(InputError, match=r"groups=\{'backbone': 0.1\} beside it"):
        steepest.from_torch(apart)


def test_it_is_not_searched_and_has_the_models_parts():
    adam = keras.optimizers.Adam(1e-3)
    with pytest.raises(InputError, match="what you use today is not searched; give one number"):
        steepest.from_keras(adam, groups="body=0.1..1")
    mine = steepest.from_keras(adam, groups={"boddy": 0.1})
    with pytest.raises(InputError, match="no trainable part of that name; did you mean body"):
        make_plan(Options(optimizers="SGD", baseline=mine), FACTS)
