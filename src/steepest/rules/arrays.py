"""The elementwise functions that formulas are written in.

They ask the array which library it belongs to (the array API's `__array_namespace__`), so one
formula runs on NumPy arrays and on JAX arrays, traced or not, and the files that hold the formulas
import neither: `steepest report` reads ranges and dialects from them without loading JAX.
"""

from typing import Any

Array = Any  # a NumPy or JAX array, of any shape, or a scalar of one


def sqrt(x: Array) -> Array:
    """Return the square root of each element."""
    return x.__array_namespace__().sqrt(x)


def maximum(x: Array, y: Array) -> Array:
    """Return the larger of the two, element by element."""
    return x.__array_namespace__().maximum(x, y)


def cos(x: Array) -> Array:
    """Return the cosine of each element."""
    return x.__array_namespace__().cos(x)
