"""The functions of arrays that formulas are written in.

They ask the array which library it belongs to (the array API's `__array_namespace__`), so one
formula runs on NumPy arrays and on JAX arrays, traced or not, and the files that hold the formulas
import neither: `steepest report` and `steepest explain` read them without loading JAX.
"""

import math
from collections.abc import Callable
from typing import Any

Array = Any  # a NumPy or JAX array, of any shape, or a scalar of one


def sqrt(x: Array) -> Array:
    """Return the square root of each element."""
    return x.__array_namespace__().sqrt(x)


def cos(x: Array) -> Array:
    """Return the cosine of each element."""
    return x.__array_namespace__().cos(x)


def log1p(x: Array) -> Array:
    """Return the natural logarithm of 1 + x, exact where x is small."""
    return x.__array_namespace__().log1p(x)


def expm1(x: Array) -> Array:
    """Return e to the power of x, minus 1, exact where x is small."""
    return x.__array_namespace__().expm1(x)


def sign(x: Array) -> Array:
    """Return −1, 0 or 1 for each element."""
    return x.__array_namespace__().sign(x)


def absolute(x: Array) -> Array:
    """Return each element without its sign."""
    return abs(x)


def maximum(x: Array, y: Array) -> Array:
    """Return the larger of the two, element by element."""
    return x.__array_namespace__().maximum(x, y)


def minimum(x: Array, y: Array) -> Array:
    """Return the smaller of the two, element by element."""
    return x.__array_namespace__().minimum(x, y)


def where(condition: Array, x: Array, y: Array) -> Array:
    """Return `x` where the condition holds and `y` elsewhere."""
    return condition.__array_namespace__().where(condition, x, y)


def mean(x: Array, axis: int | None = None) -> Array:
    """Return the mean of all elements, or along one axis, which is kept with length 1."""
    return x.__array_namespace__().mean(x, axis=axis, keepdims=axis is not None)


def total(x: Array) -> Array:
    """Return the sum of all elements."""
    return x.__array_namespace__().sum(x)


def norm(x: Array) -> Array:
    """Return the square root of the sum of squares of all elements."""
    return sqrt(total(x * x))


def filled(x: Array, value: Array) -> Array:
    """Return an array of the shape and type of `x` that is `value` everywhere."""
    return x.__array_namespace__().full_like(x, value)


def one_number(x: Array, value: Array) -> Array:
    """Return an array of no axes with the type of `x`, which holds `value`."""
    namespace = x.__array_namespace__()
    return namespace.zeros((), dtype=x.dtype) + namespace.asarray(value, dtype=x.dtype)


def transposed(x: Array) -> Array:
    """Return `x` with its last two axes exchanged."""
    return x.__array_namespace__().swapaxes(x, -1, -2)


def turned(x: Array) -> Array:
    """Return `x` with its axes in reverse order: PyTorch's `[out, in]` is Keras' `[in, out]`."""
    return x.__array_namespace__().permute_dims(x, tuple(range(x.ndim))[::-1])


def fan_in_and_out(x: Array) -> tuple[int, int]:
    """Return how many values a matrix `[in, out]`, as Keras and Flax have it, takes and gives."""
    return x.shape[0], x.shape[1]


def size(x: Array) -> int:
    """Return how many elements `x` has."""
    return math.prod(x.shape)


def either(condition: Array, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """Return what `yes()` returns where the condition, one number, holds, else what `no()` returns.

    The other one is not computed, unless `vmap` maps the condition.
    """
    if condition.__array_namespace__().__name__ == "numpy":
        return yes() if condition else no()
    from jax import lax

    return lax.cond(condition, yes, no)


def identity(x: Array, length: int) -> Array:
    """Return the identity matrix of a length, in the type of `x`."""
    return x.__array_namespace__().eye(length, dtype=x.dtype)


def multiplied(x: Array, matrix: Array, axis: int) -> Array:
    """Return `x` with `matrix` taken along one axis: the sum over i of x[..., i, ...]·matrix[i, j],
    with j where i was."""
    namespace = x.__array_namespace__()
    return namespace.moveaxis(namespace.tensordot(x, matrix, axes=((axis,), (0,))), -1, axis)


def gram(x: Array, axis: int) -> Array:
    """Return the products of all pairs of slices of `x` along one axis, a matrix."""
    others = tuple(i for i in range(x.ndim) if i != axis)
    return x.__array_namespace__().tensordot(x, x, axes=(others, others))


def taken(x: Array, order: Array, axis: int) -> Array:
    """Return the slices of `x` along one axis in this order."""
    return x.__array_namespace__().take(x, order, axis=axis)


def descending(x: Array) -> Array:
    """Return the places of a vector's elements, the largest first."""
    return x.__array_namespace__().argsort(-x)


def eigenbasis(x: Array) -> Array:
    """Return the eigenvectors of a symmetric matrix as columns, the largest eigenvalue first.

    What is not finite counts as zero. The arithmetic is in single precision at the least.
    """
    namespace = x.__array_namespace__()
    wide = x.astype("float32") if x.dtype.itemsize < 4 else x
    wide = namespace.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)
    found = namespace.linalg.eigh(wide + 1e-30 * identity(wide, wide.shape[0]))[1]
    return found[:, ::-1].astype(x.dtype)


def orthonormal(x: Array) -> Array:
    """Return the first factor of a matrix' QR decomposition, in single precision at the least."""
    wide = x.astype("float32") if x.dtype.itemsize < 4 else x
    return x.__array_namespace__().linalg.qr(wide)[0].astype(x.dtype)
