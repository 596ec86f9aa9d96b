"""A rule on its own, in a loop of JAX, on any pytree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import steepest
from steepest.errors import InputError
from steepest.rules import RULES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

PARAMS = {"layer": [jnp.ones((3, 2)), {"bias": jnp.zeros(2)}], "embed": jnp.ones((5, 3))}


def gradient(params):
    return jax.grad(lambda p: sum(jnp.sum((x - 3.0) ** 2) for x in jax.tree.leaves(p)))(params)


def walk(made, count=30, params=PARAMS):
    state = made.init(params)

    @jax.jit
    def step(params, state):
        updates, state = made.update(gradient(params), state, params)
        return jax.tree.map(lambda p, u: p + u, params, updates), state

    for _ in range(count):
        params, state = step(params, state)
    return params, state


@pytest.mark.parametrize("name", RULES)
def test_every_rule_runs_in_a_plain_loop(name):
    made = steepest.optimizer(name.lower(), learning_rate=0.05, steps=30)
    after, state = walk(made)
    assert jax.tree.structure(after) == jax.tree.structure(PARAMS)
    shown = made.shown(after, state)
    for a, b in zip(jax.tree.leaves(shown), jax.tree.leaves(PARAMS), strict=True):
        assert a.shape == b.shape
        assert np.all(np.isfinite(a))
    assert np.abs(jax.tree.leaves(after)[0] - jax.tree.leaves(PARAMS)[0]).max() > 0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"name": "adam"}, lambda o: o.adam(1e-2)),
        ({"name": "sgd", "momentum": 0.9, "nesterov": True}, lambda o: o.sgd(1e-2, 0.9, True)),
        (
            {"name": "adamw", "weight_decay": 0.1, "decay_on": "all", "clip_norm": 1.0},
            lambda o: o.chain(o.clip_by_global_norm(1.0), o.adamw(1e-2, weight_decay=0.1)),
        ),
        (
            {"name": "lion", "schedule": "cosine", "steps": 30},
            lambda o: o.lion(o.cosine_decay_schedule(1e-2, 30), weight_decay=0.0),
        ),
    ],
    ids=lambda case: case.get("name") if isinstance(case, dict) else "optax",
)
def test_it_is_a_transformation_as_optax_has_them(ours, theirs):
    optax = pytest.importorskip("optax")
    made = steepest.optimizer(dialect="optax", learning_rate=1e-2, **ours)
    a, _ = walk(made)
    b, _ = walk(theirs(optax))
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5)


def test_it_goes_into_a_chain():
    optax = pytest.importorskip("optax")
    made = steepest.optimizer("adam", dialect="optax", learning_rate=1e-2)
    chained, _ = walk(optax.chain(optax.clip_by_global_norm(1.0), made))
    own, _ = walk(steepest.optimizer("adam", dialect="optax", learning_rate=1e-2, clip_norm=1.0))
    for x, y in zip(jax.tree.leaves(chained), jax.tree.leaves(own), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


def test_weight_decay_spares_what_is_called_a_bias():
    made = steepest.optimizer("adamw", learning_rate=0.1, weight_decay=0.5)
    state = made.init(PARAMS)
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    ones = jax.tree.map(jnp.ones_like, PARAMS)
    updates, _ = made.update(zeros, state, ones)
    np.testing.assert_allclose(updates["layer"][0], -0.05, rtol=1e-6)
    np.testing.assert_allclose(updates["layer"][1]["bias"], 0.0)
    np.testing.assert_allclose(updates["embed"], -0.05, rtol=1e-6)


def test_a_learning_rate_may_be_traced():
    def end(rate):
        made = steepest.optimizer("sgd", learning_rate=rate)
        params = jnp.array([1.0])
        state = made.init(params)
        for _ in range(3):
            updates, state = made.update(2 * params, state, params)
            params = params + updates
        return params[0]

    rates = jnp.array([0.1, 0.2])
    np.testing.assert_allclose(jax.vmap(end)(rates), (1 - 2 * rates) ** 3, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(end)(0.1), -6 * 0.8**2, rtol=1e-5)


def test_parameters_must_be_floats():
    with pytest.raises(InputError, match="must have floats"):
        steepest.optimizer("sgd").init({"w": jnp.ones(3, jnp.int32)})


def test_half_precision_keeps_its_type():
    params = {"kernel": jnp.ones((3, 2), jnp.bfloat16)}
    made = steepest.optimizer("adam", learning_rate=0.1, ema=0.9, accumulation=2)
    state = made.init(params)
    _, after = made.update(params, state, params)
    types = jax.tree.map(lambda a: a.dtype, (state, after))
    assert jax.tree.leaves(types[0]) == jax.tree.leaves(types[1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "adma"}, "did you mean"),
        ({"name": "adam", "beta": 0.9}, "no hyperparameter 'beta'"),
        ({"name": "adam", "learning_rate": -1}, "at least 0"),
        ({"name": "adam", "schedule": "cosine"}, "needs a length"),
        ({"name": "ademamix"}, "needs a length; give steps=1000, or slow_warmup=0"),
        ({"name": "adam", "dialect": "jax"}, "no dialect"),
        ({"name": "adam", "nobody": jnp.ones(())}, "no hyperparameter"),
        ({"name": "adam", "warmup": jnp.array(0.1), "steps": 9}, "plain number"),
        ({"name": "nadam", "momentum_decay": 0.1}, "no momentum_decay in keras"),
        ({"name": "ftrl", "warmup": 0.5, "steps": 9}, "divides by the learning rate"),
        ({"name": "adam", "schedule": "cosine", "steps": 0}, "whole number"),
        ({"name": 3}, "must be a name"),
    ],
)
def test_bad_input_is_said(arguments, said):
    with pytest.raises(InputError, match=said):
        steepest.optimizer(**arguments)
