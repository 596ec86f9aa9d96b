"""Pooling: maxima and means over windows, and the adaptive kinds that say how many windows."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.channels_last import images, lowers_last
from steepest.tasks.torch.lowering.ops.conv import Sizes, spread
from steepest.tasks.torch.lowering.table import lowers


def _count(size: int, window: int, stride: int, pad: int, ceil: bool) -> int:
    """Return how many windows there are; the last begins inside of the values, or in their left
    padding, as PyTorch wants it of `ceil_mode`."""
    room = size + 2 * pad - window
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + pad else count


def _sides(
    space: Sequence[int],
    windows: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil: bool,
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the number of windows of each dimension, and the padding they need on both sides."""
    counts, sides = [], []
    for size, window, step, pad in zip(space, windows, stride, padding, strict=True):
        counts.append(_count(size, window, step, pad, ceil))
        sides.append((pad, max(pad, (counts[-1] - 1) * step + window - size - pad)))
    return counts, sides


def _lowest(x: Any) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        return np.asarray(-np.inf, x.dtype)
    return np.asarray(np.iinfo(x.dtype).min, x.dtype)


def _whole(sizes: Sequence[Any], one: Any, ndim: int, last: bool) -> list[Any]:
    """Return `sizes` of the space with `one` for the other axes; channels are last or before."""
    others = [one] * (ndim - len(sizes))
    return [*others[:-1], *sizes, one] if last else [*others, *sizes]


def _space(x: Any, rank: int, last: bool) -> tuple[int, ...]:
    return tuple(x.shape[-rank - 1 : -1] if last else x.shape[-rank:])


def _max_pool(
    x: Any,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    ceil: bool,
    rank: int,
    last: bool = False,
) -> Any:
    """Return the maxima; of equal values, the first has the gradient."""
    kernel, padding, dilation = (spread(n, rank) for n in (kernel, padding, dilation))
    stride = spread(stride, rank) if stride else kernel
    space = _space(x, rank, last)
    if set(dilation) != {1}:
        if last:
            return NotImplemented
        return _picked(x, *_windows(space, kernel, stride, padding, dilation, ceil))[0]
    _, sides = _sides(space, kernel, stride, padding, ceil)
    window, steps = (_whole(n, 1, x.ndim, last) for n in (kernel, stride))
    return lax.reduce_window(
        x, _lowest(x), lax.max, window, steps, padding=_whole(sides, (0, 0), x.ndim, last)
    )


def _windows(
    space: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil: bool,
) -> tuple[Any, Any, tuple[int, ...]]:
    """Return where each window's values are in the flattened space `[windows, values]`, which
    of them are padding, and the number of windows of each dimension."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    counts, _ = _sides(space, reach, stride, padding, ceil)
    each = zip(counts, kernel, stride, padding, dilation, strict=True)
    places = [np.arange(n)[:, None] * s - p + np.arange(k)[None] * d for n, k, s, p, d in each]
    return _table(places, space, counts)


def _table(
    places: Sequence[Any], space: Sequence[int], counts: Sequence[int]
) -> tuple[Any, Any, tuple[int, ...]]:
    """Return the product of the dimensions' windows; a place outside of the space is padding."""
    flat: Any = np.zeros((1, 1), int)
    valid: Any = np.ones((1, 1), bool)
    for place, size in zip(places, space, strict=True):
        inside = (place >= 0) & (place < size)
        flat = flat[:, None, :, None] * size + np.clip(place, 0, size - 1)[None, :, None]
        valid = valid[:, None, :, None] & inside[None, :, None]
        flat, valid = (
            part.reshape(part.shape[0] * part.shape[1], part.shape[2] * part.shape[3])
            for part in (flat, valid)
        )
    return flat, valid, tuple(counts)


def _picked(x: Any, flat: Any, valid: Any, counts: tuple[int, ...]) -> tuple[Any, Any]:
    """Return the first largest value of each window and its place in the flattened space."""
    rank = len(counts)
    line = x.reshape(*x.shape[:-rank], math.prod(x.shape[-rank:]))
    values = jnp.where(valid, lax.stop_gradient(line)[..., flat], _lowest(x))
    first = jnp.argmax(values, axis=-1)
    place = jnp.take_along_axis(jnp.broadcast_to(flat, values.shape), first[..., None], -1)[..., 0]
    shape = (*x.shape[:-rank], *counts)
    best = jnp.take_along_axis(line, place, axis=-1, mode="promise_in_bounds")
    return best.reshape(shape), place.reshape(shape)


