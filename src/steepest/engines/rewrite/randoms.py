"""Random bits for dropout: the bits that JAX draws, to the last, in one pass.

On a CPU JAX draws them in a loop over memory, to spare the compiler; that was a tenth of a small
convolutional network's step. Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
# More bits than this are drawn a piece after the other: XLA would else draw them where they are
# used, in the middle of what cannot be vectorized, and again in the gradient.
PIECE = 2**13


def random_bits(keys: Any, *, bit_width: int, shape: tuple[int, ...]) -> Any:
    """Return `jax.random.bits` of one key, or None where JAX' own is left."""
    config: Any = jax.config
    threefry = str(jax.random.key_impl(keys)) == "threefry2x32"
    count = math.prod(shape)
    plain = keys.ndim == 0 and bit_width == 32 and 0 < count < 2**32
    if not (threefry and config.jax_threefry_partitionable and plain):
        return None
    first, second = jax.random.key_data(keys)

    def piece(start: Any, size: int) -> Any:
        place = start + lax.iota(jnp.uint32, size)
        a, b = threefry2x32(first, second, jnp.zeros_like(place), place)
        return a ^ b

    pieces = -(-count // PIECE)
    if pieces == 1:
        return piece(jnp.uint32(0), count).reshape(shape)
    size = -(-count // pieces)
    starts = jnp.arange(pieces, dtype=jnp.uint32) * size
    drawn = lax.map(lambda start: piece(start, size), starts)
    return drawn.reshape(-1)[:count].reshape(shape)


def threefry2x32(first: Any, second: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return 20 rounds of Threefry of the counters `a` and `b` under a key, all uint32."""
    keys = (first, second, first ^ second ^ jnp.uint32(PARITY))
    a, b = a + keys[0], b + keys[1]
    for group in range(5):
        for distance in ROTATIONS[group % 2]:
            a = a + b
            b = a ^ ((b << distance) | (b >> (32 - distance)))
        a = a + keys[(group + 1) % 3]
        b = b + keys[(group + 2) % 3] + jnp.uint32(group + 1)
    return a, b
