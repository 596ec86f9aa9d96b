"""Arithmetic, powers, comparisons and logic, element by element.

Two elements that are equal are where gradients differ between frameworks: each function that
chooses between its arguments says in its comment whom PyTorch gives the gradient.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, floated, is_float, size
from steepest.tasks.torch.lowering.table import NotLoweredError, lowers


@lowers("aten.add.Tensor", "aten.add.Scalar")
def add(x: Any, y: Any, alpha: Any = 1) -> Array:
    return jnp.add(x, y if alpha == 1 else jnp.multiply(y, alpha))


@lowers("aten.sub.Tensor", "aten.sub.Scalar", "aten.subtract.Tensor")
def sub(x: Any, y: Any, alpha: Any = 1) -> Array:
    return jnp.subtract(x, y if alpha == 1 else jnp.multiply(y, alpha))


@lowers("aten.rsub.Tensor", "aten.rsub.Scalar")
def rsub(x: Any, y: Any, alpha: Any = 1) -> Array:
    return sub(y, x, alpha)


@lowers("aten.mul.Tensor", "aten.mul.Scalar", "aten.multiply.Tensor")
def mul(x: Any, y: Any) -> Array:
    return jnp.multiply(x, y)


@lowers("aten.div.Tensor", "aten.div.Scalar", "aten.true_divide.Tensor", "aten.divide.Tensor")
def div(x: Any, y: Any) -> Array:
    return jnp.divide(x if is_float(y) else floated(x), y)


@lowers("aten.div.Tensor_mode", "aten.div.Scalar_mode", "aten.divide.Tensor_mode")
def div_mode(x: Any, y: Any, *, rounding_mode: str | None = None) -> Array:
    if rounding_mode is None:
        return div(x, y)
    if rounding_mode == "floor":
        return floor_divide(x, y)
    if is_float(x) or is_float(y):
        return lax.stop_gradient(jnp.trunc(jnp.divide(x, y)))
    kind = jnp.result_type(x, y)
    return lax.div(*jnp.broadcast_arrays(jnp.asarray(x, kind), jnp.asarray(y, kind)))


@lowers("aten.floor_divide.default", "aten.floor_divide.Scalar")
def floor_divide(x: Any, y: Any) -> Array:
    return lax.stop_gradient(jnp.floor_divide(x, y))


@lowers("aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor")
def remainder(x: Any, y: Any) -> Array:
    """Of the sign of y."""
    return jnp.remainder(x, y)


@lowers("aten.fmod.Tensor", "aten.fmod.Scalar")
def fmod(x: Any, y: Any) -> Array:
    """Of the sign of x."""
    return jnp.fmod(x, y)


@lowers("aten.addcmul.default")
def addcmul(x: Array, y: Array, z: Array, *, value: Any = 1) -> Array:
    product = y * z
    return x + (product if value == 1 else value * product)


@lowers("aten.addcdiv.default")
def addcdiv(x: Array, y: Array, z: Array, *, value: Any = 1) -> Array:
    ratio = y / z
    return x + (ratio if value == 1 else value * ratio)


@lowers("aten.lerp.Scalar", "aten.lerp.Tensor")
def lerp(x: Array, end: Array, weight: Any) -> Array:
    return x + weight * (end - x)


@lowers("aten.pow.Tensor_Scalar")
def pow_of(x: Array, exponent: Any) -> Array:
    if exponent == 0:
        return jnp.ones_like(x)
    if float(exponent).is_integer() and abs(exponent) < 64 and (exponent > 0 or is_float(x)):
        return lax.integer_pow(x, int(exponent))
    x = floated(x)
    if exponent == 0.5:
        return lax.sqrt(x)
    return lax.pow(x, jnp.asarray(exponent, x.dtype))


@lowers("aten.pow.Tensor_Tensor")
def pow_tensor(x: Array, exponent: Array) -> Array:
    if not is_float(x) and not is_float(exponent):
        return jnp.power(x, exponent)
    return _pow(*jnp.broadcast_arrays(floated(x), floated(exponent)))


@lowers("aten.pow.Scalar")
def pow_scalar(base: Any, exponent: Array) -> Array:
    if not is_float(base) and not is_float(exponent):
        return jnp.power(base, exponent)
    exponent = floated(exponent)
    return _pow(jnp.full(exponent.shape, base, exponent.dtype), exponent)


@jax.custom_jvp
def _pow(x: Array, exponent: Array) -> Array:
    return lax.pow(x, exponent)


@_pow.defjvp
def _pow_tangent(primals: Any, tangents: Any) -> tuple[Array, Array]:
    """Zero for the base where the exponent is 0, and for the exponent where the base is 0."""
    (x, exponent), (dx, de) = primals, tangents
    out = _pow(x, exponent)
    still = exponent == 0
    by_x = jnp.where(still, 0, exponent * _pow(x, jnp.where(still, 1, exponent - 1)))
    zero = (x == 0) & (exponent >= 0)
    by_exponent = jnp.where(zero, 0, out * jnp.log(jnp.where(zero, 1, x)))
    return out, dx * by_x + de * by_exponent


@lowers("aten.float_power.Tensor_Scalar", "aten.float_power.Tensor_Tensor")
def float_power(x: Array, exponent: Any) -> Array:
    x = jnp.asarray(x, jnp.result_type(float))
    return pow_tensor(x, exponent) if hasattr(exponent, "shape") else pow_of(x, exponent)


@lowers("aten.maximum.default", "aten.max.other")
def maximum(x: Array, y: Array) -> Array:
    """Equal elements share the gradient."""
    return jnp.maximum(x, y)


@lowers("aten.minimum.default", "aten.min.other")
def minimum(x: Array, y: Array) -> Array:
    """Equal elements share the gradient."""
    return jnp.minimum(x, y)


@lowers("aten.fmax.default")
def fmax(x: Array, y: Array) -> Array:
    """NaN loses; of equal elements the first has the gradient."""
    return jnp.where((x >= y) | jnp.isnan(y), x, y)


@lowers("aten.fmin.default")
def fmin(x: Array, y: Array) -> Array:
    """NaN loses; of equal elements the first has the gradient."""
    return jnp.where((x <= y) | jnp.isnan(y), x, y)


@lowers("aten.clamp.default", "aten.clamp.Tensor", "aten.clip.default")
def clamp(x: Array, min: Any = None, max: Any = None) -> Array:
    """At the bounds the gradient is the element's; NaN stays NaN."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


