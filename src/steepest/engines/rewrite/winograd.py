"""Convolution by kernels of three values a dimension, in fewer products: Winograd's tiles.

Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks": F(2, 3) in each dimension.
Two results y of a kernel k of three come of a tile d of four inputs, by four products for six:

    y = Aᵀ [(G k) · (Bᵀ d)]

In two dimensions that is 16 products for 36, and the transformed tiles take half the memory of
patches. The matrices have 0, ±1 and ±½ in them: float32 results are as near to the exact ones as
those of a plain sum, within a factor of two. Larger tiles would not be, and are not used.

Gradients are by hand: with D = A g, the transformed kernel's is (Bᵀ d)ᵀ D, the inputs' B (D Uᵀ).
"""

import itertools
import math
from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32)
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
DIFFERENCES = ((0, 2, -1), (1, 2, 1), (2, 1, -1), (1, 3, -1))  # Bᵀ, row by row: d[a] ± d[b]

# Bytes of transformed tiles, of inputs and outputs, that are made at a time: for some examples, so
# that they stay in the processor's cache. On 14 × 14 images, twice and four times as much was
# slower by a twentieth and an eighth, all at once by two thirds.
BLOCK_BYTES = 5 * 2**19
LARGEST = 2**25  # of one example
# Channels, in and out, from which on this is faster than patches, by the number of dimensions.
# Forward and back: 1.2 × for 64 of 1; 1.1 to 1.3 × for 16 of 2 and 1.4 to 1.6 × for 32 and more;
# 2 × for 8 of 3. It is a rule and no measurement, as the same seed should give the same study.
CHANNELS = {1: 64, 2: 16, 3: 8}


def suits(x: Any, kernel: Any, strides: Sequence[int], dilation: Sequence[int]) -> bool:
    """Return whether `convolution` is there for these arguments, and faster than patches are."""
    fewest = CHANNELS.get(kernel.ndim - 2)
    return (
        fewest is not None
        and min(kernel.shape[-2:]) >= fewest
        and set(kernel.shape[:-2]) == {3}
        and {*strides, *dilation} == {1}
        and x.dtype == kernel.dtype == jnp.float32
        and len(x) > 1
        and all(size > 2 for size in x.shape[1:-1])
        and _bytes(x, kernel.shape[-1]) <= LARGEST
        # What fits into one block is small, and patches cost as little: 13 % less on 4 × 4 images.
        and len(x) * _bytes(x, kernel.shape[-1]) > BLOCK_BYTES
    )


