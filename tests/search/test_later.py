"""What is tried next: a special case is shown to the rule that includes it, and is really it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fake_engine import FakeEngine, searched

import steepest
from steepest.records import Stage
from steepest.rules import RULES

PARAMS = {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]]), "bias": jnp.array([0.3, -0.7])}
CURVED = {"kernel": jnp.array([[1.0, 0.2], [3.0, 0.5]]), "bias": jnp.array([2.0, 0.05])}
DIALECTS = ["keras", "torch", "optax"]
SGD = {"learning_rate": 0.03, "momentum": 0.8}


def walk(name, dialect, values, steps):
    """Return the parameters after each step on a quadratic."""
    made = steepest.optimizer(name, dialect=dialect, **values)
    params, state, seen = PARAMS, made.init(PARAMS), []
    step = jax.jit(made.update)
    for _ in range(steps):
        gradients = jax.tree.map(lambda c, p: c * (p - 1.0), CURVED, params)
        updates, state = step(gradients, state, params)
        params = jax.tree.map(lambda p, u: p + u, params, updates)
        seen.append(np.concatenate([np.ravel(x) for x in jax.tree.leaves(params)]))
    return np.array(seen)


def shown(name, dialect, values):
    rule = RULES[name]
    return rule.includes["SGD"](values, rule.dialect(dialect).twists)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_rmsprop_with_a_large_epsilon_is_momentum_sgd(dialect, momentum):
    values = {**SGD, "momentum": momentum}
    theirs = walk("SGD", dialect, values, 100)
    ours = walk("RMSprop", dialect, shown("RMSprop", dialect, values), 100)
    moved = np.abs(theirs - theirs[0]).max()
    np.testing.assert_allclose(ours, theirs, atol=0.01 * moved)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_adam_with_a_large_epsilon_becomes_momentum_sgd(dialect):
    """It starts with longer steps, as it corrects its average for having begun at zero."""
    theirs = walk("SGD", dialect, SGD, 200)
    ours = walk("Adam", dialect, shown("Adam", dialect, SGD), 200)
    start = np.abs(theirs[0] - 1.0).max()
    assert np.abs(ours - theirs).max() < 0.5 * start
    np.testing.assert_allclose(ours[-1], theirs[-1], atol=0.02 * start)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_adam_s_steps_are_those_of_momentum_sgd_but_for_the_correction(dialect):
    """On a gradient that stays, the steps of both go to η/(1 − μ) times the gradient."""

    def steps(name, values):
        made = steepest.optimizer(name, dialect=dialect, **values)
        params, gradient = {"kernel": jnp.zeros((1, 1))}, {"kernel": jnp.full((1, 1), 0.5)}
        state, found = made.init(params), []
        for _ in range(60):
            updates, state = made.update(gradient, state, params)
            found.append(float(updates["kernel"][0, 0]))
        return np.array(found)

    theirs, ours = steps("SGD", SGD), steps("Adam", shown("Adam", dialect, SGD))
    t = np.arange(1, 61)
    np.testing.assert_allclose(ours * (1 - SGD["momentum"] ** t), theirs, rtol=0.01)


def test_nesterov_has_no_such_form():
    for name in ("RMSprop", "Adam"):
        assert shown(name, "keras", {**SGD, "nesterov": True}) is None


def ahead(**worse):
    """Return a surface on which one rule is ahead, wherever it is."""

    def surface(config, epoch):
        large = float(config.hyperparameters.get("epsilon", 0.0)) > 1
        return 1.0 + (0.0 if large else worse.get(config.rule, 0.0)) + 1 / epoch

    return surface


def large(study, optimizer):
    """Return how many of an optimizer's trials had an epsilon as a special case has it."""
    mine = [t for t in study.trials if t.optimizer == optimizer and t.stage is Stage.SEARCH]
    return sum(t.config.hyperparameters["epsilon"] > 1 for t in mine)


def test_a_special_case_is_shown_once_it_is_ahead(tmp_path):
    study = searched(FakeEngine(ahead(Adam=1.0, RMSprop=1.0)), tmp_path, "SGD,Adam,RMSprop")
    assert large(study, "Adam") >= 1
    assert large(study, "RMSprop") >= 1
    best = study.confirmed("Adam")[0].config.hyperparameters  # and is what is confirmed
    assert best["epsilon"] > 1


def test_a_special_case_that_is_behind_is_not_shown(tmp_path):
    study = searched(FakeEngine(ahead(SGD=1.0)), tmp_path, "SGD,Adam,RMSprop")
    assert large(study, "Adam") == large(study, "RMSprop") == 0


@pytest.mark.parametrize(
    "fixed", ["Adam(epsilon=1e-8)", "Adam(beta_2=0.99)", "Adam(learning_rate=0.01)"]
)
def test_what_a_person_fixed_stays(fixed, tmp_path):
    study = searched(FakeEngine(ahead(Adam=1.0)), tmp_path, f"SGD,{fixed}")
    (name,) = set(study.optimizers) - {"SGD"}
    assert large(study, name) == 0


def test_weight_decay_is_no_part_of_a_special_case(tmp_path):
    study = searched(
        FakeEngine(ahead(Adam=1.0)), tmp_path, "SGD,Adam", recipe={"weight_decay": 0.01}
    )
    assert large(study, "Adam") == 0


def test_under_a_schedule_it_is_shown_once(tmp_path):
    engine = FakeEngine(ahead(Adam=1.0))
    study = searched(engine, tmp_path, "SGD,Adam", schedule="cosine", trials=14)
    mine = [t for t in study.trials if t.optimizer == "Adam" and t.stage is Stage.SEARCH]
    special = [
        (t.config.hyperparameters["learning_rate"], t.epochs)
        for t in mine
        if t.config.hyperparameters["epsilon"] > 1
    ]
    assert special
    assert len(special) == len(set(special))


def test_what_is_shown_is_found_too_where_epsilon_is_searched(tmp_path):
    """Outside of its range, that is."""
    study = searched(FakeEngine(ahead(RMSprop=1.0)), tmp_path, "SGD,RMSprop", trials=20)
    assert large(study, "RMSprop") >= 1
    assert study.confirmed("RMSprop")[0].config.hyperparameters["epsilon"] > 1
