"""Rules that no installed framework has, against their authors' arithmetic, in double precision.

Each reference is a plain loop, written from what the authors' source does. The numbers are sums of
few powers of two, so that float32, in which a step gets them, holds them exactly.
"""

import math

import numpy as np
import pytest

from steepest.records import Config, Parameter
from steepest.rules import RULES, step
from steepest.rules.recipe import completed

STEPS = 100
PARAMETERS = (Parameter("a/kernel", (3, 4), "kernel"), Parameter("a/bias", (4,), "bias"))
RATE, B1, B2, B3, EPS, DECAY = 2**-7, 0.875, 1 - 2**-6, 1 - 2**-8, 2**-20, 0.25


def start():
    random = np.random.default_rng(1)
    return [random.normal(size=p.shape) for p in PARAMETERS]


def gradients(weights, done):
    """Return gradients of a bowl with noise: they depend on the weights, and change their sign."""
    random = np.random.default_rng(done)
    return [0.3 * w + random.normal(size=w.shape) for w in weights]


def ours(rule, dialect="torch", schedule="constant", **given):
    """Return the weights after each step, and those to evaluate at the end."""
    values = {**RULES[rule].settings(dialect), "learning_rate": RATE, **given}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    plan = step.make_plan(Config(rule, dialect, values, schedule, 0), PARAMETERS)
    numbers = {n: v for n, v in values.items() if isinstance(v, float)}
    numbers, complements = step.prepare(schedule, numbers, STEPS)
    weights = start()
    memory, path = step.begin(plan, weights, numbers, complements), []
    for done in range(STEPS):
        g = gradients(weights, done)
        weights, memory = step.step(
            plan, g, weights, memory, np.float64(done), numbers, complements
        )
        path.append(weights)
    return path, step.shown(plan, weights, memory, numbers, complements)


def by_torch(make, rates=()):
    """Return the weights after each step of an optimizer of torch.optim, in doubles."""
    torch = pytest.importorskip("torch")
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # of numbers beside the arrays, such as ASGD's rate
    try:
        return _by_torch(torch, make, rates)
    finally:
        torch.set_default_dtype(usual)


def _by_torch(torch, make, rates):
    weights = [torch.nn.Parameter(torch.tensor(w)) for w in start()]
    optimizer, path = make(torch.optim, weights), []
    for done in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] if not len(rates) else rates[done]
        values = [w.detach().numpy() for w in weights]
        for w, g in zip(weights, gradients(values, done), strict=True):
            w.grad = torch.tensor(g)
        optimizer.step()
        path.append([w.detach().numpy().copy() for w in weights])
    return path


