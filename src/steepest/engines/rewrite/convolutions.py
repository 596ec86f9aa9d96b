"""Convolution as patches and a matrix product, or as transformed tiles (`winograd.py`)."""

import itertools
import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.engines.rewrite import winograd
from steepest.engines.rewrite.products import product_of

# Patches hold each value as often as the kernel is large. Above this many bytes they are made for
# some examples at a time, and made again for the gradient: they stay in the processor's cache, and
# little memory is needed. On 28 × 28 images and 2 cores half of it was as fast, twice slower.
BLOCK_BYTES = 2**21
# Where those of a single example are above this, only the patches of one row of the kernel are
# made at a time, and their products summed.
PATCH_BYTES = 2**25
WHOLE = 2**62  # no block


def convolution(
    x: Any,
    kernel: Any,
    *,
    window_strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    lhs_dilation: tuple[int, ...],
    rhs_dilation: tuple[int, ...],
    dimension_numbers: Any,
    feature_group_count: int,
    batch_group_count: int,
    precision: Any,
    preferred_element_type: Any,
    block_bytes: int | None = None,
    **_: Any,
) -> Any:
    """Return `lax.conv_general_dilated` of the same arguments, or None where that is left alone.

    Transposed convolutions (`lhs_dilation`), dilated, strided, grouped and depthwise ones, in any
    number of dimensions and any layout. `block_bytes` is in place of `BLOCK_BYTES`.
    """
    if batch_group_count != 1 or not jnp.issubdtype(x.dtype, jnp.floating):
        return None
    numbers = dimension_numbers
    batch, channel, *places = numbers.lhs_spec
    x = x.transpose(batch, *places, channel)
    out, into, *places = numbers.rhs_spec
    kernel = kernel.transpose(*places, into, out)
    sides = [(low, high, step - 1) for (low, high), step in zip(padding, lhs_dilation, strict=True)]
    if any(side != (0, 0, 0) for side in sides):
        x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *sides, (0, 0, 0)])
    windows = _Windows(kernel.shape[:-2], window_strides, rhs_dilation, x.shape[1:-1])
    product = {"precision": precision, "preferred_element_type": preferred_element_type}
    inputs = kernel.shape[-2]
    small = block_bytes is None and feature_group_count == 1  # for some examples at a time
    if small and winograd.suits(x, kernel, window_strides, rhs_dilation):
        y = winograd.convolution(x, kernel, precision)
    elif feature_group_count == 1:
        most = BLOCK_BYTES if block_bytes is None else block_bytes
        y = _dense(x, kernel, windows, product, most)
    elif inputs == 1:
        y = _depthwise(x, kernel, windows, feature_group_count)
    else:
        y = _grouped(x, kernel, windows, feature_group_count, product)
    if preferred_element_type is not None:
        y = y.astype(preferred_element_type)
    batch, channel, *places = numbers.out_spec
    order = [0] * y.ndim  # where each axis of the result comes from
    for axis, place in zip((batch, *places, channel), range(y.ndim), strict=True):
        order[axis] = place
    return y.transpose(order)


def whole_convolution(x: Any, kernel: Any, **params: Any) -> Any:
    """Return the same with the patches of all examples at once, where no cache holds a few."""
    return convolution(x, kernel, **params, block_bytes=WHOLE)


