"""Normalization in training and evaluation, with the statistics that it keeps."""

import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, spectral_norm, weight_norm  # noqa: E402

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape))).double() * 2 + 1


def ready(layer):
    """Return a layer in float64 whose parameters and statistics are no zeros and ones."""
    generator = torch.Generator().manual_seed(0)
    layer = layer.double()
    for tensor in (*layer.parameters(), *layer.buffers()):
        if tensor.is_floating_point():
            with torch.no_grad():
                tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.5)
    return layer


BATCH = {
    "1d": (nn.BatchNorm1d(3), (4, 3)),
    "1d of sequences": (nn.BatchNorm1d(3), (4, 3, 5)),
    "2d": (nn.BatchNorm2d(3), (4, 3, 2, 5)),
    "3d": (nn.BatchNorm3d(3), (2, 3, 2, 2, 2)),
    "not affine": (nn.BatchNorm2d(3, affine=False), (4, 3, 2, 5)),
    "of other momentum": (nn.BatchNorm2d(3, momentum=0.3, eps=0.1), (4, 3, 2, 5)),
    "cumulative": (nn.BatchNorm1d(3, momentum=None), (4, 3)),
    "without statistics": (nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
    "instance": (nn.InstanceNorm2d(3), (4, 3, 2, 5)),
    "instance, affine": (nn.InstanceNorm1d(3, affine=True), (4, 3, 5)),
    "instance with statistics": (
        nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
        (4, 3, 2, 5),
    ),
    "weight": (parametrizations.weight_norm(nn.Linear(3, 2)), (4, 3)),
    "weight of a dimension": (weight_norm(nn.Linear(3, 2), dim=1), (4, 3)),
    "weight as a whole": (weight_norm(nn.Linear(3, 2), dim=None), (4, 3)),
    "group": (nn.GroupNorm(2, 4), (3, 4, 2, 2)),
    "group of vectors": (nn.GroupNorm(2, 4, affine=False), (3, 4)),
    "layer": (nn.LayerNorm(3), (4, 5, 3)),
    "layer of two axes": (nn.LayerNorm([5, 3], elementwise_affine=False), (4, 5, 3)),
    "layer without a bias": (nn.LayerNorm(3, bias=False), (4, 3)),
    "root mean square": (nn.RMSNorm(3), (4, 5, 3)),
    "root mean square of eps": (nn.RMSNorm([5, 3], eps=0.1), (4, 5, 3)),
}
MODES = [True, False]


class All(nn.Module):
    """All layers, each of an input of its own: one export."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([ready(layer) for layer, _ in BATCH.values()])

    def forward(self, *leaves):
        return tuple(layer(leaf) for layer, leaf in zip(self.layers, leaves, strict=True))


@pytest.mark.parametrize("training", MODES)
def test_normalization(training):
    check(All().train(training), *(random(*shape) for _, shape in BATCH.values()), names=[*BATCH])


@pytest.mark.parametrize("kind", [parametrizations.spectral_norm, spectral_norm])
def test_spectral_norm(kind):
    """Its vectors are buffers that change, in a region without gradients."""
    for training in MODES:
        layer = kind(nn.Linear(3, 4)).double().train(training)
        check(layer, random(5, 3))


def test_orthogonal():
    check(parametrizations.orthogonal(nn.Linear(3, 3)).double(), random(2, 3), tolerance=1e-7)
