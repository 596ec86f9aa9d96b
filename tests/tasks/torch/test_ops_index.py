"""Indexing, gathers and scatters, and values in order, against PyTorch's."""

import pytest

torch = pytest.importorskip("torch")
from aten import drawn, same  # noqa: E402

from steepest.tasks.torch.lowering.table import NotLoweredError, find  # noqa: E402

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

PLACES = torch.tensor([[0, 2, 1], [3, 2, 2]])


@pytest.mark.parametrize("padding", [-1, 2])
def test_embedding(padding):
    same("embedding", drawn(5, 3), PLACES, padding)


@pytest.mark.parametrize("how", [{"scale_grad_by_freq": True}, {"sparse": True}])
def test_embedding_of_other_gradients_is_not_lowered(how):
    with pytest.raises(NotLoweredError, match="=True is not lowered"):
        find("aten.embedding.default").function(None, None, **how)


@pytest.mark.parametrize("mode", [0, 1])
def test_bags(mode):
    words, bags = torch.tensor([0, 3, 3, 1, 4]), torch.tensor([0, 2, 2])
    for padding in (None, 3):
        rest = [False, mode, False, None, False, padding]
        same("embedding_bag.padding_idx", drawn(5, 3), words, bags, *rest, results=1)


INDICES = [
    [PLACES],
    [None, torch.tensor([0, -1, 0])],
    [torch.tensor([0, 1]), None, torch.tensor([1, 2])],
    [torch.tensor([[0], [1]]), torch.tensor([1, 2])],
]


@pytest.mark.parametrize("indices", INDICES, ids=str)
def test_index(indices):
    x = drawn(4, 3, 5)
    same("index.Tensor", x, indices)
    values = torch.ops.aten.index.Tensor(x.stacked[0], indices)
    same("index_put", x, indices, drawn(*values.shape, seed=1), True)


def test_set_by_index():
    at = [torch.tensor([0, 3]), None, torch.tensor([1, 2])]
    same("index_put", drawn(4, 3, 5), at, drawn(2, 3, seed=1))
    same("index_put", drawn(4, 3, 5), at, drawn(seed=1))


def test_masks():
    mask = drawn(4, 3).stacked[0] > 0
    same("index_put", drawn(4, 3, 2), [mask], drawn(seed=1))
    same("index_put", drawn(4, 3, 2), [mask], drawn(1, 2, seed=1), True)
    same("masked_scatter", drawn(4, 3), mask, drawn(20, seed=1))
    with pytest.raises(NotLoweredError, match="mask"):
        find("aten.index.Tensor").function(mask.numpy(), [mask.numpy()])


def test_of_an_axis():
    few = torch.tensor([2, 0, 2])
    same("index_select", drawn(4, 3), 0, few)
    same("index_select", drawn(4, 3), -1, few)
    same("index_add", drawn(4, 3), 0, few, drawn(3, 3, seed=1), alpha=2)
    same("index_copy", drawn(4, 3), 0, few[:2], drawn(2, 3, seed=1))
    same("index_fill.int_Scalar", drawn(4, 3), 0, few, 2.5)
    same("take", drawn(4, 3), PLACES)
    same("take_along_dim", drawn(2, 4), PLACES, 1)
    same("take_along_dim", drawn(2, 4), PLACES)
    same("gather", drawn(2, 4), 1, PLACES)
    same("gather", drawn(4, 5), 0, PLACES)


def test_scatter():
    x, source = drawn(4, 5), drawn(2, 3, seed=1)
    alone = torch.tensor([[0, 2, 1], [3, 1, 2]])
    same("scatter.src", x, 0, alone, source)
    same("scatter.value", x, 1, PLACES, 2.5)
    same("scatter_add", x, 1, PLACES, source)
    same("scatter_add", x, 1, PLACES, torch.ones(3, 4).double())  # more than are asked for


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
@pytest.mark.parametrize("include", [False, True])
def test_scatter_reduce(reduce, include):
    x, source = drawn(4, 5), drawn(2, 3, seed=1)
    same("scatter_reduce.two", x, 1, PLACES, source, reduce, include_self=include)


def test_written_into_a_part():
    same("slice_scatter", drawn(4, 5), drawn(4, 2, seed=1), 1, 1, 5, 2)
    same("slice_scatter", drawn(4, 5), drawn(3, 5, seed=1), 0, -3)
    same("select_scatter", drawn(4, 5), drawn(4, seed=1), 1, -2)
    same("diagonal_scatter", drawn(4, 5), drawn(4, seed=1), 1)


@pytest.mark.parametrize("descending", [False, True])
def test_in_order(descending):
    x = drawn(3, 6)
    same("sort", x, 1, descending)
    same("sort.stable", x, stable=True, dim=0, descending=descending)
    same("argsort", x, -1, descending)
    unequal = drawn(3, 6, ties=False)
    same("topk", unequal, 2, 1, descending)
    same("topk", unequal, 2, 0, descending)


def test_running_extremes():
    x = drawn(3, 6)
    same("cummax", x, 1)
    same("cummin", x, 0)
    same("msort", x)


def test_where_values_belong():
    edges = torch.tensor([-1.0, 0.0, 0.0, 2.0]).double()
    for right in (False, True):
        same("bucketize.Tensor", drawn(3, 4), edges, right=right)
        same("searchsorted.Tensor", edges, drawn(3, 4), right=right)
        same("searchsorted.Tensor", edges.expand(3, 4), drawn(3, 2), right=right)
    same("one_hot", PLACES, 4)
    same("isin.Tensor_Tensor", PLACES, torch.tensor([1, 3]))
    with pytest.raises(NotLoweredError, match="num_classes"):
        find("aten.one_hot.default").function(PLACES.numpy())
