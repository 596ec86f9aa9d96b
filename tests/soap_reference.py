"""SOAP as its authors have it, written as a plain loop, in double precision; and what to run it on.

Gradients have a full rank in all axes: in directions without gradient the basis is arbitrary.
"""

import math

import numpy as np

from steepest.records import Config
from steepest.rules import RULES
from steepest.rules.recipe import completed

STEPS = 100
SHAPES = ((3, 4), (2, 3, 5), (4,))
RATE, B1, B2, EPS = 2**-7, 0.875, 1 - 2**-6, 2**-20


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
