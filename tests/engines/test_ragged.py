"""Oracle: a filled batch gives the value and the gradients that the smaller batch gives alone.

Also where a loss is not a sum over examples: then it is exact or refused, and never wrong.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from steepest.engines.rewrite import rewritten
from steepest.engines.rewrite.ragged import BRANCHES, RefusedError, ragged

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

FULL, LEFT = 8, 5
KEY = 3


def hidden(w, x):
    return jnp.tanh(x @ w["a"] + w["b"])


def dropped(x, key=None):
    key = jax.random.key(KEY) if key is None else key
    return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x, 0)


def looped(w, x, see):
    def turn(state, _):
        return jnp.tanh(state * w["b"] + x @ w["a"]), see(state)

    return lax.scan(turn, jnp.zeros((len(x), 4), x.dtype), None, length=3)[1]


def while_looped(y):
    return lax.fori_loop(0, 3, lambda _, s: jnp.tanh(s) + y, y)


@jax.custom_vjp
def shared_out(x):
    return jnp.sin(x)


@jax.custom_vjp
def scaled(x):
    return x * np.arange(1.0, 5)  # which JAX makes an argument of


scaled.defvjp(lambda x: (scaled(x), None), lambda _, g: (g * np.arange(1.0, 5),))


# Its gradient asks for the number of examples, and is not zero where there is none.
shared_out.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g / len(g) + jnp.cos(x) + 1 / len(x),))


@jax.custom_vjp
def standardized(x):
    return (x - x.mean(0)) * lax.rsqrt(x.var(0) + 1e-3)


def standardized_back(x, g):
    scale = lax.rsqrt(x.var(0) + 1e-3)
    y = (x - x.mean(0)) * scale
    return ((g - g.mean(0) - y * (g * y).mean(0)) * scale,)


standardized.defvjp(lambda x: (standardized(x), x), standardized_back)


@jax.custom_jvp
def halved(x):
    return x / 2


@halved.defjvp
def _(x, along):
    return x[0] / 2, along[0] / len(along[0])


def kept(y, x):
    """Return y, and batch norm's moving variance as a second result."""
    return y.mean(), {"variance": 0.9 + 0.1 * x.var(0), "most": x.max(), "all": (x < 9).all()}