def assert_same(path, theirs):
    for one, other in zip(path, theirs, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def ademamix(alpha, warmup, decay):
    """The authors' PyTorch, with alpha_warmup = beta3_warmup = warmup."""

    def life(beta):
        return math.log(0.5) / math.log(beta + 1e-8) - 1

    weights, path = start(), []
    memory = [[np.zeros(w.shape) for w in weights] for _ in range(3)]
    for t in range(1, STEPS + 1):
        part, b3 = 1.0, B3
        if t < warmup:
            part = t / warmup
            b3 = 0.5 ** (1 / ((1 - part) * life(B1) + part * life(B3) + 1))
        for i, g in enumerate(gradients(weights, t - 1)):
            fast, slow, v = (m[i] for m in memory)
            fast[...] = B1 * fast + (1 - B1) * g
            slow[...] = b3 * slow + (1 - b3) * g
            v[...] = B2 * v + (1 - B2) * g * g
            u = fast / (1 - B1**t) + alpha * part * slow
            u = u / (np.sqrt(v) / math.sqrt(1 - B2**t) + EPS)
            weights[i] = weights[i] - RATE * (u + decay * weights[i])
        path.append(list(weights))
    return path


@pytest.mark.parametrize(("share", "decay"), [(1.0, 0.25), (0.25, 0.0), (0.0, 0.25)])
def test_ademamix_warms_up_as_its_authors_do(share, decay):
    given = {"beta_1": B1, "beta_2": B2, "beta_3": B3, "alpha": 2.5, "epsilon": EPS}
    more = {"weight_decay": decay, "decay_on": "all"} if decay else {}
    path, _ = ours("AdEMAMix", slow_warmup=share, **given, **more)
    assert_same(path, ademamix(2.5, share * STEPS, decay))


def adopt(decay):
    """The authors' PyTorch: decay is L2."""
    weights, path = start(), []
    m, v = ([np.zeros(w.shape) for w in weights] for _ in range(2))
    for k in range(STEPS):
        for i, g in enumerate(gradients(weights, k)):
            g = g + decay * weights[i]
            if k == 0:
                v[i] = g * g
                continue
            u = np.clip(g / np.maximum(np.sqrt(v[i]), EPS), -(k**0.25), k**0.25)
            m[i] = B1 * m[i] + (1 - B1) * u
            weights[i] = weights[i] - RATE * m[i]
            v[i] = B2 * v[i] + (1 - B2) * g * g
        path.append(list(weights))
    return path


def test_adopt_steps_as_its_authors_do():
    given = {"beta_1": B1, "beta_2": B2, "epsilon": EPS}
    path, _ = ours("ADOPT", **given, weight_decay=DECAY, decay_on="all")
    assert_same(path, adopt(DECAY))


def schedule_free(decay, warmup, adam):
    """The authors' reference of schedulefree 1.4.1, with rates as ours rise, from zero."""
    weights, path = start(), []
    z, x = ([w.copy() for w in weights] for _ in range(2))
    v = [np.zeros(w.shape) for w in weights]
    largest = total = 0.0
    for k in range(STEPS):
        rate = RATE * min(k / warmup, 1)
        largest = max(rate, largest)
        total += largest**2
        c = largest**2 / total if total else 0.0
        for i, g in enumerate(gradients(weights, k)):
            if adam:
                v[i] = B2 * v[i] + (1 - B2) * g * g
                g = g / (np.sqrt(v[i] / (1 - B2 ** (k + 1))) + EPS)
            z[i] = z[i] - rate * (g + decay * weights[i])
            x[i] = (1 - c) * x[i] + c * z[i]
            weights[i] = B1 * x[i] + (1 - B1) * z[i]
        path.append(list(weights))
    return path, x


@pytest.mark.parametrize("rule", ["ScheduleFreeAdamW", "ScheduleFreeSGD"])
def test_schedule_free_averages_as_its_authors_do(rule):
    adam = rule == "ScheduleFreeAdamW"
    given = {"beta_2": B2, "epsilon": EPS} if adam else {}
    given |= {"weight_decay": DECAY, "decay_on": "all", "warmup": 0.25}
    path, shown = ours(rule, beta_1=B1, **given)
    theirs, evaluated = schedule_free(DECAY, 25, adam)
    assert_same([*path, shown], [*theirs, evaluated])


def test_cautious_steps_are_those_of_timm():
    """Its AdamW(caution=True): the mask is on m, before it is divided."""
    weights, path = start(), []
    m, v = ([np.zeros(w.shape) for w in weights] for _ in range(2))
    for t in range(1, STEPS + 1):
        for i, g in enumerate(gradients(weights, t - 1)):
            weights[i] = weights[i] * (1 - RATE * DECAY)
            m[i] = B1 * m[i] + (1 - B1) * g
            v[i] = B2 * v[i] + (1 - B2) * g * g
            mask = (m[i] * g > 0).astype(float)
            mask = mask / max(mask.mean(), 1e-3)
            root = np.sqrt(v[i]) / math.sqrt(1 - B2**t) + EPS
            weights[i] = weights[i] - RATE / (1 - B1**t) * m[i] * mask / root
        path.append(list(weights))
    given = {"beta_1": B1, "beta_2": B2, "epsilon": EPS, "weight_decay": DECAY, "decay_on": "all"}
    assert_same(ours("AdamW", **given, caution=True)[0], path)
    assert_same(ours("AdamW", **given, caution=False)[0], ours("AdamW", **given)[0])


def prodigy(d0, coefficient, decay):
    """The authors' prodigyopt 1.1.2 at its defaults, in doubles."""
    weights, path, d, r = start(), [], d0, 0.0
    first = [w.copy() for w in weights]
    m, v, s = ([np.zeros(w.shape) for w in weights] for _ in range(3))
    for k in range(STEPS):
        g, rate = gradients(weights, k), d
        slope = sum((a * (b - w)).sum() for a, b, w in zip(g, first, weights, strict=True))
        r = math.sqrt(B2) * r + d / d0 * rate * slope
        for i, one in enumerate(g):
            m[i] = B1 * m[i] + (1 - B1) * d * one
            v[i] = B2 * v[i] + (1 - B2) * (d * one) ** 2
            s[i] = math.sqrt(B2) * s[i] + d / d0 * rate * one
        d = max(d, coefficient * r / sum(np.abs(one).sum() for one in s))
        for i in range(len(weights)):
            step = rate * m[i] / (np.sqrt(v[i]) + d * EPS)
            weights[i] = weights[i] - decay * rate * weights[i] - step
        path.append(list(weights))
    assert d > 2 * d0  # the estimate has grown
    return path


def test_prodigy_has_one_rate_for_all_arrays():
    given = {"beta_1": B1, "beta_2": B2, "epsilon": EPS, "d0": 2**-13, "d_coef": 2.0}
    path, _ = ours("Prodigy", learning_rate=1.0, **given, weight_decay=DECAY, decay_on="all")
    assert_same(path, prodigy(2**-13, 2.0, DECAY))


def mars(gamma, decay):
    """The authors' MARS: mars-adamw, is_approx, and one decay for all arrays."""
    weights, path = start(), []
    m, v, last = ([np.zeros(w.shape) for w in weights] for _ in range(3))
    for t in range(1, STEPS + 1):
        for i, g in enumerate(gradients(weights, t - 1)):
            c, b1, b2 = g, 0.75, 0.5
            if g.ndim == 2:
                c = g + gamma * (B1 / (1 - B1)) * (g - last[i])
                c, b1, b2 = c / max(np.sqrt((c * c).sum()), 1.0), B1, B2
            m[i] = b1 * m[i] + (1 - b1) * c
            v[i] = b2 * v[i] + (1 - b2) * c * c
            root = (np.sqrt(v[i]) / math.sqrt(1 - b2**t) + EPS) * (1 - b1**t)
            weights[i] = weights[i] - RATE * (decay * weights[i] + m[i] / root)
            last[i] = g
        path.append(list(weights))
    return path


def test_mars_corrects_matrices_alone():
    given = {"beta_1": B1, "beta_2": B2, "epsilon": EPS, "adam_beta_1": 0.75, "adam_beta_2": 0.5}
    path, _ = ours("MARSAdamW", gamma=2**-5, **given, weight_decay=DECAY, decay_on="all")
    assert_same(path, mars(2**-5, DECAY))


LIMITS = {"eta_minus": 0.5, "eta_plus": 1.25, "min_step_size": 2**-9, "max_step_size": 2**-6}


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_rprop_steps_as_pytorch_does(schedule):
    """Its steps meet both limits; a schedule changes nothing, as the rate is read once."""

    def make(optim, weights):
        return optim.Rprop(weights, lr=RATE, etas=(0.5, 1.25), step_sizes=(2**-9, 2**-6))

    theirs = by_torch(make, rates=RATE * (1 - np.arange(STEPS) / STEPS))
    assert_same(ours("Rprop", schedule=schedule, **LIMITS)[0], theirs)
    lengths = np.abs(np.diff([path[0] for path in theirs], axis=0))
    assert lengths.max() == pytest.approx(2**-6)
    assert lengths[lengths > 1e-9].min() == pytest.approx(2**-9)
    assert_same(ours("Rprop", "keras", **LIMITS)[0], theirs)


def test_rprop_begins_where_pytorch_does_in_a_warm_up():
    def make(optim, weights):
        return optim.Rprop(weights, lr=RATE, etas=(0.5, 1.25), step_sizes=(2**-9, 2**-6))

    rates = RATE * np.minimum(np.arange(STEPS) / 25, 1)
    assert_same(ours("Rprop", warmup=0.25, **LIMITS)[0], by_torch(make, rates=rates))


def test_rprop_steps_as_optax_does():
    """Optax' step is that of the gradient before, and only a changed one is held within limits."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    with jax.enable_x64(True):
        made = optax.rprop(0.25, **LIMITS)  # above max_step_size
        weights = start()
        state, path = made.init(weights), []
        for done in range(STEPS):
            updates, state = made.update(gradients(weights, done), state, weights)
            weights = [np.asarray(w + u) for w, u in zip(weights, updates, strict=True)]
            path.append(weights)
    np.testing.assert_array_equal(path[0][0], start()[0])
    assert_same(ours("Rprop", "optax", learning_rate=0.25, **LIMITS)[0], path)


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_asgd_steps_as_pytorch_does(schedule):
    """What is evaluated is what trains, whether PyTorch's average has begun or not."""

    def make(optim, weights):
        given = {"lambd": 2**-5, "alpha": 0.75, "t0": 10, "weight_decay": DECAY}
        return optim.ASGD(weights, lr=0.25, **given)

    falls = schedule == "linear"
    rates = 0.25 * (1 - np.arange(STEPS) / STEPS) if falls else np.full(STEPS, 0.25)
    given = {"learning_rate": 0.25, "lambd": 2**-5, "weight_decay": DECAY, "decay_on": "all"}
    path, shown = ours("ASGD", schedule=schedule, **given)
    assert_same(path, by_torch(make, rates=rates))
    assert_same([shown], path[-1:])
