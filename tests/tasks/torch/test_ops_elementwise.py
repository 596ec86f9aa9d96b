"""Arithmetic, powers, comparisons and functions of one array: as PyTorch's, at ties and zeros."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check_each  # noqa: E402

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

FLOATS = torch.tensor([0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3.25, -3.75, 7, -7], dtype=torch.float64)
OTHERS = torch.tensor([0.0, 1.0, 1, 1, -2, -2, 0.5, 0.25, 2, 2, -3, -3], dtype=torch.float64)
WHOLE = torch.tensor([0, 1, 2, 3, -1, -2, -3, 7, -7, 5, 6, 4])
ABOVE = OTHERS.abs() + 0.25

BINARY = {
    "add": lambda x, y: x + y,
    "add alpha": lambda x, y: torch.add(x, y, alpha=2.5),
    "sub": lambda x, y: x - y,
    "sub alpha": lambda x, y: torch.sub(x, y, alpha=2),
    "rsub": lambda x, y: torch.rsub(x, y, alpha=2),
    "rsub of a number": lambda x, y: 1 - x,
    "mul": lambda x, y: x * y,
    "mul of a number": lambda x, y: x * 2.5,
    "addcmul": lambda x, y: torch.addcmul(x, x, y, value=0.5),
    "lerp": lambda x, y: torch.lerp(x, y, 0.3),
    "lerp by a tensor": lambda x, y: torch.lerp(x, y, x * y),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "max": torch.max,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "atan2": torch.atan2,
    "where": lambda x, y: torch.where(x > y, x, y),
    "where of a number": lambda x, y: torch.where(x > 0, x, 0.5),
    "where of numbers": lambda x, y: torch.where(x > 0, 1.0, 2.0) * y,
    "masked_fill": lambda x, y: x.masked_fill(y > 0, 3.0),
    "masked_fill by a tensor": lambda x, y: x.masked_fill(y > 0, y.sum()),
    "clamp": lambda x, y: x.clamp(-1, 2),
    "clamp above": lambda x, y: x.clamp(min=0),
    "clamp below": lambda x, y: x.clamp(max=1),
    "clamp by tensors": lambda x, y: x.clamp(y - 1, y + 1),
    "clip": lambda x, y: x.clip(-0.5, 0.5),
    "relu by clamp_min": lambda x, y: torch.clamp_min(x, 0),
    "logaddexp": torch.logaddexp,
    "copysign": lambda x, y: torch.copysign(x, 2.0),
    "heaviside": lambda x, y: torch.heaviside(x.detach(), y.detach()) * x,
    "in place": lambda x, y: (x * 1).add_(y).mul_(2).clamp_(-3, 3),
}
POSITIVE = {
    "div": lambda x, y: x / y,
    "div of a number": lambda x, y: 2.5 / y + x / 4,
    "div floor": lambda x, y: torch.div(x, y, rounding_mode="floor") + x,
    "div trunc": lambda x, y: torch.div(x, y, rounding_mode="trunc") + y,
    "remainder": torch.remainder,
    "remainder of a number": lambda x, y: x.remainder(2),
    "fmod": torch.fmod,
    "addcdiv": lambda x, y: torch.addcdiv(x, x, y, value=0.5),
    "hypot": torch.hypot,
    "xlogy": lambda x, y: torch.xlogy(x, y) + torch.xlogy(x, 2.0) + torch.xlogy(2.0, y),
    "xlog1py": torch.special.xlog1py,
    "pow of tensors": lambda x, y: y**x + (x * x) ** y,
    "pow of a number": lambda x, y: 2**x + 2.5**y,
    "pow 0": lambda x, y: x**0 + y,
    "pow 0.5": lambda x, y: y**0.5,
    "pow 1": lambda x, y: x**1,
    "pow 2": lambda x, y: x**2,
    "pow 3": lambda x, y: x**3,
    "pow -1": lambda x, y: y**-1,
    "pow -0.5": lambda x, y: y**-0.5,
    "pow 2.5": lambda x, y: (x * x) ** 2.5,
    "float_power": lambda x, y: torch.float_power(x, 3) + torch.float_power(y, 0.3),
}
OF_ONE = {
    function.__name__: function
    for function in (
        torch.abs,
        torch.atan,
        torch.asinh,
        torch.ceil,
        torch.cos,
        torch.cosh,
        torch.deg2rad,
        torch.erf,
        torch.erfc,
        torch.exp,
        torch.exp2,
        torch.expm1,
        torch.floor,
        torch.frac,
        torch.neg,
        torch.rad2deg,
        torch.round,
        torch.sgn,
        torch.sigmoid,
        torch.sign,
        torch.sin,
        torch.sinc,
        torch.sinh,
        torch.square,
        torch.tan,
        torch.tanh,
        torch.trunc,
    )
} | {"round to 1": lambda x: torch.round(x, decimals=1) + x, "isnan": lambda x: x.isnan() * x}
INSIDE = {
    "acos": torch.acos,
    "asin": torch.asin,
    "atanh": torch.atanh,
    "erfinv": torch.erfinv,
    "logit": torch.logit,
    "log": torch.log,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "log10": torch.log10,
    "lgamma": torch.lgamma,
    "reciprocal": torch.reciprocal,
    "rsqrt": torch.rsqrt,
    "sqrt": torch.sqrt,
    "acosh": lambda x: torch.acosh(1 + x),
    "entr": torch.special.entr,
    "expit": torch.special.expit,
    "ndtr": torch.special.ndtr,
    "log_ndtr": torch.special.log_ndtr,
    "i0": torch.special.i0,
    "erfcx": torch.special.erfcx,
}


def test_two_arrays():
    check_each(BINARY, FLOATS, OTHERS)


def test_a_positive_second_array():
    check_each(POSITIVE, FLOATS, ABOVE)


def test_powers_of_zero():
    zero, exponents = torch.zeros(4).double(), torch.tensor([0.0, 1, 2, 2.5]).double()
    check_each({"pow": lambda x, y: x**y, "of a number": lambda x, y: 0.0**y + x}, zero, exponents)


def test_one_array():
    check_each(OF_ONE, FLOATS)


def test_inside_of_the_unit_interval():
    check_each(INSIDE, torch.linspace(0.05, 0.95, 12).double(), tolerance=1e-7)
    eps = {"logit with eps": lambda x: torch.logit(x, 0.2)}
    check_each(eps, torch.tensor([0.0, 0.1, 0.2, 0.5, 0.8, 0.9, 1.0]).double())
    check_each({"digamma": torch.digamma}, torch.linspace(0.5, 3, 9).double(), tolerance=1e-7)


def test_roots_at_zero():
    check_each({"sqrt": torch.sqrt, "abs": torch.abs}, torch.zeros(3).double())


def test_what_is_no_number():
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0, 0.0]).double()
    check_each(
        {
            "nan_to_num": lambda x: x.nan_to_num(),
            "nan_to_num of ours": lambda x: x.nan_to_num(1.0, 2.0, 3.0),
            "clamp": lambda x: x.detach().clamp(-1, 1),
            "isfinite": lambda x: x.isfinite(),
            "isinf": lambda x: x.isinf(),
            "isnan": lambda x: x.isnan(),
            "maximum": lambda x: torch.maximum(x, torch.zeros_like(x)).isnan(),
        },
        x,
    )


def test_comparisons_and_logic():
    check_each(
        {
            name: lambda x, y, name=name: getattr(torch, name)(x, y)
            for name in ("eq", "ne", "lt", "le", "gt", "ge", "isclose")
        }
        | {
            "numbers": lambda x, y: (x == 0, x > 1, y <= -2),
            "logic": lambda x, y: ((x > 0) & (y > 0) | (x < -1) ^ (y > 1), ~(x > 0)),
            "words": lambda x, y: (x.logical_and(y), x.logical_or(y), x.logical_not()),
        },
        FLOATS,
        OTHERS,
    )


def test_integers():
    check_each(
        {
            "arithmetic": lambda x, y: (x + y, x - y, x * y, -x, x.abs(), x**2),
            "division": lambda x, y: (x / y, x // y, x % y, x.fmod(y), x / 2, x // 2),
            "truncation": lambda x, y: torch.div(x, y, rounding_mode="trunc"),
            "bits": lambda x, y: (x & 3, x | y, x ^ 1, x << 1, x >> 1, ~x),
            "with numbers": lambda x, y: (x * 2.5, x + 1, 1 - x, x * True, x > 1.5),
            "limits": lambda x, y: (x.clamp(-1, 3), torch.maximum(x, y), x.sign()),
            "functions": lambda x, y: (x.abs().sqrt(), x.exp(), x.sigmoid(), y.log()),
        },
        WHOLE,
        WHOLE.abs() + 1,
        tolerance=1e-6,  # functions of integers are float32 in PyTorch
    )


def test_types_are_mixed_as_in_pytorch():
    single, double = torch.randn(4), torch.randn(4).double()
    whole, mask = torch.arange(4), torch.arange(4) > 1
    check_each(
        {
            "": lambda s, d, w, m: (s * w, s + m, w + m, w * 0.5, m * 2, m * 0.5, s * d, d * w),
            "of a scalar tensor": lambda s, d, w, m: (s * d.sum(), w * s[0], w * d[0], s * w.sum()),
            "cast": lambda s, d, w, m: (
                s.double(),
                d.float(),
                w.float(),
                m.long(),
                s.long(),
                w.bool(),
            ),
            "where": lambda s, d, w, m: (
                torch.where(m, s, d),
                torch.where(m, w, 0),
                torch.where(m, w, 0.5),
            ),
            "type_as": lambda s, d, w, m: (w.type_as(s), d.type_as(s), s.half(), s.bfloat16()),
        },
        single,
        double,
        whole,
        mask,
        tolerance=1e-6,
    )


def test_second_derivatives_of_powers():
    """Of a function whose gradient is written by hand."""
    import jax

    from steepest.tasks.torch.lowering.table import find

    power = find("aten.pow.Tensor_Tensor").function
    x = np.float32(1.7)
    found = jax.grad(jax.grad(lambda x: power(x, np.float32(2.5))))(x)
    np.testing.assert_allclose(found, 2.5 * 1.5 * x**0.5, rtol=1e-5)
