"""More of them: images, generators, graphs, sets, and fields."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lowered.case import CLASSES, Case, classes, classified


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inward, self.mean, self.log_var = nn.Linear(64, 32), nn.Linear(32, 4), nn.Linear(32, 4)
        self.outward, self.out = nn.Linear(4, 32), nn.Linear(32, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.inward(x.view(-1, 64)))
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_var)
        return torch.sigmoid(self.out(F.relu(self.outward(z)))), mean, log_var


def vae():
    def loss(module, x):
        found, mean, log_var = module(x)
        kept = F.binary_cross_entropy(found, x.view(-1, 64), reduction="sum")
        return kept - 0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())

    return VAE(), loss, (torch.rand(4, 1, 8, 8),)


def discriminator():
    layers = [nn.Conv2d(3, 8, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    layers += [nn.Conv2d(8, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16)]
    layers += [nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(16, 1, 4, 1, 0, bias=False)]

    def loss(module, x, y):
        return F.binary_cross_entropy(torch.sigmoid(module(x)).view(-1), y)

    return nn.Sequential(*layers), loss, (torch.randn(4, 3, 16, 16), torch.rand(4).round())


def autoencoder():
    layers = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 4, 3, 2, 1), nn.ReLU()]
    layers += [nn.ConvTranspose2d(4, 8, 3, 2, 1, output_padding=1), nn.ReLU()]
    layers += [nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1), nn.Tanh()]

    def loss(module, x):
        return F.mse_loss(module(x), x)

    return nn.Sequential(*layers), loss, (torch.randn(4, 1, 16, 16),)


class Double(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.bottom = Double(3, 8), Double(8, 16), Double(16, 32)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.smooth = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.four, self.five, self.out = Double(32, 16), Double(24, 8), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        h = self.up(self.bottom(F.max_pool2d(two, 2)))
        h = self.four(torch.cat([two, h], dim=1))
        return self.out(self.five(torch.cat([one, self.smooth(h)], dim=1)))


def unet():
    return UNet(), classified, (torch.randn(2, 3, 16, 16), torch.randint(3, (2, 16, 16)))


def siamese():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 8))

    def loss(module, a, b, c):
        return F.triplet_margin_loss(module(a), module(b), module(c), margin=2.0)

    return model, loss, tuple(torch.randn(4, 1, 8, 8) for _ in range(3))


class GCN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, CLASSES)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        edges = edges + torch.eye(len(edges))
        degree = edges.sum(dim=1).pow(-0.5)
        edges = degree[:, None] * edges * degree[None, :]
        h = F.dropout(F.relu(edges @ self.one(x)), 0.5, self.training)
        return F.log_softmax(edges @ self.two(h), dim=1)


def gcn():
    def loss(module, x, edges, y, known):
        return (F.nll_loss(module(x, edges), y, reduction="none") * known).sum() / known.sum()

    edges = (torch.rand(12, 12) > 0.7).float()
    known = (torch.arange(12) < 6).float()
    return GCN(), loss, (torch.randn(12, 8), torch.maximum(edges, edges.T), classes(12), known)


class WaveNet(nn.Module):
    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.inward = nn.Conv1d(1, size, 1)
        self.gates = nn.ModuleList(nn.Conv1d(size, 2 * size, 2, dilation=2**n) for n in range(4))
        self.skips = nn.ModuleList(nn.Conv1d(size, size, 1) for _ in range(4))
        self.out = nn.Sequential(
            nn.ReLU(), nn.Conv1d(size, size, 1), nn.ReLU(), nn.Conv1d(size, 16, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        h, total = self.inward(x), 0.0
        for gate, skip in zip(self.gates, self.skips, strict=True):
            a, b = gate(F.pad(h, (gate.dilation[0], 0))).chunk(2, dim=1)
            a = skip(torch.tanh(a) * torch.sigmoid(b))
            h, total = h + a, total + a
        return self.out(total)


def wavenet():
    return WaveNet(), classified, (torch.randn(2, 1, 24), torch.randint(16, (2, 24)))


class DeepSet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(3, 16), nn.ELU(), nn.Linear(16, 16), nn.ELU())
        self.out = nn.Sequential(nn.Linear(32, 16), nn.ELU(), nn.Linear(16, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        h = self.each(x)
        return self.out(torch.cat([h.max(dim=1).values, h.mean(dim=1)], dim=1))


def deep_set():
    return DeepSet(), classified, (torch.randn(4, 6, 3), classes())


class Experts(nn.Module):
    """A mixture of experts: all are computed, and the best two are weighted."""

    def __init__(self, count: int = 4, size: int = 16) -> None:
        super().__init__()
        self.gate = nn.Linear(size, count)
        self.inward = nn.Parameter(torch.randn(count, size, 32) / 4)
        self.outward = nn.Parameter(torch.randn(count, 32, CLASSES) / 6)

    def forward(self, x: Tensor) -> Tensor:
        best, places = self.gate(x).topk(2, dim=-1)
        weights = torch.zeros_like(self.gate(x)).scatter(1, places, F.softmax(best, dim=-1))
        h = F.gelu(torch.einsum("bi,eio->ebo", x, self.inward))
        return torch.einsum("ebo,eoc,be->bc", h, self.outward, weights)


def experts():
    return Experts(), classified, (torch.randn(6, 16), classes(6))


class ODE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.field = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, x: Tensor) -> Tensor:
        path = [x]
        for step in range(10):
            at = torch.full_like(x[:, :1], step / 10)
            path.append(path[-1] + 0.1 * self.field(torch.cat([path[-1], at], dim=1)))
        return torch.stack(path, dim=1)


def ode():
    def loss(module, x, y):
        return (module(x) - y).abs().mean()

    return ODE(), loss, (torch.randn(4, 2), torch.randn(4, 11, 2))


MORE_TUTORIALS = [
    Case("VAE", "tutorial", vae),
    Case("DCGAN, discriminator", "tutorial", discriminator),
    Case("Autoencoder, transposed convolutions", "tutorial", autoencoder),
    Case("U-Net", "tutorial", unet),
    Case("Siamese, triplets", "tutorial", siamese),
    Case("Graph convolutions, dense", "tutorial", gcn),
    Case("WaveNet", "tutorial", wavenet),
    Case("Deep set", "tutorial", deep_set),
    Case("Mixture of experts, dense", "tutorial", experts),
    Case("Neural ODE, Euler", "tutorial", ode),
]
