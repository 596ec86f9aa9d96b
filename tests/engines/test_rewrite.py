"""Oracle: what is rewritten for loops on a CPU has XLA's own values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from steepest.engines.rewrite import convolutions, rewritten, winograd

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

FLAT, SQUARE, CUBE = ("NHC", "HIO", "NHC"), ("NHWC", "HWIO", "NHWC"), ("NDHWC", "DHWIO", "NDHWC")
CONVOLUTIONS = {
    "one dimension": ((4, 9, 3), (3, 3, 5), FLAT, {}),
    "one dimension, causal": ((4, 9, 3), (3, 3, 5), FLAT, {"padding": [(2, 0)]}),
    "two": ((4, 7, 6, 3), (3, 3, 3, 5), SQUARE, {}),
    "strided": ((4, 7, 6, 3), (3, 2, 3, 5), SQUARE, {"window_strides": (2, 3)}),
    "valid": ((4, 7, 6, 3), (3, 2, 3, 5), SQUARE, {"padding": "VALID"}),
    "dilated": ((4, 9, 8, 3), (3, 3, 3, 5), SQUARE, {"rhs_dilation": (2, 1)}),
    "transposed": (
        (4, 5, 5, 3),
        (3, 3, 3, 5),
        SQUARE,
        {"lhs_dilation": (2, 2), "padding": [(2, 1), (1, 1)]},
    ),
    "cut off": ((4, 7, 6, 3), (3, 3, 3, 5), SQUARE, {"padding": [(-1, 2), (0, -1)]}),
    "depthwise": ((4, 7, 6, 3), (3, 3, 1, 6), SQUARE, {"feature_group_count": 3}),
    "grouped": ((4, 7, 6, 4), (3, 3, 2, 6), SQUARE, {"feature_group_count": 2}),
    "pointwise": ((4, 7, 6, 3), (1, 1, 3, 5), SQUARE, {"window_strides": (2, 2)}),
    "channels first": ((4, 3, 7, 6), (5, 3, 3, 3), ("NCHW", "OIHW", "NCHW"), {}),
    "three": ((2, 5, 4, 4, 2), (2, 2, 2, 2, 3), CUBE, {}),
}
POOLS = {
    "tiles": ((1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
    "tiles, padded": ((1, 2, 2, 1), (1, 2, 2, 1), "SAME"),
    "tiles, cut": ((1, 3, 2, 1), (1, 3, 2, 1), "VALID"),
    "overlapping": ((1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
    "every place": ((1, 2, 2, 1), (1, 1, 1, 1), "SAME"),
}


def close(a, b, tolerance=2e-5):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(
            np.asarray(x, np.float32), np.asarray(y, np.float32), rtol=tolerance, atol=tolerance
        )


def both(function, *arguments, tolerance=2e-5):
    """Compare values and gradients of a function and what it is rewritten to."""
    weight = np.random.default_rng(1).normal(size=jax.eval_shape(function, *arguments).shape)

    def loss(f):
        def along(*a):
            out = f(*a)
            return jnp.sum(out.astype("float32") * weight), out

        return jax.grad(along, tuple(range(len(arguments))), has_aux=True)

    # One program each: operation by operation, each would be compiled on its own.
    new, old = (jax.jit(loss(f))(*arguments) for f in (rewritten(function), function))
    close(new, old, tolerance)


def contains(function, *arguments):
    """Return the names of all operations of a function."""
    return str(jax.make_jaxpr(function)(*arguments))


def draw(*shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=shape), dtype)


@pytest.mark.parametrize("way", ["at once", "in blocks", "row by row"])
@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_a_convolution(case, way, monkeypatch):
    shape, kernel, numbers, changes = case
    if way != "at once":
        monkeypatch.setattr(convolutions, "BLOCK_BYTES", 0)
    if way == "row by row":
        monkeypatch.setattr(convolutions, "PATCH_BYTES", 0)
    arguments = {"window_strides": (1,) * (len(shape) - 2), "padding": "SAME", **changes}

    def convolve(x, k):
        return lax.conv_general_dilated(x, k, dimension_numbers=numbers, **arguments)

    x, k = draw(*shape), draw(*kernel)
    both(convolve, x, k)
    assert "conv_general_dilated" not in contains(rewritten(convolve), x, k)


TILED = {
    "two dimensions": ((5, 8, 8, 16), SQUARE, "SAME"),
    "odd": ((2, 7, 9, 16), SQUARE, "SAME"),
    "valid": ((3, 3, 6, 16), SQUARE, "VALID"),
    "full": ((3, 4, 5, 16), SQUARE, [(2, 2), (1, 2)]),
    "cut off": ((3, 8, 7, 16), SQUARE, [(-1, 2), (0, -1)]),
    "one": ((3, 9, 64), FLAT, [(2, 0)]),
    "three": ((3, 4, 3, 5, 8), CUBE, "SAME"),
}


@pytest.mark.parametrize("outputs", [-3, 0, 3])
@pytest.mark.parametrize("block_bytes", [1, 2**12])
@pytest.mark.parametrize("case", TILED.values(), ids=TILED)
def test_a_convolution_by_tiles(case, outputs, block_bytes, monkeypatch):
    shape, numbers, padding = case
    ones = (1,) * (len(shape) - 2)
    monkeypatch.setattr(winograd, "CHANNELS", {1: 60, 2: 12, 3: 4})
    monkeypatch.setattr(winograd, "BLOCK_BYTES", block_bytes)

    def convolve(x, k):
        return lax.conv_general_dilated(x, k, ones, padding, dimension_numbers=numbers)

    x, k = draw(*shape), draw(*(3,) * len(ones), shape[-1], shape[-1] + outputs)
    both(convolve, x, k, tolerance=1e-4)
    assert "_blocks" in contains(rewritten(convolve), x, k)


@pytest.mark.parametrize("channels", [16, 64])
def test_tiles_are_as_exact_as_a_plain_sum(channels, monkeypatch):
    """Errors against double precision are within a factor of two of XLA's own convolution."""
    monkeypatch.setattr(winograd, "BLOCK_BYTES", 2**12)
    rng = np.random.default_rng(3)
    x, k = rng.normal(size=(8, 12, 12, channels)), rng.normal(size=(3, 3, channels, channels))
    weight = rng.normal(size=(8, 10, 10, channels))

    def convolve(x, k):
        return lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=SQUARE)

    def errors(f):
        y, pull = jax.vjp(f, *(jnp.asarray(a, jnp.float32) for a in (x, k)))
        found = [y, *pull(jnp.asarray(weight, jnp.float32))]
        return [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in zip(found, exact, strict=True)]

    with jax.enable_x64(True):
        y, pull = jax.vjp(convolve, x, k)
        exact = [np.asarray(a) for a in (y, *pull(weight))]
    for tiles, plain in zip(errors(rewritten(convolve)), errors(convolve), strict=True):
        assert tiles < 2 * plain


