"""And newer ones: a field of light, a table, images that are turned or coded."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lowered.case import CLASSES, Case, classes, classified


class NeRF(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(39, 32), nn.Linear(32 + 39, 32)
        self.density, self.color = nn.Linear(32, 1), nn.Linear(32, 3)

    def forward(self, rays: Tensor, depths: Tensor) -> Tensor:
        at = rays[:, None, :3] + rays[:, None, 3:] * depths[..., None]
        waves = at[..., None] * 2.0 ** torch.arange(6)
        x = torch.cat([at, waves.sin().flatten(-2), waves.cos().flatten(-2)], dim=-1)
        h = F.relu(self.two(torch.cat([F.relu(self.one(x)), x], dim=-1)))
        far = F.pad(depths[:, 1:] - depths[:, :-1], (0, 1), value=1e2)
        alpha = 1 - torch.exp(-F.softplus(self.density(h)[..., 0]) * far)
        seen = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha + 1e-10], 1), 1)
        return ((alpha * seen[:, :-1])[..., None] * torch.sigmoid(self.color(h))).sum(1)


def nerf():
    def loss(module, rays, depths, y):
        return F.mse_loss(module(rays, depths), y)

    depths = torch.linspace(2, 6, 8).expand(4, 8)
    return NeRF(), loss, (torch.randn(4, 6), depths.contiguous(), torch.rand(4, 3))


class Tabular(nn.Module):
    """A transformer over the columns of a table, with a token for the class."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.kinds = nn.ModuleList(nn.Embedding(n, size) for n in (3, 5, 7))
        self.scale, self.shift = (nn.Parameter(torch.randn(4, size)) for _ in range(2))
        self.token = nn.Parameter(torch.randn(1, 1, size))
        layer = nn.TransformerEncoderLayer(
            size, 4, 32, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Sequential(nn.LayerNorm(size), nn.ReLU(), nn.Linear(size, CLASSES))

    def forward(self, kinds: Tensor, numbers: Tensor) -> Tensor:
        columns = [e(kinds[:, n : n + 1]) for n, e in enumerate(self.kinds)]
        columns += [
            numbers[..., None] * self.scale + self.shift,
            self.token.expand(len(kinds), 1, -1),
        ]
        return self.out(self.encoder(torch.cat(columns, dim=1))[:, -1])


def tabular():
    def loss(module, kinds, numbers, y):
        return F.cross_entropy(module(kinds, numbers), y, label_smoothing=0.1)

    kinds = torch.stack([torch.randint(n, (4,)) for n in (3, 5, 7)], dim=1)
    return Tabular(), loss, (kinds, torch.randn(4, 4), classes())


class Turned(nn.Module):
    """A spatial transformer: it learns how to turn the image before it is classified."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, 4, 5),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(144, 6),
        )
        nn.init.zeros_(self.look[-1].weight)
        with torch.no_grad():
            self.look[-1].bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
        self.out = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(784, CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        grid = F.affine_grid(self.look(x).view(-1, 2, 3), x.size(), align_corners=False)
        return self.out(F.grid_sample(x, grid, align_corners=False))


def turned():
    return Turned(), classified, (torch.randn(4, 1, 16, 16), classes())


class VQVAE(nn.Module):
    """Codes are the nearest vectors; the gradient passes through as if nothing had happened."""

    def __init__(self) -> None:
        super().__init__()
        self.inward = nn.Conv2d(1, 8, 4, stride=4)
        self.codes = nn.Embedding(12, 8)
        self.outward = nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU(), nn.PixelShuffle(4))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.inward(x).permute(0, 2, 3, 1)
        far = (h[..., None, :] - self.codes.weight).pow(2).sum(-1)
        code = self.codes(far.argmin(-1))
        kept = F.mse_loss(code.detach(), h) * 0.25 + F.mse_loss(code, h.detach())
        return self.outward((h + (code - h).detach()).permute(0, 3, 1, 2)), kept


def vq_vae():
    def loss(module, x):
        found, kept = module(x)
        return F.mse_loss(found, x) + kept

    return VQVAE(), loss, (torch.randn(4, 1, 16, 16),)


NEWER_TUTORIALS = [
    Case("NeRF", "tutorial", nerf),
    Case("Transformer of a table", "tutorial", tabular),
    Case("Spatial transformer", "tutorial", turned),
    Case("VQ-VAE", "tutorial", vq_vae),
]
