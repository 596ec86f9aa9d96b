"""Dropout and noise: how often it drops, what it scales, a key of its own for each operation."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from as_in_torch import Of  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from steepest.tasks.torch.lowering.draws import FIXED  # noqa: E402
from steepest.tasks.torch.lowering.graph import capture  # noqa: E402

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

KEY = jax.random.key(0)
IMAGES = torch.ones(50, 40, 4, 4)


def drawn(thing, *leaves, key=KEY):
    module = thing if isinstance(thing, nn.Module) else Of(thing)
    graph = capture(module, leaves)
    run = jax.jit(graph.run) if graph.random and key is not None else graph.run
    outputs, _ = run({}, [leaf.numpy() for leaf in leaves], key)
    return [np.asarray(out) for out in outputs]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("inplace", [False, True])
def test_dropout_drops_at_its_rate_and_scales(p, inplace):
    def dropped(x):
        return F.dropout(x * 1, p, True, inplace)

    (found,) = drawn(dropped, IMAGES)
    assert set(np.unique(found)) == {np.float32(0), np.float32(1 / (1 - p))}
    error = np.sqrt(p * (1 - p) / found.size)
    assert abs((found == 0).mean() - p) < 5 * error


@pytest.mark.parametrize("kind", [nn.Dropout1d, nn.Dropout2d, nn.Dropout3d])
def test_channels_are_dropped_as_a_whole(kind):
    places = {nn.Dropout1d: (4,), nn.Dropout2d: (4, 4), nn.Dropout3d: (2, 2, 2)}[kind]
    (found,) = drawn(kind(0.25), torch.ones(50, 40, *places))
    flat = found.reshape(50, 40, -1)
    assert (flat == flat[..., :1]).all()
    assert abs((flat[..., 0] == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 2000)
    np.testing.assert_allclose(found.max(), 1 / 0.75, rtol=1e-6)


@pytest.mark.parametrize("kind", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(kind):
    normal = torch.randn(400, 100, 2, generator=torch.Generator().manual_seed(0))
    (found,) = drawn(kind(0.3), normal)
    assert abs(found.mean()) < 0.05
    assert abs(found.var() - 1) < 0.06
    low = found.min()
    assert low == pytest.approx(found[found < 1e-6 + low].mean())  # one value for what is dropped


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_rates_of_0_and_1(p):
    for kind in (nn.Dropout, nn.Dropout2d):
        (found,) = drawn(kind(p), IMAGES)
        assert (found == 1 - p).all()


def test_evaluation_drops_nothing_and_needs_no_key():
    layers = nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5), nn.RReLU())
    graph = capture(layers.eval(), (IMAGES,))
    assert not graph.random
    (found,), _ = graph.run({}, [IMAGES.numpy()])
    assert (np.asarray(found) == 1).all()


def test_each_operation_has_its_own_key():
    two = nn.ModuleList([nn.Dropout(0.5), nn.Dropout(0.5)])
    first, second = drawn(lambda x: (two[0](x), two[1](x)), IMAGES)
    assert 0.4 < (first == second).mean() < 0.6
    again, _ = drawn(lambda x: (two[0](x), two[1](x)), IMAGES)
    assert (first == again).all()
    other, _ = drawn(lambda x: (two[0](x), two[1](x)), IMAGES, key=jax.random.key(1))
    assert 0.4 < (first == other).mean() < 0.6


def test_a_random_graph_needs_a_key():
    with pytest.raises(ValueError, match="needs a key"):
        drawn(nn.Dropout(0.5), IMAGES, key=None)


def test_noise_has_its_distribution():
    def noise(x):
        return (
            torch.rand_like(x),
            torch.randn(x.shape),
            torch.empty(x.shape).uniform_(-1, 3),
            torch.empty(x.shape).normal_(2, 0.5),
            torch.empty(x.shape).exponential_(2.0),
            torch.bernoulli(torch.full(x.shape, 0.3)),
            torch.normal(x, 2.0),
            torch.rand(x.shape),
            torch.randn_like(x),
        )

    moments = [(0.5, 1 / 12), (0, 1), (1, 16 / 12), (2, 0.25), (0.5, 0.25), (0.3, 0.21), (1, 4)]
    for found, (mean, variance) in zip(
        drawn(noise, IMAGES), [*moments, (0.5, 1 / 12), (0, 1)], strict=True
    ):
        assert abs(found.mean() - mean) < 5 * np.sqrt(variance / found.size)
        assert found.var() == pytest.approx(variance, rel=0.1)


def test_integers_and_orders():
    found = drawn(
        lambda x: (torch.randint(2, 5, (1000,)), torch.randperm(50), torch.randint_like(x, 3)),
        IMAGES,
    )
    assert set(found[0]) == {2, 3, 4}
    assert sorted(found[1]) == list(range(50)) != found[1].tolist()
    assert set(np.unique(found[2])) == {0, 1, 2}


def test_rrelu_draws_its_slopes():
    (found,) = drawn(nn.RReLU(0.1, 0.3), -IMAGES)
    assert -0.3 <= found.min() < -0.29
    assert -0.11 < found.max() <= -0.1


def test_gradients_pass_where_the_mask_is():
    graph = capture(nn.Dropout(0.5), (torch.ones(100),))

    def total(x):
        (out,), _ = graph.run({}, [x], KEY)
        return out.sum(), out

    slope, out = jax.grad(total, has_aux=True)(np.ones(100, np.float32))
    np.testing.assert_array_equal(slope, out)


def test_gradients_of_noise():
    """A sampled path has a gradient; `torch.normal` has none."""

    graph = capture(Of(lambda x: x * torch.randn_like(x) + torch.normal(x, 1.0)), (torch.ones(3),))
    noise = jax.grad(lambda x: graph.run({}, [x], FIXED)[0][0].sum())(np.ones(3, np.float32))
    np.testing.assert_allclose(noise, np.sin(1 + np.arange(3)), rtol=1e-6)