def test_tiles_map_over_kernels(monkeypatch):
    monkeypatch.setattr(winograd, "BLOCK_BYTES", 2**12)

    def convolve(k, x):
        return lax.conv(x, k, (1, 1), "SAME")

    k, x = draw(2, 16, 16, 3, 3), draw(2, 16, 6, 6)
    found = jax.vmap(rewritten(convolve), (0, None))(k, x)
    close(found, jnp.stack([convolve(one, x) for one in k]), 1e-4)


def test_other_convolutions_are_no_tiles(monkeypatch):
    def by(convolve, x, k):
        return "_blocks" in contains(rewritten(convolve), x, k)

    x, k = draw(2, 16, 6, 6), draw(16, 16, 3, 3)
    assert not by(lambda x, k: lax.conv(x, k, (1, 1), "SAME"), x, k)  # too little to pay
    monkeypatch.setattr(winograd, "BLOCK_BYTES", 2**12)
    assert by(lambda x, k: lax.conv(x, k, (1, 1), "SAME"), x, k)
    assert not by(lambda x, k: lax.conv(x, k, (1, 2), "SAME"), x, k)
    assert not by(lambda x, k: lax.conv(x, k, (1, 1), "SAME"), x, k[..., :2])
    assert not by(lambda x, k: lax.conv(x, k, (1, 1), "SAME"), x[:, :8], k[:, :8])
    assert not by(lambda x, k: lax.conv(x, k, (1, 1), "SAME"), x[:1], k)


