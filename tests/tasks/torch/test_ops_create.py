"""New arrays and copies."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from as_in_torch import Of, check_each  # noqa: E402

from steepest.tasks.torch.lowering.graph import capture  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).double()

NEW = {
    "zeros": lambda x: torch.zeros(3, 4) + x,
    "ones": lambda x: torch.ones(2, 2, dtype=torch.int64),
    "full": lambda x: (torch.full((2,), 3), torch.full((2,), 0.5), torch.full_like(x, 2)),
    "like": lambda x: (torch.zeros_like(x), torch.ones_like(x, dtype=torch.bool)),
    "new": lambda x: (x.new_zeros(2), x.new_ones(1, 2), x.new_full((2,), 7), x.new_tensor([1, 2])),
    "arange": lambda x: (
        torch.arange(5),
        torch.arange(2, 7),
        torch.arange(0, 1, 0.25),
        torch.arange(5.0),
        torch.arange(7, 1, -2),
    ),
    "linspace": lambda x: (torch.linspace(-1, 1, 5), torch.linspace(0, 1, 3, dtype=torch.float64)),
    "logspace": lambda x: torch.logspace(0, 2, 3),
    "eye": lambda x: (torch.eye(3), torch.eye(2, 3)),
    "tensor": lambda x: (torch.tensor([1, 2]), torch.tensor(0.5), torch.scalar_tensor(2.0)),
    "fill": lambda x: (torch.empty(3).fill_(2), (x * 1).fill_(3), (x * 1).zero_()),
    "copies": lambda x: (x.clone(), x.contiguous(), x.detach() * x, x.to(torch.float32).double()),
    "copy": lambda x: torch.zeros(3, 4).double().copy_(x[0]),
}


def test_new_arrays():
    check_each(NEW, X, tolerance=1e-6)


def test_without_64_bits():
    """Where a graph trains: 64 bits become 32, in what it creates too."""

    def new(x):
        return x.double() * 2, torch.arange(3), torch.zeros(2, dtype=torch.float64)

    graph = capture(Of(new), (torch.ones(2),))
    outputs, _ = graph.run({}, [np.ones(2, np.float32)])
    assert [str(out.dtype) for out in outputs] == ["float32", "int32", "float32"]