def convolution(x: Any, kernel: Any, precision: Any = None) -> Any:
    """Return the correlation of padded `x` `[examples, ..., in]` with `[3, ..., in, out]`."""
    space = [size - 2 for size in x.shape[1:-1]]
    odd = [size % 2 for size in space]
    examples = len(x)
    turns = max(2, -(-examples * _bytes(x, kernel.shape[-1]) // BLOCK_BYTES))
    block = -(-examples // turns)  # at least two, as a loop keeps what is in it to itself
    turns = -(-examples // block)
    fill = turns * block - examples
    x = jnp.pad(x, [(0, fill), *((0, one) for one in odd), (0, 0)])
    y = _blocks(x.reshape(turns, block, *x.shape[1:]), kernel, precision)
    y = y.reshape(turns * block, *y.shape[2:])
    return y[(slice(examples), *(slice(size) for size in space))]


def _bytes(x: Any, outputs: int) -> int:
    """Return how large the transformed tiles of an example are."""
    tiles = math.prod(-(-(size - 2) // 2) for size in x.shape[1:-1])
    return int(4 ** (x.ndim - 2) * tiles * (x.shape[-1] + outputs) * x.dtype.itemsize)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _blocks(x: Any, kernel: Any, precision: Any) -> Any:
    """Return the results for `x` `[turns, examples, ..., in]`, a turn after the other."""
    weights = _transformed(kernel)
    return lax.map(lambda part: _forward(part, weights, precision), x)


def _blocks_backward(precision: Any, kept: Any, gradient: Any) -> tuple[Any, Any]:
    x, kernel = kept
    weights = _transformed(kernel)

    def step(total: Any, part: Any) -> tuple[Any, Any]:
        inputs, upstream = part
        back, found = _backward(inputs, upstream, weights, precision)
        return total + found, back

    total, back = lax.scan(step, jnp.zeros_like(weights), (x, gradient))
    return back, _mixed(G.T, total, kernel.ndim - 2).reshape(kernel.shape)


_blocks.defvjp(
    lambda x, kernel, precision: (_blocks(x, kernel, precision), (x, kernel)), _blocks_backward
)


def _forward(x: Any, weights: Any, precision: Any) -> Any:
    rank = x.ndim - 2
    tiles = _tiles(x)
    y = _times(_rows(tiles), weights, 2, 1, precision)
    y = _mixed(A_T, y.reshape(*tiles.shape[:-1], -1), rank)
    return _together(y.reshape([2] * rank + list(y.shape[1:])))


def _backward(x: Any, gradient: Any, weights: Any, precision: Any) -> tuple[Any, Any]:
    """Return the gradients of the inputs and of the transformed kernel."""
    rank = x.ndim - 2
    apart = _hidden(_apart(gradient))
    mixed = _rows(_mixed(A_T.T, apart.reshape(-1, *apart.shape[rank:]), rank))
    tiles = _tiles(x)
    back = _times(mixed, weights, 2, 2, precision).reshape(tiles.shape)
    # A product over rows of both sides is twice as fast where one of them is turned before.
    if x.shape[-1] <= gradient.shape[-1]:
        found = _times(_hidden(_rows(tiles).swapaxes(1, 2)), mixed, 2, 1, precision)
    else:
        found = _times(_hidden(mixed.swapaxes(1, 2)), _rows(tiles), 2, 1, precision)
        found = found.swapaxes(1, 2)
    return _overlapped(_mixed(B_T.T, back, rank)), found


def _transformed(kernel: Any) -> Any:
    """Return a kernel `[3, ..., in, out]` as `[4 × ..., in, out]`."""
    rank = kernel.ndim - 2
    return _mixed(G, kernel.reshape(-1, *kernel.shape[rank:]), rank)


def _mixed(matrix: Any, x: Any, rank: int) -> Any:
    """Return `x` `[old × ..., ...]` with each dimension of its first axis times `matrix`.

    As one product: sums of arrays that lie a multiple of 4 KiB apart take three times as long.
    """
    matrix = jnp.asarray(reduce(np.kron, [matrix] * rank))
    mixed = jnp.matmul(matrix, x.reshape(len(x), -1), precision=lax.Precision.HIGHEST)
    return mixed.reshape(-1, *x.shape[1:])


def _tiles(x: Any) -> Any:
    """Return Bᵀ d of each tile, `[4 × ..., examples, tiles, ..., in]`."""
    rank = x.ndim - 2
    pairs = x.reshape(len(x), *(k for n in x.shape[1:-1] for k in (n // 2, 2)), x.shape[-1])
    places = list(itertools.product(range(4), repeat=rank))

    def under(place: Sequence[int]) -> Any:
        """Return the values of all tiles at a place: of pairs from this or the next one on."""
        at = (
            (slice(p // 2, p // 2 + n // 2 - 1), p % 2)
            for p, n in zip(place, x.shape[1:], strict=False)
        )
        return pairs[(slice(None), *itertools.chain(*at))]

    found = {place: under(place) for place in places}
    for axis in range(rank):
        known = found
        found = {}
        for place in places:
            a, b, sign = DIFFERENCES[place[axis]]
            one, other = (known[*place[:axis], i, *place[axis + 1 :]] for i in (a, b))
            found[place] = one + other if sign > 0 else one - other
    return jnp.stack([found[place] for place in places])


def _overlapped(tiles: Any) -> Any:
    """Return the sum of tiles `[4 × ..., examples, tiles, ..., in]` where they came from."""
    rank = tiles.ndim - 3
    tiles = tiles.reshape([4] * rank + list(tiles.shape[1:]))
    both = list(itertools.product(range(2), repeat=rank))
    sums = []
    for first in both:
        sum_: Any = 0
        for later in both:  # the second half of a tile is the first half of the next one
            part = tiles[tuple(p + 2 * late for p, late in zip(first, later, strict=True))]
            sum_ = sum_ + jnp.pad(part, [(0, 0), *((late, 1 - late) for late in later), (0, 0)])
        sums.append(sum_)
    return _together(jnp.stack(sums).reshape([2] * rank + list(sums[0].shape)))


def _apart(x: Any) -> Any:
    """Return `x` `[examples, 2 × n, ..., channels]` as `[2, ..., examples, n, ..., channels]`."""
    rank = x.ndim - 2
    pairs = x.reshape(len(x), *(k for n in x.shape[1:-1] for k in (n // 2, 2)), x.shape[-1])
    odd, even = range(2, 2 * rank + 2, 2), range(1, 2 * rank + 1, 2)
    return pairs.transpose(*odd, 0, *even, 2 * rank + 1)


def _together(x: Any) -> Any:
    """Return `[2, ..., examples, n, ..., channels]` as `[examples, 2 × n, ..., channels]`."""
    rank = (x.ndim - 2) // 2
    pairs = [k for axis in range(rank) for k in (rank + 1 + axis, axis)]
    examples, *space, channels = x.shape[rank:]
    turned = x.transpose(rank, *pairs, 2 * rank + 1)
    return turned.reshape(examples, *(2 * n for n in space), channels)


def _rows(x: Any) -> Any:
    return x.reshape(len(x), -1, x.shape[-1])


def _hidden(x: Any) -> Any:
    """Hide a transposition from XLA, which would make it part of the product that follows."""
    barrier: Any = lax.optimization_barrier
    return barrier(x)


def _times(a: Any, b: Any, over_a: int, over_b: int, precision: Any) -> Any:
    return lax.dot_general(a, b, (((over_a,), (over_b,)), ((0,), (0,))), precision=precision)
