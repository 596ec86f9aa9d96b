"""Norms and distances, with gradient 0 at 0."""

import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check_each  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

pytestmark = pytest.mark.usefixtures("compiled_quickly")

X = torch.tensor([[0.0, 0, 0], [1, -2, 2], [3, 0, -3], [0.5, 0.5, -0.25]]).double()
Y = torch.tensor([[0.0, 0, 0], [1, -2, 2], [1, 1, -1], [2.0, 0, 4]]).double()

NORMS = {
    "2": lambda x: x.norm(),
    "2 along one": lambda x: x.norm(dim=1),
    "1": lambda x: x.norm(p=1, dim=1),
    "infinite": lambda x: x.norm(p=float("inf"), dim=1),
    "minus infinite": lambda x: torch.linalg.vector_norm(x, -float("inf"), 1),
    "3": lambda x: torch.linalg.vector_norm(x, 3, 1, keepdim=True),
    "1.5": lambda x: torch.linalg.vector_norm(x, 1.5, 1),
    "0": lambda x: torch.linalg.vector_norm(x, 0, 1) + x.sum(),
    "linalg": lambda x: torch.linalg.norm(x) + torch.linalg.norm(x, dim=1).sum(),
    "of a matrix": lambda x: torch.linalg.matrix_norm(x),
    "of order 1 of vectors": lambda x: torch.linalg.norm(x, 1, dim=1),
    "normalize": lambda x: F.normalize(x),
    "normalize by 1": lambda x: F.normalize(x, 1.0, 0),
}
DISTANCES = {
    "dist": torch.dist,
    "dist by 1": lambda x, y: torch.dist(x, y, 1),
    "pairwise": F.pairwise_distance,
    "pairwise by 1": lambda x, y: F.pairwise_distance(x, y, 1.0, keepdim=True),
    "cdist": torch.cdist,
    "cdist by 1": lambda x, y: torch.cdist(x, y, 1.0),
    "cosine": F.cosine_similarity,
    "cosine of all pairs": lambda x, y: F.cosine_similarity(x[:, None], y[None], dim=-1),
}


def test_norms():
    check_each(NORMS, X)


def test_distances():
    check_each(DISTANCES, X, Y)
    check_each({"pdist": F.pdist, "of zero": lambda x: (x * 0).norm() + x.sum()}, X)
