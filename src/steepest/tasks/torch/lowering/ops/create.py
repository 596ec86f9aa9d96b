"""New arrays, and copies of arrays in another type."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
import torch
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, cast, type_of
from steepest.tasks.torch.lowering.table import lowers

Shape = Sequence[int]
Kind: TypeAlias = "torch.dtype"


@lowers("aten.zeros.default", "aten.empty.memory_format")
def zeros(size: Shape, *, dtype: Kind) -> Array:
    """What PyTorch leaves as it finds it in memory (`empty`) is zero here."""
    return jnp.zeros(tuple(size), type_of(dtype))


@lowers("aten.ones.default")
def ones(size: Shape, *, dtype: Kind) -> Array:
    return jnp.ones(tuple(size), type_of(dtype))


@lowers("aten.full.default")
def full(size: Shape, fill_value: Any, *, dtype: Kind) -> Array:
    return jnp.full(tuple(size), fill_value, type_of(dtype))


@lowers("aten.zeros_like.default", "aten.empty_like.default")
def zeros_like(x: Array, *, dtype: Kind) -> Array:
    return jnp.zeros(x.shape, type_of(dtype))


@lowers("aten.ones_like.default")
def ones_like(x: Array, *, dtype: Kind) -> Array:
    return jnp.ones(x.shape, type_of(dtype))


@lowers("aten.full_like.default")
def full_like(x: Array, fill_value: Any, *, dtype: Kind) -> Array:
    return jnp.full(x.shape, fill_value, type_of(dtype))


@lowers("aten.new_zeros.default", "aten.new_empty.default")
def new_zeros(x: Array, size: Shape, *, dtype: Kind) -> Array:
    return jnp.zeros(tuple(size), type_of(dtype))


@lowers("aten.new_ones.default")
def new_ones(x: Array, size: Shape, *, dtype: Kind) -> Array:
    return jnp.ones(tuple(size), type_of(dtype))


@lowers("aten.new_full.default")
def new_full(x: Array, size: Shape, fill_value: Any, *, dtype: Kind) -> Array:
    return jnp.full(tuple(size), fill_value, type_of(dtype))


@lowers("aten.empty_strided.default")
def empty_strided(size: Shape, stride: Shape, *, dtype: Kind) -> Array:
    return jnp.zeros(tuple(size), type_of(dtype))


@lowers("aten.new_empty_strided.default")
def new_empty_strided(x: Array, size: Shape, stride: Shape, *, dtype: Kind) -> Array:
    return jnp.zeros(tuple(size), type_of(dtype))


@lowers("aten.empty_permuted.default")
def empty_permuted(size: Shape, physical_layout: Shape, *, dtype: Kind) -> Array:
    return jnp.zeros(tuple(size), type_of(dtype))


@lowers("aten.scalar_tensor.default")
def scalar_tensor(s: Any, *, dtype: Kind) -> Array:
    return jnp.asarray(s, type_of(dtype))


@lowers("aten.arange.default")
def arange(end: Any, *, dtype: Kind) -> Array:
    return jnp.arange(end, dtype=type_of(dtype))


@lowers("aten.arange.start")
def arange_start(start: Any, end: Any, *, dtype: Kind) -> Array:
    return jnp.arange(start, end, dtype=type_of(dtype))


@lowers("aten.arange.start_step")
def arange_step(start: Any, end: Any, step: Any = 1, *, dtype: Kind) -> Array:
    return jnp.asarray(np.arange(start, end, step), type_of(dtype))


@lowers("aten.linspace.default")
def linspace(start: float, end: float, steps: int, *, dtype: Kind) -> Array:
    return jnp.asarray(np.linspace(start, end, steps), type_of(dtype))


@lowers("aten.logspace.default")
def logspace(start: float, end: float, steps: int, base: float = 10.0, *, dtype: Kind) -> Array:
    return jnp.asarray(np.logspace(start, end, steps, base=base), type_of(dtype))


@lowers("aten.eye.default")
def eye(n: int, *, dtype: Kind) -> Array:
    return jnp.eye(n, dtype=type_of(dtype))


@lowers("aten.eye.m")
def eye_m(n: int, m: int, *, dtype: Kind) -> Array:
    return jnp.eye(n, m, dtype=type_of(dtype))


@lowers("aten.fill.Scalar", "aten.fill.Tensor")
def fill(x: Array, value: Any) -> Array:
    return jnp.broadcast_to(jnp.asarray(value, x.dtype), x.shape)


@lowers("aten.zero.default")
def zero(x: Array) -> Array:
    return jnp.zeros_like(x)


@lowers("aten.copy.default")
def copy(x: Array, source: Array) -> Array:
    return jnp.broadcast_to(source, x.shape).astype(x.dtype)


@lowers(
    "aten.clone.default",
    "aten.alias.default",
    "aten.contiguous.default",
    "aten.lift_fresh_copy.default",
    "aten.lift.default",
    "aten.positive.default",
    "aten.lift_fresh.default",
)
def clone(x: Array) -> Array:
    return x


@lowers("aten.detach.default")
def detach(x: Array) -> Array:
    return lax.stop_gradient(x)


@lowers("aten._to_copy.default")
def to_copy(x: Array, *, dtype: Kind) -> Array:
    return cast(x, dtype)


@lowers("aten.to.dtype")
def to_dtype(x: Array, dtype: Kind, copy: bool = False) -> Array:
    return cast(x, dtype)


@lowers("aten.type_as.default")
def type_as(x: Array, other: Array) -> Array:
    return x.astype(other.dtype)