# What works row by row, but for sums over rows.
ROWS = {
    "mean": lambda w, x: (hidden(w, x) ** 2).mean(),
    "relu": lambda w, x: jax.nn.relu(x @ w["a"] + w["b"]).mean(),
    "activations": lambda w, x: (jax.nn.gelu(hidden(w, x)) * jax.nn.silu(x @ w["a"])).mean(),
    "mean of squares": lambda w, x: (hidden(w, x) ** 2).sum() / len(x) ** 2,
    "regularized": lambda w, x: hidden(w, x).mean() + 0.1 * (w["a"] ** 2).sum(),
    "statistics": lambda w, x: hidden(w, x).var(0).sum(),
    "batch norm": lambda w, x: ((hidden(w, x) - hidden(w, x).mean(0)) ** 3).mean(),
    "a gradient by hand, batch norm": lambda w, x: (standardized(hidden(w, x)) ** 3).mean(),
    "a gradient by hand, of all": lambda w, x: (shared_out(hidden(w, x)) ** 2).mean(),
    "a gradient by hand, with constants": lambda w, x: (scaled(hidden(w, x)) ** 2).mean(),
    "a derivative by hand, of all": lambda w, x: (halved(hidden(w, x)) ** 2).mean(),
    "softmax": lambda w, x: (jax.nn.softmax(hidden(w, x)) ** 2).mean(),
    "layer norm": lambda w, x: jax.nn.standardize(hidden(w, x)).mean(where=x[:, :1] > 0),
    "covariance": lambda w, x: ((hidden(w, x).T @ hidden(w, x)) ** 2).sum(),
    "third moments": lambda w, x: jnp.einsum("bi,bj,bk->ijk", hidden(w, x), x, x).sum(),
    "all pairs": lambda w, x: ((hidden(w, x) @ hidden(w, x).T - jnp.eye(len(x))) ** 2).sum(),
    "pairs i < j": lambda w, x: jnp.triu(hidden(w, x) @ hidden(w, x).T, 1).sum(),
    "constants for pairs": lambda w, x: (
        hidden(w, x) @ hidden(w, x).T * np.tri(len(x), dtype=x.dtype)
    ).sum(),
    "places": lambda w, x: (hidden(w, x)[:, 0] / (len(x) - jnp.arange(len(x)))).sum(),
    "constants for places": lambda w, x: (
        hidden(w, x)[:, 0] * np.arange(len(x), dtype=x.dtype) ** 2
    ).sum(),
    "merged axes": lambda w, x: (hidden(w, x).reshape(-1) ** jnp.arange(4 * len(x))).mean(),
    "the transposed, merged": lambda w, x: (
        hidden(w, x).T.reshape(-1) * jnp.arange(4 * len(x))
    ).mean(),
    "the transposed, merged and multiplied": lambda w, x: (
        (jnp.stack([hidden(w, x)] * 3).reshape(-1, 4) @ w["a"].T)
        .reshape(3, len(x), 3)
        .transpose(1, 0, 2)
        .reshape(len(x), -1)
    ).var(),
    "products over merged axes": lambda w, x: (
        jnp.stack([hidden(w, x), x @ w["a"]]).reshape(-1, 4).T @ jnp.stack([x, x**2]).reshape(-1, 3)
    ).var(),
    "axes split again": lambda w, x: hidden(w, x).reshape(-1, 2).reshape(len(x), 2, 2).var(),
    "first three": lambda w, x: (hidden(w, x)[:3] ** 2).sum(),
    "an embedding": lambda w, x: w["a"][jnp.abs(x * 9).astype(int) % 3].var(),
    "labels": lambda w, x: jnp.take_along_axis(hidden(w, x), jnp.argmax(x, 1)[:, None], 1).sum(),
    "dropout": lambda w, x: dropped(hidden(w, x)).mean(),
    "noise": lambda w, x: (
        jnp.log(jax.random.uniform(jax.random.key(1), x.shape) + x**2).mean() * hidden(w, x).mean()
    ),
    "sorted in rows": lambda w, x: (jnp.sort(hidden(w, x)) * jnp.arange(4)).mean(),
    "highest in rows": lambda w, x: lax.top_k(hidden(w, x), 3)[0].mean(),
    "sums in rows": lambda w, x: (jnp.cumsum(hidden(w, x), 1) ** 2).mean(),
    "a row at a time": lambda w, x: jax.vmap(lambda r: jnp.tanh(r @ w["a"]).max())(x).sum(),
    "kept for later": lambda w, x: jax.checkpoint(lambda w: hidden(w, x).mean() ** 2)(w),
    "a loop": lambda w, x: looped(w, x, lambda state: state).mean(),
    "a loop with means": lambda w, x: looped(w, x, lambda state: state.mean(0)).var(),
    "an open loop": lambda w, x: (
        lax.stop_gradient(while_looped(hidden(w, x))).mean() * hidden(w, x).mean()
    ),
    "convolution": lambda w, x: lax.conv_general_dilated(
        x[:, None], w["a"][None], (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")
    ).var(),
    "windows": lambda w, x: lax.reduce_window(
        hidden(w, x), -jnp.inf, lax.max, (1, 2), (1, 2), "VALID"
    ).var(),
    "norms": lambda w, x: (
        jnp.linalg.norm(hidden(w, x), axis=1).mean() + jnp.linalg.norm(hidden(w, x))
    ),
    "spectra": lambda w, x: (jnp.abs(jnp.fft.rfft(hidden(w, x))) ** 2).mean(),
    "stacked": lambda w, x: (jnp.stack([hidden(w, x), hidden(w, -x)]) ** 3).mean(),
    "joined": lambda w, x: (jnp.concatenate([hidden(w, x), x], 1) ** 3).mean(),
    "more results": lambda w, x: kept(hidden(w, x), hidden(w, x))[0],
}
# Rows depend on other rows, or on their place from the end.
BRANCHED = {
    "highest": lambda w, x: hidden(w, x).max(),
    "softmax over the batch": lambda w, x: (jax.nn.softmax(hidden(w, x), 0) ** 2).sum(),
    "log of sums": lambda w, x: jax.nn.logsumexp(hidden(w, x)),
    "sorted": lambda w, x: (jnp.sort(hidden(w, x), 0) * jnp.arange(len(x))[:, None]).sum(),
    "sums so far": lambda w, x: (jnp.cumsum(hidden(w, x), 0) ** 2).mean(),
    "turned": lambda w, x: (jnp.flip(hidden(w, x), 0) * hidden(w, x) ** 2).mean(),
    "rolled": lambda w, x: (jnp.roll(hidden(w, x), 1, 0) * hidden(w, x) ** 2).mean(),
    "the last": lambda w, x: (hidden(w, x)[-1] ** 2).sum(),
    "each second": lambda w, x: (hidden(w, x)[::2] ** 2).sum(),
    "differences": lambda w, x: ((hidden(w, x)[1:] - hidden(w, x)[:-1]) ** 2).mean(),
    "in the middle": lambda w, x: hidden(w, x)[len(x) // 2].sum(),
    "cut at the end": lambda w, x: lax.dynamic_slice_in_dim(hidden(w, x), 20, 2).var(),
    "written at the end": lambda w, x: (
        lax.dynamic_update_slice(hidden(w, x), x[:2, :1], (20, 0)) ** 3
    ).mean(),
    "labels by place": lambda w, x: hidden(w, x)[jnp.arange(len(x)), jnp.argmax(x, 1)].mean(),
    "permuted": lambda w, x: (
        hidden(w, x)[jax.random.permutation(jax.random.key(KEY), len(x))].T ** jnp.arange(len(x))
    ).mean(),
    "dropout of the transposed": lambda w, x: dropped(hidden(w, x).T).mean(),
    "dropout by another generator": lambda w, x: dropped(
        hidden(w, x), jax.random.key(KEY, impl="rbg")
    ).mean(),
    "the last of the merged": lambda w, x: hidden(w, x).T.reshape(-1)[: len(x)].var(),
    "twice": lambda w, x: (
        jnp.concatenate([hidden(w, x), hidden(w, -x)]) * jnp.arange(2 * len(x))[:, None]
    ).mean(),
    "median": lambda w, x: jnp.median(hidden(w, x)),
    "product": lambda w, x: hidden(w, x)[:, 0].prod(),
    "segments": lambda w, x: (
        jax.ops.segment_sum(hidden(w, x), jnp.arange(len(x)) % 3, 3) ** 2
    ).sum(),
    "smoothed": lambda w, x: (jnp.convolve(hidden(w, x)[:, 0], w["b"]) ** 2).sum(),
    "padded": lambda w, x: (jnp.pad(hidden(w, x), ((1, 1), (0, 0))) * x[0, 0]).var(),
    "scaled to the range": lambda w, x: (
        (hidden(w, x) - hidden(w, x).min(0)) / jnp.ptp(hidden(w, x), 0)
    ).var(),
    "a Gaussian process": lambda w, x: jnp.linalg.cholesky(
        hidden(w, x) @ hidden(w, x).T + jnp.eye(len(x), dtype=x.dtype)
    ).sum(),
}
REFUSED = {
    "merged in two ways": lambda w, x: (
        hidden(w, x).T.reshape(-1) * hidden(w, x).reshape(-1)
    ).mean(),
    "asks for the size": lambda w, x: hidden(w, x).mean() if len(x) > 6 else hidden(w, x).sum(),
    "at most six": lambda w, x: (hidden(w, x)[:6] ** 2).sum(),
    "an operation for each": lambda w, x: sum(hidden(w, row).sum() for row in x),
    "a loop over examples": lambda w, x: lax.map(lambda r: hidden(w, r), x).sum(),
    "fewer of more": lambda w, x: jnp.ones(2 * FULL - len(x)).sum() * hidden(w, x).sum(),
    "branches at each turn": lambda w, x: looped(w, x, lambda state: state.max(0)).sum(),
    "too many branches": lambda w, x: sum(
        (jnp.cumsum(hidden(w, x) * i, 0) ** 2).sum() for i in range(BRANCHES + 1)
    ),
}


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def weights():
    rng = np.random.default_rng(1)
    return {"a": jnp.asarray(rng.normal(size=(3, 4))), "b": jnp.asarray(rng.normal(size=4))}


def examples():
    return np.random.default_rng(2).normal(size=(FULL, 3))


def filled(x):
    return jnp.asarray(np.concatenate([x[:LEFT], np.repeat(x[LEFT - 1 : LEFT], FULL - LEFT, 0)]))


def close(found, expected):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def compare(loss):
    """Compare gradients of full and of smaller batches with those of programs of their own."""
    w, x = weights(), examples()
    both = jax.jit(jax.value_and_grad(ragged(loss, (FULL, LEFT)), 1))
    alone = jax.jit(jax.value_and_grad(loss))
    close(both(False, w, filled(x)), alone(w, jnp.asarray(x[:LEFT])))
    close(both(True, w, jnp.asarray(x)), alone(w, jnp.asarray(x)))


def operations(loss):
    given = (jnp.bool_(True), weights(), jnp.asarray(examples()))
    return str(jax.make_jaxpr(ragged(loss, (FULL, LEFT)))(*given))


@pytest.mark.parametrize("name", ROWS)
def test_rows_alone(name):
    compare(ROWS[name])
    assert " cond[" not in operations(ROWS[name])


@pytest.mark.parametrize("name", ROWS)
def test_what_is_beyond_does_not_count(name):
    x, w = examples(), weights()
    missing = np.concatenate([x[:LEFT], np.full((FULL - LEFT, 3), np.nan)])
    found = jax.jit(ragged(ROWS[name], (FULL, LEFT)))(False, w, jnp.asarray(missing))
    close(found, ROWS[name](w, jnp.asarray(x[:LEFT])))


@pytest.mark.parametrize("name", BRANCHED)
def test_rows_that_depend_on_others(name):
    compare(BRANCHED[name])
    assert " cond[" in operations(BRANCHED[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    with pytest.raises(RefusedError):
        operations(REFUSED[name])


def test_results_besides_the_loss():
    def loss(w, x):
        return kept(hidden(w, x), x)

    w, x = weights(), examples()
    found = jax.jit(jax.value_and_grad(ragged(loss, (FULL, LEFT)), 1, has_aux=True))
    expected = jax.value_and_grad(loss, has_aux=True)(w, jnp.asarray(x[:LEFT]))
    close(found(False, w, filled(x)), expected)

    with pytest.raises(RefusedError, match="axis of examples"):
        operations(lambda w, x: hidden(w, x))


def test_a_batch_of_one():
    w, x = weights(), jnp.asarray(examples())
    both = jax.jit(jax.value_and_grad(ragged(ROWS["batch norm"], (FULL, 1)), 1))
    alone = jax.jit(jax.value_and_grad(ROWS["batch norm"]))
    close(both(False, w, jnp.broadcast_to(x[:1], x.shape)), alone(w, x[:1]))


def test_effects_are_refused():
    def loss(w, x):
        jax.debug.print("{}", x.sum())
        return hidden(w, x).mean()

    with pytest.raises(RefusedError, match="effects"):
        operations(loss)


def some_layer(rng):
    """Return one of many functions of `[examples, 4]` and weights `[4, 4]`, of the same shape."""
    several = [
        lambda y, _: jnp.tanh(y),
        lambda y, v: jax.nn.relu(y @ v),
        lambda y, _: y - y.mean(0),
        lambda y, _: y * lax.rsqrt(1e-2 + y.var(0)),
        lambda y, _: y * jnp.arange(len(y))[:, None] / len(y),
        lambda y, _: jax.nn.softmax(y) * len(y),
        lambda y, _: (y @ y.T) @ y / len(y) ** 2,
        lambda y, _: jnp.where(jnp.arange(len(y))[:, None] % 2 == 0, y, -y),
        lambda y, _: dropped(y) + y,
        lambda y, v: y.reshape(-1, 2).reshape(-1, 4) @ v,
        lambda y, _: jnp.tril(y @ y.T) @ y / len(y),
        lambda y, _: y.reshape(-1, 2)[:, ::-1].reshape(y.shape),
        lambda y, _: y + y.reshape(-1).sum() / y.size,
        lambda y, _: jnp.cumsum(y, 0) / len(y),
        lambda y, _: jnp.roll(y, 2, 0),
        lambda y, _: jnp.sort(y, 0),
        lambda y, _: y[::-1] + y,
        lambda y, _: y + y[-1],
        lambda y, _: jax.nn.softmax(y, 0),
        lambda y, _: y.T.reshape(-1).reshape(y.shape),
        lambda y, _: y * jnp.linspace(1, 2, len(y))[:, None],
    ]
    return several[rng.integers(len(several))]


@pytest.mark.parametrize("seed", range(12))
def test_random_programs(seed):
    rng = np.random.default_rng(seed)
    layers = [some_layer(rng) for _ in range(4)]
    v = jnp.asarray(rng.normal(size=(4, 4)))

    def loss(w, x):
        y = hidden(w, x)
        for layer in layers:
            y = layer(y, v)
        return (y**2).mean()

    try:
        operations(loss)
    except RefusedError:
        return
    compare(loss)


def test_what_is_rewritten_after_it():
    def loss(w, x):
        y = lax.conv_general_dilated(
            x[..., None], w["a"][:, None], (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")
        )
        return dropped(jax.nn.relu(y)).mean()

    w, x = weights(), examples()
    both = jax.jit(jax.value_and_grad(rewritten(ragged(loss, (FULL, LEFT))), 1))
    close(both(False, w, filled(x)), jax.value_and_grad(loss)(w, jnp.asarray(x[:LEFT])))