def test_a_convolution_in_bfloat16_gathers_in_float32():
    def convolve(x, k):
        return lax.conv(x, k, (1, 1), "SAME")

    both(
        convolve,
        draw(2, 3, 6, 6, dtype="bfloat16"),
        draw(4, 3, 3, 3, dtype="bfloat16"),
        tolerance=3e-2,
    )


@pytest.mark.parametrize("case", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("ties", [False, True])
def test_maxima(case, ties):
    size, strides, padding = case
    x = draw(2, 7, 6, 3)
    x = jnp.round(x) if ties else x

    def pool(x):
        return lax.reduce_window(x, -jnp.inf, lax.max, size, strides, padding)

    both(pool, x)
    assert "reduce_window" not in contains(rewritten(pool), x)


@pytest.mark.parametrize("case", POOLS.values(), ids=POOLS)
def test_sums(case):
    size, strides, padding = case
    both(lambda x: lax.reduce_window(x, 0.0, lax.add, size, strides, padding), draw(2, 7, 6, 3))


def test_nan_is_seen():
    x = draw(1, 4, 4, 1).at[0, 1, 0, 0].set(jnp.nan)
    pool = rewritten(
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    )
    assert np.isnan(pool(x)[0, 0, 0, 0])
    assert np.isfinite(pool(x)).sum() == 3


def blur(x):
    return lax.conv(x, jnp.ones((2, 2, 3, 3)) / 18, (1, 1), "SAME")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda x: jax.jit(blur)(x),
        lambda x: lax.scan(lambda c, _: (blur(c), None), x, None, length=3)[0],
        lambda x: lax.fori_loop(0, 3, lambda _, c: blur(c), x),
        lambda x: lax.cond(x.sum() > 0, blur, lambda x: x, x),
        lambda x: jax.checkpoint(blur)(x),
        lambda x: jax.vmap(blur)(x[:, None])[:, 0],
    ],
    ids=["jit", "scan", "loop", "branches", "rematerialized", "mapped"],
)
def test_inside(wrapped):
    x = draw(2, 2, 5, 5)
    close(rewritten(wrapped)(x), wrapped(x))
    assert "conv_general_dilated" not in contains(rewritten(wrapped), x)


def test_inside_of_a_loop_it_is_differentiated():
    both(lambda x: lax.scan(lambda c, _: (blur(c), None), x, None, length=2)[0], draw(2, 2, 5, 5))


def test_a_rewritten_function_maps_over_kernels():
    """Members side by side: each with a kernel of its own."""

    def convolve(k, x):
        return lax.conv(x, k, (1, 1), "SAME")

    k, x = draw(3, 4, 2, 3, 3), draw(2, 2, 6, 6)
    found = jax.vmap(rewritten(convolve), (0, None))(k, x)
    close(found, jnp.stack([convolve(one, x) for one in k]))


@pytest.mark.parametrize(
    ("shape", "weights"),
    [((5, 3), (3, 4)), ((2, 5, 3), (3, 4)), ((2, 5, 3), (3, 2, 4)), ((1100, 130), (130, 7))],
)
def test_a_layer_s_product(shape, weights):
    def multiply(x, w):
        return lax.dot_general(x, w, (((x.ndim - 1,), (0,)), ((), ())))

    both(multiply, draw(*shape), draw(*weights), tolerance=1e-3 if shape[0] > 99 else 2e-5)


