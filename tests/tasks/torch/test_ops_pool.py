"""Pools against PyTorch's: of equal values, the first has the gradient."""

import pytest

torch = pytest.importorskip("torch")
from aten import Members, drawn, same  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

SLOW = pytest.mark.slow
RANKS = [pytest.param(1, marks=SLOW), 2, pytest.param(3, marks=SLOW)]
SHAPES = {1: [9], 2: [9, 7], 3: [6, 5, 7]}
WINDOWS = [
    {"kernel": 2},
    {"kernel": 3, "stride": 2, "padding": 1},
    {"kernel": 3, "stride": 2, "ceil": True},
    {"kernel": 2, "stride": 3, "padding": 1, "ceil": True},
    {"kernel": 3, "stride": 1, "padding": 1},
]


def window(how, rank):
    return [
        [how["kernel"]] * rank,
        [how.get("stride", how["kernel"])] * rank,
        [how.get("padding", 0)] * rank,
    ]


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("how", [*WINDOWS, {"kernel": 2, "stride": 2, "dilation": 2}])
def test_max(rank, how):
    rest = [[how.get("dilation", 1)] * rank, how.get("ceil", False)]
    x = drawn(2, 3, *SHAPES[rank])
    same(f"max_pool{rank}d", x, *window(how, rank), *rest)
    same(f"max_pool{rank}d_with_indices", x, *window(how, rank), *rest)


def test_max_of_one_example_and_below_zero():
    x = Members(drawn(3, 8, 6).stacked - 9)  # padding is not the largest
    same("max_pool2d", x, [3, 3], [2, 2], [1, 1])
    same("max_pool2d", x, [2, 2])


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("how", WINDOWS)
@pytest.mark.parametrize("counted", [False, True])
def test_mean(rank, how, counted):
    rest = [how.get("ceil", False), counted]
    same(f"avg_pool{rank}d", drawn(2, 3, *SHAPES[rank]), *window(how, rank), *rest)


def test_mean_by_another_divisor():
    same("avg_pool2d", drawn(2, 3, 6, 6), [3, 3], [2, 2], [1, 1], False, True, 5)


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("size", [1, 3, 4])
def test_adaptive(rank, size):
    x = drawn(2, 3, *SHAPES[rank])
    same(f"adaptive_avg_pool{rank}d", x, [size] * rank)
    same(f"adaptive_max_pool{rank}d", x, [size] * rank)
    x = drawn(2, 3, *[2 * size] * rank)
    same(f"adaptive_avg_pool{rank}d", x, [size] * rank)
    same(f"adaptive_max_pool{rank}d", x, [size] * rank)


def test_unpool():
    places = torch.tensor([[0, 5, 2, 15], [3, 4, 9, 10]]).reshape(1, 2, 2, 2)
    same("max_unpool2d", drawn(1, 2, 2, 2), places, [4, 4])
