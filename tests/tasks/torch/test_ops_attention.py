"""Attention against PyTorch's, where everything is masked too."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from aten import drawn, same  # noqa: E402

from steepest.tasks.torch.lowering.graph import capture  # noqa: E402
from steepest.tasks.torch.lowering.table import find  # noqa: E402
from steepest.tasks.torch.lowering.verify import prove  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

NAME = "scaled_dot_product_attention"


def inputs(heads=2, places=5, keys=4):
    return (
        drawn(2, 2, places, 3, seed=1, ties=False),
        drawn(2, heads, keys, 3, seed=2, ties=False),
        drawn(2, heads, keys, 6, seed=3, ties=False),
    )


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("causal", [False, True])
def test_plain(scale, causal):
    same(NAME, *inputs(), None, 0.0, causal, scale=scale)


def test_heads_that_share():
    same(NAME, *inputs(heads=1), enable_gqa=True)


def test_masks():
    kept = torch.rand(2, 1, 5, 4, generator=torch.Generator().manual_seed(0)) > 0.4
    kept[0, 0, 1] = False  # a place that sees nothing: zeros, without a gradient
    same(NAME, *inputs(), kept)
    same(NAME, *inputs(), drawn(2, 1, 5, 4, seed=4))
    same(NAME, *inputs(), torch.zeros(5, 4).double().masked_fill(~kept[0, 0], -torch.inf))
    same(NAME, *inputs(), torch.zeros(5, 4).double().masked_fill(~kept[0, 0], -1e9))


def test_without_batch():
    same(NAME, drawn(4, 3, seed=1), drawn(4, 3, seed=2), drawn(4, 3, seed=3))


def test_weights():
    same("_scaled_dot_product_attention_math", *inputs())


def test_dropout_of_weights():
    """Each weight is dropped or divided by what is kept, so that the mean stays."""
    q = np.zeros((1, 50, 1), np.float32)
    v = np.ones((1, 50, 1), np.float32)
    attend = find(f"aten.{NAME}.default").function
    out = np.asarray(attend(jax.random.key(0), q, q, v, None, 0.2))
    assert out.std() > 0.02
    assert abs(out.mean() - 1) < 0.03


class Frozen(torch.nn.Module):
    """An encoder that is not trained, for which PyTorch has a kernel of its own, and a head."""

    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.encoder.requires_grad_(False)
        self.head = torch.nn.Linear(4, 1)

    def train(self, mode=True):
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, x):
        return (self.head(self.encoder(x)).square().mean(),)


def test_a_frozen_layer_takes_no_kernel_that_is_not_lowered():
    torch.manual_seed(0)
    step, leaves = Frozen(), (torch.randn(2, 3, 4),)
    prove(step, *(capture(step.train(mode), leaves) for mode in (True, False)), [leaves])
    assert torch.backends.mha.get_fastpath_enabled()