@lowers("aten.clamp_min.default", "aten.clamp_min.Tensor")
def clamp_min(x: Array, min: Any) -> Array:
    return clamp(x, min)


@lowers("aten.clamp_max.default", "aten.clamp_max.Tensor")
def clamp_max(x: Array, max: Any) -> Array:
    return clamp(x, None, max)


@lowers("aten.where.self", "aten.where.ScalarOther", "aten.where.ScalarSelf", "aten.where.Scalar")
def where(condition: Array, x: Any, y: Any) -> Array:
    return jnp.where(condition, x, y)


@lowers("aten.masked_fill.Scalar", "aten.masked_fill.Tensor")
def masked_fill(x: Array, mask: Array, value: Any) -> Array:
    return jnp.where(mask, jnp.asarray(value, x.dtype), x)


@lowers("aten.nan_to_num.default")
def nan_to_num(
    x: Array, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Array:
    return jnp.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@lowers("aten.atan2.default", "aten.arctan2.default")
def atan2(y: Array, x: Array) -> Array:
    """At the origin the gradient is 0."""
    y, x = jnp.broadcast_arrays(floated(y), floated(x))
    origin = (x == 0) & (y == 0)
    at_origin = lax.stop_gradient(lax.atan2(y, x))
    return jnp.where(origin, at_origin, lax.atan2(y, jnp.where(origin, 1, x)))


@lowers("aten.hypot.default")
def hypot(x: Array, y: Array) -> Array:
    return jnp.sqrt(x * x + y * y)


@lowers("aten.xlogy.Tensor", "aten.xlogy.Scalar_Self", "aten.xlogy.Scalar_Other")
def xlogy(x: Any, y: Any) -> Array:
    """x log(y), and 0 where x is 0."""
    zero = (jnp.asarray(x) == 0) & (jnp.asarray(y) <= 0)
    return jnp.where(zero, 0, x * jnp.log(jnp.where(zero, 1, floated(y))))


@lowers("aten.special_xlog1py.default")
def xlog1py(x: Array, y: Array) -> Array:
    zero = (x == 0) & (y <= -1)
    return jnp.where(zero, 0, x * jnp.log1p(jnp.where(zero, 0, floated(y))))


@lowers("aten.logaddexp.default")
def logaddexp(x: Array, y: Array) -> Array:
    return jnp.logaddexp(x, y)


@lowers("aten.logaddexp2.default")
def logaddexp2(x: Array, y: Array) -> Array:
    return jnp.logaddexp2(x, y)


@lowers("aten.copysign.Tensor", "aten.copysign.Scalar")
def copysign(x: Array, y: Any) -> Array:
    """At 0 the gradient is 0."""
    negative = jnp.signbit(jnp.asarray(y, jnp.result_type(float)))
    return size(floated(x)) * jnp.where(negative, -1, 1)


@lowers("aten.heaviside.default")
def heaviside(x: Array, values: Array) -> Array:
    return lax.stop_gradient(jnp.heaviside(x, values))


COMPARED = {
    "eq": jnp.equal,
    "ne": jnp.not_equal,
    "lt": jnp.less,
    "le": jnp.less_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
}
for _name, _function in COMPARED.items():
    lowers(f"aten.{_name}.Tensor", f"aten.{_name}.Scalar")(_function)

LOGIC = {"and": jnp.logical_and, "or": jnp.logical_or, "xor": jnp.logical_xor}
BITS = {"and": jnp.bitwise_and, "or": jnp.bitwise_or, "xor": jnp.bitwise_xor}
for _name, _function in LOGIC.items():
    lowers(f"aten.logical_{_name}.default")(_function)
for _name, _function in BITS.items():
    kinds = ("Tensor", "Scalar")
    lowers(
        *(f"aten.{form}.{kind}" for form in (f"__{_name}__", f"bitwise_{_name}") for kind in kinds)
    )(_function)
lowers("aten.logical_not.default")(jnp.logical_not)
lowers("aten.bitwise_not.default")(jnp.bitwise_not)
lowers("aten.__lshift__.Scalar", "aten.__lshift__.Tensor", "aten.bitwise_left_shift.Tensor")(
    jnp.left_shift
)
lowers("aten.__rshift__.Scalar", "aten.__rshift__.Tensor", "aten.bitwise_right_shift.Tensor")(
    jnp.right_shift
)


@lowers("aten.isclose.default")
def isclose(
    x: Array, y: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    return jnp.isclose(x, y, rtol, atol, equal_nan)


@lowers("aten.complex.default", "aten.view_as_complex.default", "aten.polar.default")
def complex_numbers(*parts: Any) -> Array:
    raise NotLoweredError("complex numbers are not lowered")
