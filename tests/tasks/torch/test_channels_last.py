"""Images keep their channels last between operations, and the numbers are PyTorch's."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from steepest.tasks.torch.lowering.graph import capture  # noqa: E402
from steepest.tasks.torch.lowering.verify import prove  # noqa: E402


class Step(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return (self.module(x).square().mean(),)


class Mixed(nn.Module):
    """What keeps channels last beside what does not: sums of parts, shapes that are broadcast."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(2, 4, 3, padding=1)
        self.two = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.each = nn.Parameter(torch.randn(4, 1, 1))
        self.row = nn.Parameter(torch.randn(6))
        self.gate = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        h = self.one(x)
        h = h * self.each + self.row - 0.5 * h  # broadcast from fewer axes
        h = torch.relu(self.norm(h)) + x.new_ones(1, 1, 6, 6)
        h = h * torch.sigmoid(self.gate(h.mean((2, 3), keepdim=True)))
        h = torch.cat([h, h.flip(-1)], dim=1)[:, 2:6]
        h = nn.functional.avg_pool2d(self.two(h), 3, 2, 1)
        h = h[0] + h.mean((2, 3))[:, :, None, None]  # one example beside all
        return h + nn.functional.max_pool2d(h, 3, 1, 1, dilation=1)


def proved(module, *shape):
    step, leaves = Step(module), (torch.randn(*shape),)
    graphs = [capture(step.train(mode), leaves) for mode in (True, False)]
    prove(step, *graphs, [leaves])
    return step, graphs[0], leaves


@pytest.mark.slow
def test_beside_operations_that_want_channels_second():
    torch.manual_seed(0)
    proved(Mixed(), 3, 2, 6, 6)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 3])
def test_in_other_numbers_of_dimensions(rank):
    torch.manual_seed(0)
    conv, norm, pool = (
        getattr(nn, f"{name}{rank}d") for name in ("Conv", "BatchNorm", "AdaptiveAvgPool")
    )
    proved(nn.Sequential(conv(2, 3, 2), norm(3), nn.GELU(), pool(2)), 3, 2, *[4] * rank)


class Line(nn.Module):
    """Images that are made flat, for a layer of few weights and one of many, and for neither."""

    def __init__(self):
        super().__init__()
        self.conv, self.few, self.many = nn.Conv2d(2, 4, 3), nn.Linear(24, 3), nn.Linear(24, 40)
        self.bias = nn.Parameter(torch.randn(24))

    def forward(self, x):
        h = torch.relu(self.conv(x)).flatten(1)
        h = h * torch.sigmoid(h)
        return torch.cat([self.few(h), self.many(h), h + self.bias, h.flip(-1)], dim=1)


@pytest.mark.slow
def test_images_that_are_made_flat():
    torch.manual_seed(0)
    proved(Line(), 3, 2, 4, 5)


@pytest.mark.slow
def test_a_network_turns_its_images_once():
    layers = [nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(4, 4, 2), nn.ReLU(), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(2)]
    layers += [nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 5)]
    step, leaves = Step(nn.Sequential(*layers)), (torch.randn(3, 2, 8, 8),)
    graph = capture(step, leaves)
    values = {n: p.detach().numpy() for n, p in step.named_parameters()}
    values |= {n: b.numpy() for n, b in step.named_buffers()}

    def run(x):
        return graph.run(values, [x], jax.random.key(0))[0]

    images = [
        equation.invars[0].aval.shape
        for equation in jax.make_jaxpr(run)(leaves[0].numpy()).eqns
        if equation.primitive.name == "transpose" and equation.invars[0].aval.shape[0] == 3
    ]
    assert images == [(3, 2, 8, 8)]  # on the way in; made flat, the layer's weights are turned
    assert np.isfinite(run(leaves[0].numpy())[0])
