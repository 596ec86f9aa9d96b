"""The random numbers of lowered operations: drawn from a key, or fixed ones for the proof.

PyTorch's bits are not ours. So that random operations can be proved as others are, the proof runs
the graph with the key `FIXED`, for which these functions return numbers that depend on the shape
alone, and gives PyTorch the same ones (`verify.py`): masks keep everything (a dropout still
multiplies by 1 / (1 - p)), and noise is a wave. How often a mask drops is tested by itself.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.tasks.torch.lowering.arrays import Array

# With one of these among its arguments a random operation does not draw.
STILL = (
    ("p", 0),
    ("dropout_p", 0),
    ("dropout", 0),
    ("train", False),
    ("training", False),
)


class _Fixed:
    """The key of the proof."""


FIXED = _Fixed()


def kept(key: Any, probability: float, shape: Sequence[int]) -> Array:
    """Return a mask (bool) that is true with `probability`, for dropout: what stays."""
    shape = tuple(shape)
    if key is FIXED or probability >= 1:
        return jnp.ones(shape, jnp.bool_)
    if probability <= 0:
        return jnp.zeros(shape, jnp.bool_)
    # A comparison of the bits themselves: exact to 2⁻³², and less work than uniform numbers.
    return jax.random.bits(key, shape, jnp.uint32) < jnp.uint32(int(probability * 2**32))


def chosen(key: Any, probabilities: Array) -> Array:
    """Return a mask (bool) that is true with the probability of each element."""
    if key is FIXED:
        return jnp.ones(probabilities.shape, jnp.bool_)
    return uniform(key, probabilities.shape, probabilities.dtype) < probabilities


def uniform(key: Any, shape: Sequence[int], kind: Any) -> Array:
    """Return numbers from [0, 1)."""
    if key is FIXED:
        return jnp.asarray(0.5 + 0.4 * wave(shape), kind)
    return jax.random.uniform(key, tuple(shape), kind)


def normal(key: Any, shape: Sequence[int], kind: Any) -> Array:
    """Return normal numbers of mean 0 and variance 1."""
    if key is FIXED:
        return jnp.asarray(wave(shape), kind)
    return jax.random.normal(key, tuple(shape), kind)


def exponential(key: Any, shape: Sequence[int], kind: Any) -> Array:
    """Return exponential numbers of mean 1."""
    if key is FIXED:
        return jnp.asarray(1 + 0.5 * wave(shape), kind)
    return jax.random.exponential(key, tuple(shape), kind)


def integers(key: Any, shape: Sequence[int], low: int, high: int, kind: Any) -> Array:
    """Return integers from [low, high)."""
    if key is FIXED:
        return jnp.full(tuple(shape), low, kind)
    return jax.random.randint(key, tuple(shape), low, high).astype(kind)


def permutation(key: Any, count: int, kind: Any) -> Array:
    """Return the numbers below `count` in random order."""
    ordered = jnp.arange(count, dtype=kind)
    return ordered if key is FIXED else jax.random.permutation(key, ordered)


def wave(shape: Sequence[int]) -> Any:
    """Return the noise of the proof: numbers between -1 and 1, no two neighbours alike."""
    return np.sin(1.0 + np.arange(int(np.prod(tuple(shape))))).reshape(tuple(shape))
