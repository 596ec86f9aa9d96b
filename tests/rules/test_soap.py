"""SOAP against its authors' arithmetic, written as a plain loop, in double precision.

From the gradient of a full rank on: in directions without gradient the basis is arbitrary.
"""

import math

import numpy as np
import pytest

from steepest.records import Config, Parameter
from steepest.rules import RULES, step
from steepest.rules.recipe import completed

STEPS = 100
SHAPES = ((3, 4), (2, 3, 5), (4,))
RATE, B1, B2, EPS, DECAY = 2**-7, 0.875, 1 - 2**-6, 2**-20, 0.25


def start(shapes):
    random = np.random.default_rng(1)
    return [random.normal(size=shape) for shape in shapes]


def gradients(weights, done):
    """Return gradients of a bowl with noise: they depend on the weights."""
    random = np.random.default_rng(done)
    return [0.3 * w + random.normal(size=w.shape) for w in weights]


def configured(**given):
    values = {**RULES["SOAP"].settings("torch"), "learning_rate": RATE}
    values |= {"beta_1": B1, "beta_2": B2, "epsilon": EPS, **given}
    values |= completed("SOAP", values, "decoupled", "constant")
    return Config("SOAP", "torch", values, "constant", 0)


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


class Theirs:
    """One array's state in the authors' class, with merge_dims=False and precondition_1d=False."""

    def __init__(self, w, longest, every):
        self.k, self.every, self.q = 0, every, None
        self.m, self.v = np.zeros(w.shape), np.zeros(w.shape)
        able = [w.ndim > 1 and side <= longest for side in w.shape]
        self.gg = [np.zeros((n, n)) if a else None for n, a in zip(w.shape, able, strict=True)]

    def project(self, x, back=False):
        for q in self.q:  # each takes the first axis and puts it last
            if q is None:
                x = np.moveaxis(x, 0, -1)
            else:
                x = np.tensordot(x, q, axes=([0], [1 if back else 0]))
        return x

    def precondition(self, g):
        if self.q is not None:
            self.m = self.project(self.m, back=True)
        for i, gg in enumerate(self.gg):
            if gg is not None:
                rest = [j for j in range(g.ndim) if j != i]
                gg += (1 - B2) * (np.tensordot(g, g, axes=(rest, rest)) - gg)
        if self.q is None:
            self.q = [None if x is None else np.linalg.eigh(x)[1][:, ::-1] for x in self.gg]
        if self.k > 0 and self.k % self.every == 0:
            self.renew()
        if self.k > 0:
            self.m = self.project(self.m)

    def renew(self):
        for i, (gg, q) in enumerate(zip(self.gg, self.q, strict=True)):
            if gg is not None:
                order = np.argsort(np.diag(q.T @ gg @ q))[::-1]
                self.v = np.take(self.v, order, axis=i)
                self.q[i] = np.linalg.qr(gg @ q[:, order])[0]

    def step(self, g, w, decay):
        if self.q is None:
            self.precondition(g)
            return w
        turned = self.project(g)
        self.k += 1
        self.m = B1 * self.m + (1 - B1) * turned
        self.v = B2 * self.v + (1 - B2) * turned**2
        rate = RATE * math.sqrt(1 - B2**self.k) / (1 - B1**self.k)
        w = w - rate * self.project(self.m / (np.sqrt(self.v) + EPS), back=True)
        w = w - RATE * decay * w
        self.precondition(g)
        return w


def theirs(shapes=SHAPES, longest=10000, every=10, decay=0.0):
    weights, path = start(shapes), []
    states = [Theirs(w, longest, every) for w in weights]
    for done in range(STEPS):
        g = gradients(weights, done)
        weights = [s.step(a, w, decay) for s, a, w in zip(states, g, weights, strict=True)]
        path.append(weights)
    return path


def assert_same(path, others, limit=1e-9):
    for one, other in zip(path, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=limit, atol=limit / 1000)


@pytest.mark.parametrize("every", [1, 10])
@pytest.mark.parametrize("decay", [0.0, DECAY])
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
