"""Products of matrices."""

import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check, check_each  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

pytestmark = pytest.mark.usefixtures("compiled_quickly")


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).double()


PRODUCTS = {
    "matmul": lambda x, y: x @ y,
    "mm": torch.mm,
    "batches": lambda x, y: torch.matmul(x[None], torch.stack([y, 2 * y])),
    "bmm": lambda x, y: torch.bmm(x[None], y[None]),
    "vectors": lambda x, y: (torch.mv(x, y[:, 0]), torch.dot(x[0], y[:, 0]), x[0] @ y),
    "outer": lambda x, y: torch.outer(x[0], y[0]),
    "inner": lambda x, y: torch.inner(x, y.T),
    "addmm": lambda x, y: torch.addmm(x @ y, x, y, beta=0.5, alpha=2),
    "addmm of a row": lambda x, y: torch.addmm(y[0], x, y),
    "baddbmm": lambda x, y: torch.baddbmm((x @ y)[None], x[None], y[None], beta=0),
    "addmv": lambda x, y: torch.addmv(x[:, 0], x, y[:, 0]),
    "addr": lambda x, y: torch.addr(x @ y, x[:, 0], y[0], alpha=3),
    "einsum": lambda x, y: torch.einsum("ij, jk -> ki", x, y),
    "einsum with dots": lambda x, y: torch.einsum("...j,jk->...k", x[None], y),
    "tensordot": lambda x, y: torch.tensordot(x, y, ([1], [0])),
    "multi_dot": lambda x, y: torch.linalg.multi_dot([x, y, y.T]),
}


def test_products():
    check_each(PRODUCTS, random(4, 3), random(3, 5))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3)])
def test_layers(shape):
    check(nn.Linear(3, 4).double(), random(*shape))


def test_layers_without_a_bias():
    check(nn.Linear(3, 4, bias=False).double(), random(2, 3))


def test_bilinear():
    layer = nn.Bilinear(3, 2, 4).double()
    check(layer, random(5, 3), random(5, 2))


def test_of_square_matrices():
    square = random(3, 3)
    check_each(
        {
            "matrix_exp": torch.matrix_exp,
            "inv": lambda x: torch.linalg.inv(x),
            "det": lambda x: torch.linalg.det(x),
            "solve": lambda x: torch.linalg.solve(x, x.T),
            "cholesky": lambda x: torch.linalg.cholesky(x @ x.T),
            "slogdet": lambda x: torch.linalg.slogdet(x)[1],
        },
        square,
        tolerance=1e-8,
    )


def test_linear_of_a_vector_of_weights():
    check_each({"": lambda x, w: F.linear(x, w)}, random(4, 3), random(3))
