"""Activations: values and gradients as PyTorch's, at kinks, far out, and in half precision."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from as_in_torch import Of, check, check_each  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from steepest.tasks.torch.lowering.graph import capture  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

# Kinks of all activations, and where exponentials overflow.
POINTS = [0.0, -0.0, 0.5, -0.5, 1, -1, 3, -3, 6, -6, 20, -20, 19.9, 20.1, 100, -100, 1000, -1000]

ACTIVATIONS = {
    function.__name__: function
    for function in (
        F.celu,
        F.elu,
        F.gelu,
        F.hardshrink,
        F.hardsigmoid,
        F.hardswish,
        F.hardtanh,
        F.leaky_relu,
        F.logsigmoid,
        F.mish,
        F.relu,
        F.relu6,
        F.selu,
        F.sigmoid,
        F.silu,
        F.softplus,
        F.softshrink,
        F.softsign,
        F.tanh,
        F.tanhshrink,
    )
} | {
    "celu of 2": lambda x: F.celu(x, 2.0),
    "elu of 0.3": lambda x: F.elu(x, 0.3),
    "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hardtanh of other bounds": lambda x: F.hardtanh(x, -0.5, 3.0),
    "leaky_relu of 0.2": lambda x: F.leaky_relu(x, 0.2),
    "rrelu in evaluation": lambda x: F.rrelu(x),
    "softplus of 2": lambda x: F.softplus(x, 2.0, 10.0),
    "threshold": lambda x: F.threshold(x, 0.5, 2.0),
    "relu in place": lambda x: F.relu_(x * 1),
}


def points(shape=(-1,)):
    generator = np.random.default_rng(1)
    x = torch.tensor([*POINTS, *generator.standard_normal(54)], dtype=torch.float64)
    return x.reshape(shape)


def test_activations():
    exact = {name: f for name, f in ACTIVATIONS.items() if f is not F.hardsigmoid}
    check_each(exact, points())
    check(F.hardsigmoid, points(), tolerance=1e-7)  # PyTorch's backward pass has 1 / 6 in float32


def test_softmax():
    check_each(
        {
            f"{name} along {dim}": lambda x, name=name, dim=dim: getattr(F, name)(x, dim)
            for name in ("softmax", "log_softmax", "softmin")
            for dim in (0, 1, -1)
        },
        points((8, 9)),
    )


def test_softmax_with_masked_elements():
    def masked(x):
        return F.softmax(x.masked_fill(x > 1, float("-inf")), -1)

    check(masked, torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).double())


def test_glu():
    check(lambda x: F.glu(x, 1), points((8, 9))[:, :8])


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3)])
def test_prelu(count, shape):
    x = points()[: int(np.prod(shape))].reshape(shape)
    check(nn.PReLU(count).double(), x)


def test_nan_stays_nan():
    """A member that diverges has to show it."""
    x = torch.tensor([float("nan"), 1.0, -1.0])
    for function in (F.relu, F.relu6, F.hardtanh, F.hardswish, F.leaky_relu, F.elu, F.softplus):
        (found,), _ = capture(Of(function), (x,)).run({}, [x.numpy()])
        assert np.isnan(np.asarray(found)).tolist() == [True, False, False], function


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gelu", "silu", "softplus", "sigmoid", "elu", "mish"])
def test_half_precision_is_rounded_once(name):
    """As in PyTorch, which computes an operation in float32."""
    x = torch.randn(200, generator=torch.Generator().manual_seed(0)).bfloat16()
    expected = getattr(F, name)(x).float().numpy()
    given = jax.numpy.asarray(x.float().numpy()).astype(jax.numpy.bfloat16)
    (found,), _ = capture(Of(getattr(F, name)), (x,)).run({}, [given])
    assert found.dtype == jax.numpy.bfloat16
    assert np.mean(np.asarray(found, np.float32) == expected) > 0.99
