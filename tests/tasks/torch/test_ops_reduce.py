"""Reductions: sums, variances, extremes and their gradients at ties, at zeros, along any axes."""

import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check_each  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

TIED = torch.tensor(
    [[0.0, 2, 2, -1, 0, 2], [1, 1, 1, 1, 1, 1], [0, -3, 0, 5, -3, 0.5], [-0.0, 0, 0, 0, 0, 0]]
).double()


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0)).double()


SUMS = {
    "sum": lambda x: x.sum(),
    "sum along one": lambda x: x.sum(1),
    "sum along all": lambda x: x.sum((0, 1), keepdim=True),
    "sum in float64": lambda x: x.float().sum(dtype=torch.float64),
    "mean": lambda x: x.mean(),
    "mean along one": lambda x: x.mean(-1, keepdim=True),
    "var": lambda x: x.var(),
    "var along one": lambda x: x.var(1),
    "var, biased": lambda x: x.var(0, unbiased=False, keepdim=True),
    "var, corrected": lambda x: x.var(0, correction=2),
    "std": lambda x: x.std(),
    "std along one": lambda x: x.std(1, unbiased=False),
    "var_mean": lambda x: torch.var_mean(x, 1),
    "std_mean": lambda x: torch.std_mean(x, (0, 1), keepdim=True),
    "std_mean of all": lambda x: torch.std_mean(x),
    "logsumexp": lambda x: x.logsumexp(1),
    "logsumexp of all": lambda x: torch.logsumexp(x, (0, 1), keepdim=True),
    "prod": lambda x: x.prod(),
    "prod along one": lambda x: x.prod(1),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(0),
    "logcumsumexp": lambda x: x.logcumsumexp(1),
    "diff": lambda x: x.diff(),
    "trace": lambda x: x.trace(),
    "nansum": lambda x: x.nansum(1),
    "nanmean": lambda x: x.nanmean(),
}
EXTREMES = {
    "amax": lambda x: x.amax(),
    "amax along one": lambda x: x.amax(1, keepdim=True),
    "amin along both": lambda x: x.amin((0, 1)),
    "max": lambda x: x.max(),
    "min": lambda x: x.min(),
    "max along one": lambda x: tuple(x.max(1)),
    "min along one": lambda x: tuple(x.min(0, keepdim=True)),
    "aminmax": lambda x: tuple(x.aminmax(dim=1)),
    "argmax": lambda x: (x.argmax(), x.argmax(1), x.argmin(0, keepdim=True)),
    "median": lambda x: x.median(),
}
COUNTS = {
    "any": lambda x: ((x > 1).any(), (x > 1).any(1), x.any(0)),
    "all": lambda x: ((x > -9).all(), (x > 1).all(1), x.all(0, keepdim=True)),
    "count": lambda x: (torch.count_nonzero(x), torch.count_nonzero(x, 1), (x > 1).sum()),
    "mean of a mask": lambda x: (x > 1).double().mean(),
}


def test_sums():
    check_each(SUMS, random(4, 6))


def test_ties_and_zeros():
    check_each(SUMS | EXTREMES, TIED)


def test_counts():
    check_each(COUNTS, TIED)


def test_ranks():
    """Elements by rank, where all differ."""
    check_each(
        {
            "median": lambda x: tuple(x.median(1)),
            "kthvalue": lambda x: tuple(x.kthvalue(2, 0)),
            "quantile": lambda x: (x.quantile(0.3), x.quantile(0.5, 1)),
        },
        random(5, 6),
    )


def test_scalars():
    check_each(
        {
            "sum": lambda x: x.sum(),
            "max": lambda x: tuple(x.max(0)),
            "mean": lambda x: x.mean(),
            "cumsum": lambda x: x.cumsum(0),
            "argmax": lambda x: x.argmax(),
            "softmax": lambda x: x.softmax(0),
        },
        torch.tensor(1.5).double(),
    )


def test_integers():
    check_each(
        {
            "sum": lambda x: (x.sum(), x.sum(1), x.prod(), x.cumsum(0), x.amax(1), x.max()),
            "along": lambda x: tuple(x.max(1)),
        },
        torch.arange(12).reshape(3, 4),
    )


def test_one_element_has_no_variance():
    check_each({"var": lambda x: x.var(), "std": lambda x: x.std(0)}, random(1))
