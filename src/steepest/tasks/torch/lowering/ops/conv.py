"""Convolutions of one to three dimensions, transposed ones too."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering.channels_last import begins_last, images
from steepest.tasks.torch.lowering.table import lowers

Sizes = int | Sequence[int]
SPACE = "DHW"


def spread(sizes: Sizes, rank: int) -> tuple[int, ...]:
    """Return one number for each of `rank` dimensions; PyTorch lets a single one stand for all."""
    if isinstance(sizes, int):
        return (sizes,) * rank
    return tuple(sizes) * rank if len(sizes) == 1 else tuple(sizes)


@lowers("aten.conv1d.default", "aten.conv2d.default", "aten.conv3d.default")
@lowers("aten.conv1d.padding", "aten.conv2d.padding", "aten.conv3d.padding")
def conv(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    last: bool = False,
) -> Any:
    """Return the correlation of `x` `[examples, in, ...]` with `weight` `[out, in/groups, ...]`."""
    rank = weight.ndim - 2
    dilation = spread(dilation, rank)
    if isinstance(padding, str):
        reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        # Where "same" needs an odd number of zeros, PyTorch has one more at the end.
        sides = [(n // 2, n - n // 2) if padding == "same" else (0, 0) for n in reach]
    else:
        sides = [(n, n) for n in spread(padding, rank)]
    return _conv(x, weight, bias, spread(stride, rank), sides, (1,) * rank, dilation, groups, last)


@lowers("aten.conv_transpose1d.default")
@lowers("aten.conv_transpose2d.input", "aten.conv_transpose3d.input")
def conv_transpose(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    last: bool = False,
) -> Any:
    """Return the transposed convolution with `weight` `[in, out/groups, ...]`.

    It is a convolution of `x` with zeros between its values, by the kernel the other way round.
    """
    rank = weight.ndim - 2
    inputs, outputs, *sizes = weight.shape
    kernel = weight.reshape(groups, inputs // groups, outputs, *sizes).swapaxes(1, 2)
    kernel = kernel.reshape(groups * outputs, inputs // groups, *sizes)
    kernel = lax.rev(kernel, tuple(range(2, rank + 2)))
    dilation = spread(dilation, rank)
    reach = [
        d * (k - 1) - p for d, k, p in zip(dilation, sizes, spread(padding, rank), strict=True)
    ]
    extra = spread(output_padding, rank)
    sides = [(n, n + more) for n, more in zip(reach, extra, strict=True)]
    return _conv(x, kernel, bias, (1,) * rank, sides, spread(stride, rank), dilation, groups, last)


@lowers("aten.convolution.default")
def convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
    last: bool = False,
) -> Any:
    """Return either of the two."""
    if transposed:
        return conv_transpose(
            x, weight, bias, stride, padding, output_padding, groups, dilation, last
        )
    return conv(x, weight, bias, stride, padding, dilation, groups, last)


@lowers("aten.conv_tbc.default")
def conv_tbc(x: Any, weight: Any, bias: Any, pad: int = 0) -> Any:
    """Return the convolution of `x` `[time, examples, in]` with `weight` `[time, in, out]`."""
    y = conv(x.transpose(1, 2, 0), weight.transpose(2, 1, 0), bias, 1, pad)
    return y.transpose(2, 0, 1)


def _conv(
    x: Any,
    kernel: Any,
    bias: Any,
    stride: tuple[int, ...],
    sides: Sequence[tuple[int, int]],
    apart: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    last: bool,
) -> Any:
    rank = kernel.ndim - 2
    single = x.ndim == rank + 1  # an example by itself
    if single:
        x = x[None]
    space = SPACE[-rank:]
    order = f"N{space}C" if last else f"NC{space}"
    if last:
        kernel = kernel.transpose(*range(2, rank + 2), 1, 0)
    y = lax.conv_general_dilated(
        x,
        kernel,
        stride,
        sides,
        lhs_dilation=apart,
        rhs_dilation=dilation,
        dimension_numbers=(order, f"{space}IO" if last else f"OI{space}", order),
        feature_group_count=groups,
    )
    if bias is not None:
        y = y + (bias if last else jnp.reshape(bias, (-1,) + (1,) * rank))
    return y[0] if single else y


for _names, _function in (
    (("conv1d.default", "conv2d.default", "conv3d.default"), conv),
    (("conv1d.padding", "conv2d.padding", "conv3d.padding"), conv),
    (("conv_transpose1d.default", "conv_transpose2d.input"), conv_transpose),
    (("conv_transpose3d.input",), conv_transpose),
    (("convolution.default",), convolution),
):
    begins_last(*(f"aten.{name}" for name in _names))(images(_function))
