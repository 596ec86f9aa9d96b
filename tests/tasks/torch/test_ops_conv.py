"""Convolutions against PyTorch's."""

import pytest

torch = pytest.importorskip("torch")
from aten import drawn, same  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

RANKS = [1, 2, pytest.param(3, marks=pytest.mark.slow)]
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"stride": [2], "padding": [1]},
        {"dilation": [2], "groups": 2},
        {"padding": [2], "groups": 4, "bias": False},
        {"single": True},
    ],
)
def test_conv(rank, how):
    groups, bias = how.get("groups", 1), how.get("bias", True)
    x = drawn(*([] if how.get("single") else [2]), 4, *[7, 6, 5][:rank])
    weight = drawn(8, 4 // groups, *[3, 2, 3][:rank], seed=1)
    each = {name: how.get(name, [n]) * rank for name, n in DEFAULTS.items()}
    same(
        f"conv{rank}d",
        x,
        weight,
        drawn(8, seed=2) if bias else None,
        each["stride"],
        each["padding"],
        each["dilation"],
        groups,
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("dilation", [1, 3])
def test_padding_by_name(padding, dilation):
    """An even kernel needs an odd number of zeros, of which the end has one more."""
    x, weight = drawn(2, 3, 11, 8), drawn(4, 3, 4, 2, seed=1)
    same("conv2d.padding", x, weight, None, [1, 1], padding, [dilation, 1], 1)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize(
    ("stride", "padding", "more", "groups", "dilation"),
    [(1, 0, 0, 1, 1), (2, 1, 1, 1, 1), (3, 0, 2, 2, 1), (2, 1, 1, 4, 2), (1, 2, 0, 1, 1)],
)
def test_transposed(rank, stride, padding, more, groups, dilation):
    x = drawn(2, 4, *[4, 5, 3][:rank])
    weight = drawn(4, 6 // 2 if groups < 3 else 2, *[3, 2, 3][:rank], seed=1)
    overload = "" if rank == 1 else ".input"
    outputs = weight.stacked.shape[2] * groups
    same(
        f"conv_transpose{rank}d{overload}",
        x,
        weight,
        drawn(outputs, seed=2),
        [stride] * rank,
        [min(padding, 1)] * rank,
        [more] * rank,
        groups,
        [dilation] * rank,
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_convolution(transposed):
    x, weight = drawn(2, 4, 5), drawn(4, 4, 3, seed=1)
    same("convolution", x, weight, None, [2], [1], [1], transposed, [int(transposed)], 1)


def test_time_first():
    same("conv_tbc", drawn(6, 2, 3), drawn(3, 3, 4, seed=1), drawn(4, seed=2), 1)
