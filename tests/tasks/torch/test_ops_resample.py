"""Interpolation, padding, patches and sampling at places, against PyTorch's."""

import pytest

torch = pytest.importorskip("torch")
from aten import Members, drawn, same  # noqa: E402

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

SLOW = pytest.mark.slow
RANKS = [pytest.param(1, marks=SLOW), 2, pytest.param(3, marks=SLOW)]
SPACE = {1: [5], 2: [5, 4], 3: [3, 4, 2]}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("size", [3, 7, 10])
def test_to_a_size(rank, size):
    x, sizes = drawn(2, 3, *SPACE[rank]), [size, size + 1, size][:rank]
    same(f"upsample_nearest{rank}d.vec", x, sizes, None)
    same(f"_upsample_nearest_exact{rank}d.vec", x, sizes, None)
    for corners in (False, True):
        same(f"upsample_{LINEAR[rank]}{rank}d.vec", x, sizes, corners, None)


@pytest.mark.parametrize("factor", [2.0, 1.7, 0.6])
def test_by_a_factor(factor):
    x, factors = drawn(2, 3, 5, 4), [factor, 2.0]
    same("upsample_nearest2d.vec", x, None, factors)
    same("_upsample_nearest_exact2d.vec", x, None, factors)
    for corners in (False, True):
        same("upsample_bilinear2d.vec", x, None, corners, factors)
        same("upsample_bicubic2d.vec", x, None, corners, factors)


def test_other_schemas():
    same("upsample_nearest2d", drawn(2, 3, 5, 4), [10, 6], 2.0, 1.6)
    same("upsample_bilinear2d", drawn(2, 3, 5, 4), [10, 6], False, 2.0, 1.6)
    same("upsample_bilinear2d", drawn(2, 3, 5, 4), [10, 6], True)
    same("upsample_bicubic2d", drawn(2, 3, 5, 4), [1, 6], True)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_pad(mode):
    same("pad", drawn(2, 3, 5, 4), [1, 2, 3, 0], mode)
    same("pad", drawn(3, 5), [2, 1], mode)


def test_pads_by_name():
    same("pad", drawn(2, 3, 5), [1, -2], "constant", 1.5)
    same("constant_pad_nd", drawn(2, 3, 5), [1, 0, -1, 2], 2)
    same("reflection_pad2d", drawn(2, 3, 5, 4), [1, 2, 3, 0])
    same("replication_pad1d", drawn(2, 3, 5), [1, 2])


@pytest.mark.parametrize(
    ("kernel", "dilation", "padding", "stride"),
    [((2, 3), (1, 1), (0, 0), (1, 1)), ((2, 2), (2, 1), (1, 0), (2, 3))],
)
def test_patches(kernel, dilation, padding, stride):
    how = [list(n) for n in (kernel, dilation, padding, stride)]
    for lead in ([2], []):
        x = drawn(*lead, 3, 6, 7)
        same("im2col", x, *how)
        patches = torch.ops.aten.im2col(x.stacked.reshape(-1, 3, 6, 7), *how)
        back = drawn(*lead, *patches.shape[1:])
        same("col2im", back, [6, 7], *how)


def test_rearranged():
    same("pixel_shuffle", drawn(2, 12, 3, 2), 2)
    same("pixel_unshuffle", drawn(2, 3, 6, 4), 2)
    same("channel_shuffle", drawn(2, 6, 3, 2), 3)


@pytest.mark.parametrize("corners", [False, True])
def test_at_places(corners):
    theta = drawn(2, 2, 3, ties=False)
    same("affine_grid_generator", theta, [2, 3, 4, 5], corners)
    x = drawn(2, 3, 4, 5)
    grid = Members(drawn(2, 3, 6, 2, seed=1, ties=False).stacked * 0.7)
    for mode in (0, 1):
        for padding in (0, 1):
            same("grid_sampler", x, grid, mode, padding, corners)
