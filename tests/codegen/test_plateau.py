"""A plateau as code: it is run in its framework, and lowers the rate as the trial's was lowered."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY

from steepest.codegen import code
from steepest.records import Config
from steepest.records.callbacks import Follower
from steepest.rules.plateau import plateau_of
from steepest.study.recommendation import Recommendation

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

FACTS = replace(STUDY.task, epochs=20)
RATE = 0.25
CURVES = st.lists(st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, 3.0]), min_size=1, max_size=20)
NUMBERS = st.fixed_dictionaries(
    {
        "factor": st.just(0.5),
        "patience": st.sampled_from([1.0, 2.0, 4.0]),
        "cooldown": st.sampled_from([0.0, 1.0, 3.0]),
        "min_delta": st.sampled_from([0.0, 0.125, 0.5]),
        "final": st.sampled_from([0.0, 0.125]),
    }
)


def config(numbers, **more):
    values = {"learning_rate": RATE, "momentum": 0.0, "nesterov": False, **numbers, **more}
    return Config("SGD", "keras", values, "plateau", 0)


def expected(one, curve):
    """Return the learning rate after each epoch of a trial."""
    follower, found = Follower(plateau_of(one, FACTS), RATE), []
    for value in curve:
        follower.see({"loss": value})
        found.append(follower.rate)
    return found


@settings(max_examples=40, deadline=None)
@given(curve=CURVES, numbers=NUMBERS)
def test_keras_callback(curve, numbers):
    one, names = config(numbers), {}
    exec(code(one, FACTS, "keras"), names)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(names["optimizer"], loss="mse")
    plateau = names["plateau"]
    plateau.set_model(model)
    plateau.on_train_begin()
    found = []
    for epoch, value in enumerate(curve):
        plateau.on_epoch_end(epoch, {"val_loss": value})
        found.append(float(model.optimizer.learning_rate))
    assert found == expected(one, curve)


@settings(max_examples=40, deadline=None)
@given(curve=CURVES, numbers=NUMBERS)
def test_pytorchs_scheduler(curve, numbers):
    torch = pytest.importorskip("torch")
    one = config(numbers)
    model = torch.nn.Linear(1, 1)
    names = {"model": model}
    exec(code(one, FACTS, "torch"), names)
    found = []
    for value in curve:
        names["plateau"].step(value)
        found.append(names["optimizer"].param_groups[0]["lr"])
    assert found == expected(one, curve)


@settings(max_examples=25, deadline=None)
@given(curve=CURVES, numbers=NUMBERS)
def test_optax_transformation(curve, numbers):
    jnp = pytest.importorskip("jax.numpy")
    one, names = config(numbers), {}
    exec(code(one, FACTS, "optax"), names)
    params = {"w": jnp.ones(2)}
    state, seen, found = names["optimizer"].init(params), names["seen"], []
    for value in curve:
        state, seen = names["after_epoch"](state, seen, value)
        updates, state = names["optimizer"].update({"w": jnp.ones(2)}, state, params)
        found.append(-float(updates["w"][0]))
    assert found == expected(one, curve)


@pytest.mark.parametrize("more", [
    {"weight_decay": 0.5, "decay": "decoupled", "decay_on": "all", "clip_norm": 1.0},
    {"weight_decay": 0.5, "decay": "decoupled", "decay_on": "all", "accumulation": 2},
    {"rate_factor[a]": 0.5},
], ids=["decay", "accumulation", "parts"])  # fmt: skip
def test_optax_with_a_recipe_has_the_lowered_rate_in_all_of_it(more):
    """A step after a drop is the step of a constant rate that is as low."""
    jnp = pytest.importorskip("jax.numpy")
    numbers = {"factor": 0.5, "patience": 1.0}
    one, names, other = config(numbers, **more), {}, {}
    exec(code(one, FACTS, "optax"), names)
    low = {**one.hyperparameters, "learning_rate": RATE / 2}
    low = {name: value for name, value in low.items() if name not in numbers}
    exec(code(replace(one, schedule="constant", hyperparameters=low), FACTS, "optax"), other)
    params = {"a": {"w": jnp.ones((2, 2))}, "b": {"w": jnp.full((2, 2), 2.0)}}
    grads = {"a": {"w": jnp.full((2, 2), 0.3)}, "b": {"w": jnp.full((2, 2), 0.1)}}
    steps = []
    state, seen = names["optimizer"].init(params), names["seen"]
    for value in (1.0, 1.0):  # the second is no better
        state, seen = names["after_epoch"](state, seen, value)
    theirs = other["optimizer"].init(params)
    for update, at in ((names["optimizer"].update, state), (other["optimizer"].update, theirs)):
        for _ in range(2):
            updates, at = update(grads, at, params)
        steps.append([np.asarray(updates[name]["w"]) for name in ("a", "b")])
    np.testing.assert_allclose(steps[0], steps[1], rtol=1e-6)
    assert np.abs(steps[0]).max() > 0


def test_parts_have_a_lowest_rate_of_their_own():
    torch = pytest.importorskip("torch")
    one = config({"factor": 0.1, "patience": 1.0, "final": 0.5}, **{"rate_factor[a]": 0.1})
    model = torch.nn.ModuleDict({"a": torch.nn.Linear(1, 1), "b": torch.nn.Linear(1, 1)})
    names = {"model": model}
    exec(code(one, replace(FACTS, framework="torch"), "torch"), names)
    for value in (1.0, 1.0, 1.0, 1.0):
        names["plateau"].step(value)
    rates = sorted(group["lr"] for group in names["optimizer"].param_groups)
    assert rates == pytest.approx([RATE * 0.1 * 0.5, RATE * 0.5])


def test_who_builds_it_gets_the_callback_or_the_scheduler():
    torch = pytest.importorskip("torch")
    one = config({"factor": 0.5, "patience": 3.0})
    found = Recommendation("SGD", one, replace(STUDY, task=FACTS))
    optimizer = found.optimizer()
    plateau = found.scheduler(optimizer)
    assert isinstance(plateau, keras.callbacks.ReduceLROnPlateau)
    assert (plateau.factor, plateau.patience) == (0.5, 3)
    scheduler = found.scheduler(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.25))
    assert isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    source = found.code("keras")
    assert "callbacks = [\n    plateau,\n]" in source
