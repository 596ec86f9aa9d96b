"""Functions of one array, element by element: exponentials, roots, trigonometry, rounding."""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.scipy import special

from steepest.tasks.torch.lowering.arrays import Array, floated, size
from steepest.tasks.torch.lowering.ops.elementwise import xlogy
from steepest.tasks.torch.lowering.table import lowers

FLOATING: dict[str, Callable[[Any], Any]] = {
    "acos": lax.acos,
    "acosh": lax.acosh,
    "asin": lax.asin,
    "asinh": lax.asinh,
    "atan": lax.atan,
    "atanh": lax.atanh,
    "cos": lax.cos,
    "cosh": lax.cosh,
    "deg2rad": lambda x: x * (math.pi / 180),
    "digamma": lax.digamma,
    "erf": lax.erf,
    "erfc": lax.erfc,
    "erfinv": lax.erf_inv,
    "exp": lax.exp,
    "exp2": lambda x: lax.exp(x * math.log(2)),
    "expm1": lax.expm1,
    "i0": special.i0,
    "lgamma": lax.lgamma,
    "log": lax.log,
    "log10": lambda x: lax.log(x) / math.log(10),
    "log1p": lax.log1p,
    "log2": lambda x: lax.log(x) / math.log(2),
    "rad2deg": lambda x: x * (180 / math.pi),
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lax.rsqrt,
    "sigmoid": lax.logistic,
    "sin": lax.sin,
    "sinc": jnp.sinc,
    "sinh": lax.sinh,
    "special_entr": lambda x: -xlogy(x, x),
    "special_erfcx": lambda x: lax.exp(x * x) * lax.erfc(x),
    "special_expit": lax.logistic,
    "special_gammaln": lax.lgamma,
    "special_i0": special.i0,
    "special_i0e": special.i0e,
    "special_i1": special.i1,
    "special_i1e": special.i1e,
    "special_log_ndtr": special.log_ndtr,
    "special_ndtr": special.ndtr,
    "special_ndtri": special.ndtri,
    "sqrt": lax.sqrt,
    "tan": lax.tan,
    "tanh": lax.tanh,
}
# What also takes integers, and leaves them integers.
PLAIN: dict[str, Callable[[Any], Any]] = {
    "abs": size,
    "absolute": size,
    "ceil": jnp.ceil,
    "floor": jnp.floor,
    "fix": jnp.trunc,
    "frac": lambda x: x - lax.stop_gradient(jnp.trunc(x)),
    "isfinite": jnp.isfinite,
    "isinf": jnp.isinf,
    "isnan": jnp.isnan,
    "isneginf": jnp.isneginf,
    "isposinf": jnp.isposinf,
    "neg": jnp.negative,
    "negative": jnp.negative,
    "round": jnp.round,  # halves to the even number
    "sgn": jnp.sign,
    "sign": jnp.sign,
    "signbit": jnp.signbit,
    "square": jnp.square,
    "trunc": jnp.trunc,
}


def _of_floats(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(floated(x))


for _name, _function in FLOATING.items():
    lowers(f"aten.{_name}.default")(_of_floats(_function))
for _name, _function in PLAIN.items():
    lowers(f"aten.{_name}.default")(_function)


@lowers("aten.round.decimals")
def round_decimals(x: Array, *, decimals: int) -> Array:
    return lax.stop_gradient(jnp.round(x * 10.0**decimals) / 10.0**decimals)


@lowers("aten.logit.default", "aten.special_logit.default")
def logit(x: Array, eps: float | None = None) -> Array:
    """With `eps`, what is outside of [eps, 1 - eps] is put there and has no gradient."""
    x = floated(x)
    if eps is not None:
        x = jnp.where(x < eps, eps, jnp.where(x > 1 - eps, 1 - eps, x))
    return lax.log(x / (1 - x))


@lowers("aten.polygamma.default", "aten.special_polygamma.default")
def polygamma(n: int, x: Array) -> Array:
    x = floated(x)
    return lax.digamma(x) if n == 0 else special.polygamma(n, x)
