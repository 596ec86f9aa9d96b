"""Views, copies, parts and repetitions against PyTorch's."""

import pytest

torch = pytest.importorskip("torch")
from aten import drawn, same  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

X = (2, 3, 4)
CASES = [
    ("view", [4, -1]),
    ("reshape", [2, 12]),
    ("_unsafe_view", [24]),
    ("ravel",),
    ("flatten.using_ints", 1),
    ("flatten.using_ints", 0, -2),
    ("unflatten.int", -1, [2, -1]),
    ("squeeze",),
    ("unsqueeze", 1),
    ("unsqueeze", -1),
    ("expand", [5, -1, 3, 4]),
    ("permute", [2, -3, 1]),
    ("transpose.int", 0, -1),
    ("mT",),
    ("movedim.int", 0, 2),
    ("movedim.intlist", [0, 1], [2, 0]),
    ("flip", [0, -1]),
    ("rot90", 1, [0, 2]),
    ("roll", [1, -2], [0, 2]),
    ("roll", [3]),
    ("split.Tensor", 2, 1),
    ("split.Tensor", 4, 2),
    ("split_with_sizes", [1, 3], -1),
    ("chunk", 3, -1),
    ("tensor_split.sections", 3, 2),
    ("tensor_split.indices", [1, 2], 2),
    ("unbind.int", 1),
    ("select.int", 1, -1),
    ("slice.Tensor", 2, 1, 9223372036854775807, 2),
    ("slice.Tensor", 1, -2),
    ("slice.Tensor", 1, 2, 1),
    ("narrow", 2, 1, 2),
    ("as_strided", [2, 3], [1, 5], 3),
    ("repeat", [2, 1, 3, 1]),
    ("tile", [2, 3]),
    ("repeat_interleave.self_int", 2),
    ("repeat_interleave.self_int", 3, 1),
    ("unfold", 2, 3, 1),
    ("unfold", 1, 1, 2),
    ("tril", -1),
    ("triu", 1),
    ("diagonal",),
    ("diagonal", 1, 0, 2),
    ("diag_embed", -1, 0, 2),
    ("linalg_diagonal",),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_of_one_array(case):
    name, *arguments = case
    named = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    same(name, drawn(*X), *arguments, **named)


def test_squeezed():
    x = drawn(1, 3, 1, 2)
    same("squeeze", x)
    same("squeeze.dim", x, 1)
    same("squeeze.dim", x, -2)
    same("squeeze.dims", x, [0, 1])


def test_of_several_arrays():
    parts = [drawn(2, 3), drawn(2, 1, seed=1), drawn(2, 4, seed=2)]
    same("cat", parts, 1)
    same("cat", [drawn(0), drawn(2, 3)], -1)
    same("stack", [drawn(2, 3), drawn(2, 3, seed=1)], -1)
    same("hstack", parts)
    same("vstack", [drawn(2, 3), drawn(3)])
    same("column_stack", [drawn(3), drawn(3, 2)])
    same("meshgrid", [drawn(2), drawn(3)])
    same("meshgrid.indexing", [drawn(2), drawn(3)], indexing="xy")
    same("block_diag", [drawn(2, 3), drawn(2), drawn(1, 1)])
    same("broadcast_tensors", [drawn(2, 1), drawn(3)])


def test_like_another():
    other = torch.zeros(4, 6, dtype=torch.float32)
    same("view_as", drawn(*X), other)
    same("expand_as", drawn(4, 1), other)


def test_matrices():
    same("t", drawn(2, 3))
    same("fliplr", drawn(2, 3))
    same("diag", drawn(3), 1)
    same("diag", drawn(3, 4), -1)
    same("tril_indices", 3, 4, 1)
    same("triu_indices", 3, 4, -1)


def test_windows_of_a_long_axis():
    same("unfold", drawn(2, 200), 1, 100, 30)
    same("repeat_interleave.self_Tensor", drawn(3, 2), torch.tensor([1, 0, 2]), 0, output_size=3)