@pytest.mark.parametrize(
    ("shape", "weights"), [((5, 3), (4, 3)), ((2, 5, 3), (4, 3)), ((1100, 130), (7, 130))]
)
def test_a_layer_s_product_with_weights_as_pytorch_has_them(shape, weights):
    def multiply(x, w):
        return lax.dot_general(x, w, (((x.ndim - 1,), (1,)), ((), ())))

    x, w = draw(*shape), draw(*weights)
    both(multiply, x, w, tolerance=1e-3 if shape[0] > 99 else 2e-5)
    assert "custom_vjp" in contains(rewritten(multiply), x, w)


def test_other_products_are_left_alone():
    x, y = draw(4, 3, 5), draw(4, 5, 2)
    assert "custom_vjp" not in contains(rewritten(jnp.matmul), x, y)
    low = x[0].astype("bfloat16"), y[0].astype("bfloat16")
    assert "custom_vjp" not in contains(rewritten(jnp.matmul), *low)
    assert "custom_vjp" in contains(rewritten(jnp.matmul), x[0], y[0])


def recurrent(reverse=False, twice=False):
    """A loop with products of what it is given and of its state, an integer among the state."""

    def run(x, state, w, u, b):
        def cell(carry, x):
            h, count = carry
            for _ in range(1 + twice):
                h = jnp.tanh(jnp.matmul(x, w) + jnp.matmul(h, u) + b)
            return (h, count + 1), (h * count, jnp.matmul(h, u))

        (h, count), (y, z) = lax.scan(cell, (state, jnp.int32(1)), x, reverse=reverse)
        return jnp.concatenate([y, z, (h * count)[None]])

    return run


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("twice", [False, True])
def test_a_recurrent_loop(reverse, twice):
    both(recurrent(reverse, twice), draw(4, 2, 3), draw(2, 5), draw(3, 5), draw(5, 5), draw(5))


def test_a_recurrent_loop_has_its_products_outside():
    """In a loop is only what needs the state, and weights' gradients are not summed there."""
    shapes = (4, 2, 3), (2, 5), (3, 5), (5, 5), (5,)
    new = rewritten(lambda *a: jnp.sum(recurrent()(*a)))
    found = jax.make_jaxpr(jax.grad(new, (2, 3)))(*(draw(*shape) for shape in shapes))
    loops = [e for e in found.eqns if e.primitive.name == "scan"]
    forward, backward = (str(loop.params["jaxpr"]).count("dot_general") for loop in loops)
    assert (forward, backward) == (2, 2)
    assert sum(e.primitive.name == "dot_general" for e in found.eqns) == 4  # ahead, three gradients


def test_a_recurrent_loop_maps_over_its_weights():
    x, h, b = draw(4, 2, 3), draw(2, 5), draw(5)
    w, u = draw(6, 3, 5), draw(6, 5, 5)

    def summed(f):
        return jax.vmap(jax.grad(lambda w, u: jnp.sum(f(x, h, w, u, b)), (0, 1)))(w, u)

    close(summed(rewritten(recurrent())), summed(recurrent()))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5, 2), (40, 33), (3, 8191), (2**14,)])
def test_random_bits_are_those_of_jax(shape):
    def bits(seed):
        return jax.random.bits(jax.random.key(seed), shape)

    for seed in (0, 1, 2**31 + 5):
        np.testing.assert_array_equal(rewritten(bits)(jnp.uint32(seed)), bits(jnp.uint32(seed)))
    assert "random_bits" not in contains(rewritten(bits), jnp.uint32(0))


def test_uniform_numbers_and_masks_are_those_of_jax():
    def draws(key):
        one, two = jax.random.split(key)
        return jax.random.uniform(one, (50,)), jax.random.bernoulli(two, 0.3, (9, 9))

    key = jax.random.key(3)
    for a, b in zip(rewritten(draws)(key), draws(key), strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_generators_are_left_alone():
    def bits(seed):
        return jax.random.bits(jax.random.key(seed, impl="rbg"), (4,))

    np.testing.assert_array_equal(rewritten(bits)(jnp.uint32(1)), bits(jnp.uint32(1)))


def test_what_has_nothing_to_rewrite_is_left_alone():
    def function(x):
        return jnp.tanh(x) * x

    x = draw(3, 3)
    assert contains(rewritten(function), x) == contains(function, x)
