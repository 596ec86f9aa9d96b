"""Images made larger, padded, rearranged: interpolation, padding, patches, sampling at places."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.tasks.torch.lowering.ops.conv import Sizes, spread
from steepest.tasks.torch.lowering.ops.pool import along
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

# ---- interpolation


def _nearest(size: int, count: int, factor: float | None, exact: bool) -> Any:
    """Return which old value each new one is. PyTorch's arithmetic is float32 here."""
    scale = np.float32(1 / factor) if factor else np.float32(size) / np.float32(count)
    half = np.float32(0.5 if exact else 0)
    places = np.floor((np.arange(count, dtype=np.float32) + half) * scale)
    return np.clip(places.astype(int), 0, size - 1)


def _repeated(x: Any, places: Any, axis: int) -> Any:
    """Return `x` at `places`; by broadcasting where all are there equally often."""
    size, count = x.shape[axis], len(places)
    if np.array_equal(places, np.arange(count) * size // count) and count % size == 0:
        return jnp.repeat(x, count // size, axis=axis)
    return jnp.take(x, places, axis=axis, mode="clip")


def _centers(size: int, count: int, corners: bool, factor: float | None, low: float) -> Any:
    """Return where each new value lies among the old ones, not below `low`."""
    number = np.arange(count)
    if corners:
        return number * ((size - 1) / (count - 1) if count > 1 else 0.0)
    return np.maximum((number + 0.5) * (1 / factor if factor else size / count) - 0.5, low)


def _linear(size: int, count: int, corners: bool, factor: float | None) -> Any:
    """Return the weights `[new, old]` of linear interpolation."""
    at = _centers(size, count, corners, factor, 0.0)
    first = np.minimum(np.floor(at).astype(int), size - 1)
    share = at - first
    weights = np.zeros((count, size))
    rows = np.arange(count)
    np.add.at(weights, (rows, first), 1 - share)
    np.add.at(weights, (rows, np.minimum(first + 1, size - 1)), share)
    return weights


def _cubic(size: int, count: int, corners: bool, factor: float | None) -> Any:
    """Return the weights `[new, old]` of Keys' cubic convolution with a = -0.75."""
    at = _centers(size, count, corners, factor, -np.inf)
    first, a = np.floor(at).astype(int), -0.75
    weights = np.zeros((count, size))
    for offset in (-1, 0, 1, 2):
        d = np.abs(at - first - offset)
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        place = np.clip(first + offset, 0, size - 1)
        np.add.at(weights, (np.arange(count), place), np.where(d <= 1, near, far))
    return weights


def _sizes(x: Any, rank: int, size: Any, factors: Any) -> list[tuple[int, int, int, Any]]:
    """Return for each axis: its number, old and new size, and the factor that was asked for."""
    space = x.shape[-rank:]
    if size is None:
        size = [math.floor(n * f) for n, f in zip(space, factors, strict=True)]
    factors = [None] * rank if factors is None else factors
    return list(zip(range(x.ndim - rank, x.ndim), space, size, factors, strict=True))


def _upsamplings(rank: int, linear: str) -> None:
    def nearest(x: Any, size: Any, factors: Any, exact: bool = False) -> Any:
        for axis, old, new, factor in _sizes(x, rank, size, factors):
            x = _repeated(x, _nearest(old, new, factor, exact), axis)
        return x

    def exact(x: Any, size: Any, factors: Any) -> Any:
        return nearest(x, size, factors, True)

    def weighted(kind: Any) -> Any:
        def upsample(x: Any, size: Any, align_corners: bool, factors: Any) -> Any:
            for axis, old, new, factor in _sizes(x, rank, size, factors):
                x = along(x, jnp.asarray(kind(old, new, align_corners, factor), x.dtype), axis)
            return x

        return upsample

    kinds = {f"upsample_nearest{rank}d": nearest, f"_upsample_nearest_exact{rank}d": exact}
    kinds[f"upsample_{linear}{rank}d"] = weighted(_linear)
    if rank == 2:
        kinds["upsample_bicubic2d"] = weighted(_cubic)
    for name, function in kinds.items():
        lowers(f"aten.{name}.vec")(function)
        lowers(f"aten.{name}.default")(_apart(function, corners="nearest" not in name))


def _apart(function: Any, corners: bool) -> Any:
    """Return the same for a schema with one optional factor an axis, each by itself."""

    def upsample(x: Any, size: Sequence[int], *rest: Any) -> Any:
        given = rest[:1] if corners else ()
        factors = [*rest[len(given) :]]
        factors += [None] * (len(size) - len(factors))
        return function(x, size, *given, factors)

    return upsample


for _rank, _name in ((1, "linear"), (2, "bilinear"), (3, "trilinear")):
    _upsamplings(_rank, _name)


# ---- padding

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@lowers("aten.pad.default")
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Return `x` with values on both sides; `pad` has pairs from the last axis on."""
    pairs = [(pad[n], pad[n + 1]) for n in range(0, len(pad), 2)]
    sides = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    if mode == "constant":
        filled = jnp.asarray(0 if value is None else value, x.dtype)
        return lax.pad(x, filled, [(low, high, 0) for low, high in sides])
    if any(n < 0 for side in sides for n in side):
        raise NotLoweredError(f"aten.pad with a negative number in mode {mode!r} is not lowered")
    return jnp.pad(x, sides, mode=MODES[mode])


@lowers("aten.constant_pad_nd.default")
def constant_pad(x: Any, padding: Sequence[int], value: float = 0) -> Any:
    """Return `x` with `value` on both sides."""
    return pad(x, padding, "constant", value)


def _paddings(mode: str, name: str) -> None:
    def padded(x: Any, padding: Sequence[int]) -> Any:
        return pad(x, padding, mode)

    lowers(*(f"aten.{name}_pad{rank}d.default" for rank in (1, 2, 3)))(padded)


_paddings("reflect", "reflection")
_paddings("replicate", "replication")


# ---- patches


@lowers("aten.im2col.default")
def im2col(x: Any, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Any:
    """Return patches `[..., channels × places, patches]` of images `[..., channels, h, w]`."""
    kernel, apart, edge, step = (spread(n, 2) for n in (kernel_size, dilation, padding, stride))
    lead = x.shape[:-3]
    zero = jnp.zeros((), x.dtype)
    x = lax.pad(x, zero, [(0, 0, 0)] * (x.ndim - 2) + [(n, n, 0) for n in edge])
    out = [
        (n - d * (k - 1) - 1) // s + 1
        for n, d, k, s in zip(x.shape[-2:], apart, kernel, step, strict=True)
    ]
    parts = []
    for place in itertools.product(*map(range, kernel)):
        cut = [
            slice(i * d, i * d + (n - 1) * s + 1, s)
            for i, d, n, s in zip(place, apart, out, step, strict=True)
        ]
        parts.append(x[(..., *cut)])
    patches = jnp.stack(parts, axis=-3)
    return patches.reshape(*lead, -1, out[0] * out[1])


@lowers("aten.col2im.default")
def col2im(
    x: Any,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes,
    padding: Sizes,
    stride: Sizes,
) -> Any:
    """Return the image whose places are the sums of the patches' values that lie there."""
    kernel, size = spread(kernel_size, 2), spread(output_size, 2)
    image = (*x.shape[:-2], x.shape[-2] // math.prod(kernel), *size)

    def patches(image: Any) -> Any:
        return im2col(image, kernel, dilation, padding, stride)

    turned: Any = jax.linear_transpose(patches, jnp.zeros(image, x.dtype))
    (found,) = turned(x)
    return found


@lowers("aten.pixel_shuffle.default")
def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Return `[..., c r², h, w]` as `[..., c, h r, w r]`."""
    r, (*lead, channels, height, width) = upscale_factor, x.shape
    n = len(lead)
    x = x.reshape(*lead, channels // r**2, r, r, height, width)
    x = x.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return x.reshape(*lead, channels // r**2, height * r, width * r)


@lowers("aten.pixel_unshuffle.default")
def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """Return `[..., c, h r, w r]` as `[..., c r², h, w]`."""
    r, (*lead, channels, height, width) = downscale_factor, x.shape
    n = len(lead)
    x = x.reshape(*lead, channels, height // r, r, width // r, r)
    x = x.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return x.reshape(*lead, channels * r**2, height // r, width // r)


@lowers("aten.channel_shuffle.default", "aten.native_channel_shuffle.default")
def channel_shuffle(x: Any, groups: int) -> Any:
    """Return `x` `[examples, channels, ...]` with its groups of channels interleaved."""
    examples, channels, *space = x.shape
    x = x.reshape(examples, groups, channels // groups, *space)
    return x.swapaxes(1, 2).reshape(examples, channels, *space)