class _Windows:
    """Where a kernel looks: offsets, strides and the size of what comes out."""

    def __init__(self, sizes: Any, strides: Any, dilation: Any, space: Any) -> None:
        self.sizes, self.strides, self.dilation = tuple(sizes), tuple(strides), tuple(dilation)
        self.out = tuple(
            max(0, (n - (k - 1) * d - 1) // s + 1)
            for n, k, d, s in zip(space, sizes, dilation, strides, strict=True)
        )

    def part(self, x: Any, offset: tuple[int, ...], first: int = 0) -> Any:
        """Return the values of `x` under one place of the kernel, for axes from `first` on."""
        start, limit, stride = [0] * x.ndim, list(x.shape), [1] * x.ndim
        for axis, place in enumerate(offset, first):
            start[axis + 1] = place * self.dilation[axis]
            limit[axis + 1] = start[axis + 1] + (self.out[axis] - 1) * self.strides[axis] + 1
            stride[axis + 1] = self.strides[axis]
        return lax.slice(x, start, limit, stride)

    def offsets(self, first: int = 0) -> Any:
        return itertools.product(*(range(size) for size in self.sizes[first:]))

    def patches(self, x: Any, first: int = 0) -> Any:
        """Return `[..., places of the kernel × channels]`."""
        if first == 0 and all(d == 1 for d in self.dilation) and x.shape[-1] >= 4:
            return _gathered(x, self)
        return self.slices(x, first)

    def slices(self, x: Any, first: int = 0) -> Any:
        parts = [self.part(x, offset, first) for offset in self.offsets(first)]
        return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis=-1)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _gathered(x: Any, windows: _Windows) -> Any:
    """The patches by a gather, which copies each window at once; its own gradient is slow."""
    rank = len(windows.out)
    axes = [jnp.arange(x.shape[0])]
    axes += [jnp.arange(n) * s for n, s in zip(windows.out, windows.strides, strict=True)]
    starts = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
    numbers = lax.GatherDimensionNumbers(
        offset_dims=tuple(range(rank + 1, 2 * rank + 2)),
        collapsed_slice_dims=(0,),
        start_index_map=tuple(range(rank + 1)),
    )
    found = lax.gather(
        x,
        starts,
        numbers,
        (1, *windows.sizes, x.shape[-1]),
        mode="promise_in_bounds",
        unique_indices=True,
        indices_are_sorted=True,
    )
    return found.reshape(*found.shape[: rank + 1], -1)


_gathered.defvjp(
    lambda x, windows: (_gathered(x, windows), x),
    lambda windows, x, gradient: jax.vjp(windows.slices, x)[1](gradient),
)


def _dense(x: Any, kernel: Any, windows: _Windows, product: Any, most: int) -> Any:
    """All channels with each other, a block of examples at a time where patches are large."""
    examples = x.shape[0]
    each = math.prod(kernel.shape[:-1]) * math.prod(windows.out) * x.dtype.itemsize
    block = max((n for n in _divisors(examples) if n * each <= most), default=1)
    if block >= examples:
        return _block(x, kernel, windows, product)

    @jax.checkpoint
    def one(part: Any) -> Any:
        return _block(part, kernel, windows, product)

    y = lax.map(one, x.reshape(-1, block, *x.shape[1:]))
    return y.reshape(examples, *y.shape[2:])


def _divisors(count: int) -> list[int]:
    return [n for n in range(1, count + 1) if count % n == 0]


def _block(x: Any, kernel: Any, windows: _Windows, product: Any) -> Any:
    outputs = kernel.shape[-1]
    count = math.prod(kernel.shape[:-1]) * math.prod(windows.out) * x.shape[0]
    if count * x.dtype.itemsize <= PATCH_BYTES:
        return _matmul(windows.patches(x), kernel.reshape(-1, outputs), product)
    rows = windows.patches(x, first=1)
    return sum(
        _matmul(windows.part(rows, (row,)), kernel[row].reshape(-1, outputs), product)
        for row in range(windows.sizes[0])
    )


def _matmul(x: Any, weights: Any, params: Any) -> Any:
    numbers = (((x.ndim - 1,), (0,)), ((), ()))
    found = product_of(x, weights, dimension_numbers=numbers, **params)
    return jnp.matmul(x, weights, **params) if found is None else found


def _depthwise(x: Any, kernel: Any, windows: _Windows, groups: int) -> Any:
    """Each channel by itself: too little for a matrix product, so products are summed."""
    each = kernel.shape[-1] // groups
    kernel = kernel.reshape(*kernel.shape[:-2], groups, each)
    y = sum(windows.part(x, place)[..., None] * kernel[place] for place in windows.offsets())
    return y.reshape(*y.shape[:-2], groups * each)


def _grouped(x: Any, kernel: Any, windows: _Windows, groups: int, product: Any) -> Any:
    inputs, outputs = kernel.shape[-2:]
    split = [windows.part(x, place) for place in windows.offsets()]
    split = [part.reshape(*part.shape[:-1], groups, inputs) for part in split]
    patches = jnp.concatenate(split, axis=-1)
    kernel = kernel.reshape(-1, groups, outputs // groups)
    y = jnp.einsum("...gk,kgo->...go", patches, kernel, **product)
    return y.reshape(*y.shape[:-2], outputs)