def _max_pools(rank: int) -> None:
    def max_pool(
        x: Any,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
        last: bool = False,
    ) -> Any:
        return _max_pool(x, kernel_size, stride, padding, dilation, ceil_mode, rank, last)

    def with_indices(
        x: Any,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
    ) -> tuple[Any, Any]:
        best = max_pool(x, kernel_size, stride, padding, dilation, ceil_mode)
        kernel, padding, dilation = (spread(n, rank) for n in (kernel_size, padding, dilation))
        stride = spread(stride, rank) if stride else kernel
        table = _windows(x.shape[-rank:], kernel, stride, padding, dilation, ceil_mode)
        # Where nobody asks for the places, the compiler drops them.
        return best, _picked(lax.stop_gradient(x), *table)[1]

    def adaptive(x: Any, output_size: Sizes) -> tuple[Any, Any]:
        space, counts = x.shape[-rank:], spread(output_size, rank)
        edges = [_edges(n, m) for n, m in zip(space, counts, strict=True)]
        places = []
        for low, high in edges:
            most = max(b - a for a, b in zip(low, high, strict=True))
            place = low[:, None] + np.arange(most)[None]
            places.append(np.where(place < high[:, None], place, -1))
        best, place = _picked(x, *_table(places, space, counts))
        if all(n % m == 0 for n, m in zip(space, counts, strict=True)):
            window = tuple(n // m for n, m in zip(space, counts, strict=True))
            best = _max_pool(x, window, window, 0, 1, False, rank)
        return best, place

    lowers(f"aten.max_pool{rank}d.default")(max_pool)
    lowers_last(f"aten.max_pool{rank}d.default")(images(max_pool))
    lowers(f"aten.max_pool{rank}d_with_indices.default")(with_indices)
    lowers(f"aten.adaptive_max_pool{rank}d.default")(adaptive)


def _edges(size: int, count: int) -> tuple[Any, Any]:
    """Return where each adaptive window begins and ends."""
    number = np.arange(count)
    return number * size // count, -(-(number + 1) * size // count)


def _avg_pools(rank: int) -> None:
    def avg_pool(
        x: Any,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        last: bool = False,
    ) -> Any:
        kernel, padding = spread(kernel_size, rank), spread(padding, rank)
        steps = spread(stride, rank) if stride else kernel
        space = _space(x, rank, last)
        counts, sides = _sides(space, kernel, steps, padding, ceil_mode)
        window, every = (_whole(n, 1, x.ndim, last) for n in (kernel, steps))
        zero = np.zeros((), x.dtype)
        total = lax.reduce_window(
            x, zero, lax.add, window, every, padding=_whole(sides, (0, 0), x.ndim, last)
        )
        if divisor_override is not None:
            return total / divisor_override
        lengths = []
        for n, size, k, s, p in zip(counts, space, kernel, steps, padding, strict=True):
            start = np.arange(n) * s - p
            # What `ceil_mode` adds on the right is not counted, whatever `count_include_pad` says.
            end = np.minimum(start + k, size + p)
            inside = np.minimum(end, size) - np.maximum(start, 0)
            lengths.append(end - start if count_include_pad else inside)
        divisor = _outer(lengths)
        if len(np.unique(divisor)) == 1:
            return total / int(divisor.flat[0])
        divisor = divisor[..., None] if last else divisor
        return total / jnp.asarray(divisor, x.dtype)

    def adaptive(x: Any, output_size: Sizes, last: bool = False) -> Any:
        """Return the means; window by window they are means of means, a dimension at a time."""
        space, counts = _space(x, rank, last), spread(output_size, rank)
        first = x.ndim - rank - last
        if all(n % m == 0 for n, m in zip(space, counts, strict=True)):
            pairs = [k for n, m in zip(space, counts, strict=True) for k in (m, n // m)]
            tiles = x.reshape(*x.shape[:first], *pairs, *x.shape[first + rank :])
            return tiles.mean(axis=tuple(range(first + 1, first + 2 * rank, 2)))
        for axis, (size, count) in enumerate(zip(space, counts, strict=True), first):
            low, high = _edges(size, count)
            number = np.arange(size)
            inside = (number >= low[:, None]) & (number < high[:, None])
            weights = jnp.asarray(inside / (high - low)[:, None], x.dtype)
            x = along(x, weights, axis)
        return x

    names = [f"aten.adaptive_avg_pool{rank}d.default"]
    names += [f"aten._adaptive_avg_pool{rank}d.default"] if rank > 1 else []
    lowers(f"aten.avg_pool{rank}d.default")(avg_pool)
    lowers_last(f"aten.avg_pool{rank}d.default")(images(avg_pool))
    lowers(*names)(adaptive)
    lowers_last(*names)(images(adaptive))


def _outer(lengths: Sequence[Any]) -> Any:
    """Return the product of one vector for each dimension `[n, m, ...]`."""
    found: Any = np.ones((), int)
    for length in lengths:
        found = found[..., None] * length
    return found


def along(x: Any, weights: Any, axis: int) -> Any:
    """Return `x` with `axis` replaced by `weights` `[new, old]` times it."""
    y = lax.dot_general(x, weights, (((axis,), (1,)), ((), ())), precision=lax.Precision.HIGHEST)
    return jnp.moveaxis(y, -1, axis)


for _rank in (1, 2, 3):
    _max_pools(_rank)
    _avg_pools(_rank)


def _max_unpool(rank: int) -> None:
    def max_unpool(x: Any, indices: Any, output_size: Sizes, *_: Any) -> Any:
        size = spread(output_size, rank)
        lead = x.shape[:-rank]
        line = x.reshape(math.prod(lead), -1)
        rows = np.arange(line.shape[0])[:, None]
        empty = jnp.zeros((line.shape[0], math.prod(size)), x.dtype)
        # Of two values for one place, the gradient goes to both, as in PyTorch.
        at = empty.at[rows, indices.reshape(line.shape)]
        return at.set(line, unique_indices=True).reshape(*lead, *size)

    lowers(f"aten.max_unpool{rank}d.default")(max_unpool)


for _rank in (2, 3):
    _max_unpool(_rank)
