"""SOAP against its authors' arithmetic, in doubles; and where its matrices are computed."""

import numpy as np
import pytest
from soap_reference import SHAPES, STEPS, assert_same, configured, gradients, start, theirs

from steepest.records import Parameter
from steepest.rules import step


def ours(shapes=SHAPES, **given):
    """Return the weights after each step."""
    config = configured(**given)
    plan = step.make_plan(config, [Parameter("w", shape, "kernel") for shape in shapes])
    numbers, complements = step.prepare("constant", config.numbers, STEPS)
    weights = start(shapes)
    memory, path = step.begin(plan, weights, numbers, complements), []
    for done in range(STEPS):
        g = gradients(weights, done)
        weights, memory = step.step(
            plan, g, weights, memory, np.float64(done), numbers, complements
        )
        path.append(weights)
    return path


@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("decay", [0.0, 0.25])
def test_it_steps_as_its_authors_do(every, decay):
    given = {"weight_decay": decay, "decay_on": "all"} if decay else {}
    path = ours(precondition_frequency=every, **given)
    assert_same(path, theirs(every=every, decay=decay))
    np.testing.assert_array_equal(path[0][0], start(SHAPES)[0])  # the first step only makes bases


def test_the_bases_matter():
    """Else it would be Adam, whose path no test would tell from this one."""
    path, adam = ours(), ours(max_precond_dim=1)
    assert np.abs(path[-1][0] - adam[-1][0]).max() > 0.01
    np.testing.assert_array_equal(path[-1][2], adam[-1][2])  # the bias has no basis


def test_an_axis_that_is_too_long_keeps_its_own_basis():
    shapes = ((33, 3), (3, 33, 2))
    path = ours(shapes, max_precond_dim=32)
    assert_same(path, theirs(shapes, longest=32))
    assert np.abs(path[-1][0] - ours(shapes, max_precond_dim=1)[-1][0]).max() > 0.01


def test_gradients_of_zero_and_tiny_ones_stay_finite():
    """Squares of tiny gradients are zero in float32, and QR has a matrix of zeros."""
    config = configured()
    plan = step.make_plan(config, [Parameter("w", (4, 3), "kernel")])
    numbers, complements = step.prepare("constant", config.numbers, STEPS)
    for size in (0.0, 1e-30, 1e-20, 1e15):
        weights = [np.ones((4, 3), np.float32)]
        memory = step.begin(plan, weights, numbers, complements)
        for done in range(25):
            g = [np.full((4, 3), size * (-1) ** done, np.float32)]
            weights, memory = step.step(
                plan, g, weights, memory, np.float32(done), numbers, complements
            )
            assert all(np.isfinite(a).all() for a in (*weights, *memory["rule"][0])), (size, done)


def test_bases_are_renewed_alone_when_they_are_due():
    """The compiled step computes an eigenbasis or a QR where one is due, not at each step."""
    jax = pytest.importorskip("jax")
    config = configured()
    plan = step.make_plan(config, [Parameter("w", (4, 3), "kernel")])
    numbers, complements = step.prepare("constant", config.numbers, STEPS)
    members = 2

    def one(g, w, memory, done, numbers, complements):
        return step.step(plan, g, w, memory, done, numbers, complements)

    many = jax.vmap(one, (0, 0, 0, None, 0, 0))
    wide = jax.tree.map(lambda a: np.stack([a] * members), (numbers, complements))
    weights = [np.stack([np.ones((4, 3), np.float32)] * members)]
    memory = jax.vmap(lambda w, n, c: step.begin(plan, w, n, c))(weights, *wide)
    traced = jax.make_jaxpr(many)(weights, weights, memory, np.float32(3), *wide)
    always = set(_names(traced.jaxpr, branches=False))
    assert "cond" in always
    assert not always & {"eigh", "qr"}
    assert {"eigh", "qr"} <= set(_names(traced.jaxpr, branches=True))


def _names(jaxpr, branches):
    """Yield the operations of a traced function, those in branches too where `branches`."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        if branches or equation.primitive.name != "cond":
            for value in equation.params.values():
                for one in value if isinstance(value, tuple) else (value,):
                    inner = getattr(one, "jaxpr", one)
                    if hasattr(inner, "eqns"):
                        yield from _names(inner, branches)
