"""Products of matrices: layers, batches of them, bilinear forms and `einsum`."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.tasks.torch.lowering.arrays import Array, axis
from steepest.tasks.torch.lowering.table import lowers


@lowers("aten.linear.default")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x [..., in], weight [out, in] (or [in], as PyTorch allows), bias [out].

    As a product of two matrices, so that the gradient of the weight is one too: with its leading
    axes apart, that took a third longer on a CPU.
    """
    flat = x.reshape(-1, x.shape[-1])
    out = lax.dot_general(flat, weight, (((1,), (weight.ndim - 1,)), ((), ())))
    out = out.reshape(*x.shape[:-1], *weight.shape[:-1])
    return out if bias is None else out + bias


@lowers(
    "aten.matmul.default",
    "aten.mm.default",
    "aten.bmm.default",
    "aten.mv.default",
    "aten.dot.default",
    "aten.vdot.default",
    "aten.linalg_matmul.default",
)
def matmul(x: Array, y: Array) -> Array:
    return jnp.matmul(x, y)


@lowers("aten.inner.default")
def inner(x: Array, y: Array) -> Array:
    return jnp.inner(x, y)


@lowers("aten.outer.default", "aten.ger.default")
def outer(x: Array, y: Array) -> Array:
    return x[:, None] * y[None, :]


@lowers("aten.addmm.default", "aten.baddbmm.default", "aten.addmv.default")
def addmm(bias: Array, x: Array, y: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    product = jnp.matmul(x, y)
    product = product if alpha == 1 else product * alpha
    if beta == 0:  # where PyTorch takes no notice of NaN in the bias
        return product
    return product + (bias if beta == 1 else bias * beta)


@lowers("aten.addbmm.default")
def addbmm(bias: Array, x: Array, y: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    product = jnp.einsum("bij,bjk->ik", x, y) * alpha
    return product if beta == 0 else product + bias * beta


@lowers("aten.addr.default")
def addr(bias: Array, x: Array, y: Array, *, beta: Any = 1, alpha: Any = 1) -> Array:
    product = outer(x, y) * alpha
    return product if beta == 0 else product + bias * beta


@lowers("aten.einsum.default")
def einsum(equation: str, tensors: Sequence[Array], *, path: Any = None) -> Array:
    del path  # the order of the products, a hint
    return jnp.einsum(equation.replace(" ", ""), *tensors)


@lowers("aten.bilinear.default")
def bilinear(x: Array, y: Array, weight: Array, bias: Array | None = None) -> Array:
    """x [..., first], y [..., second], weight [out, first, second]."""
    out = jnp.einsum("...i,oij,...j->...o", x, weight, y)
    return out if bias is None else out + bias


@lowers("aten.matrix_exp.default", "aten.linalg_matrix_exp.default")
def matrix_exp(x: Array) -> Array:
    return jax.scipy.linalg.expm(x)


@lowers("aten.linalg_inv.default", "aten.inverse.default")
def inverse(x: Array) -> Array:
    return jnp.linalg.inv(x)


@lowers("aten.linalg_det.default", "aten.det.default")
def determinant(x: Array) -> Array:
    return jnp.linalg.det(x)


@lowers("aten.linalg_slogdet.default", "aten.slogdet.default")
def slogdet(x: Array) -> tuple[Array, Array]:
    sign, log = jnp.linalg.slogdet(x)
    return sign, log


@lowers("aten.linalg_cholesky.default")
def cholesky(x: Array, *, upper: bool = False) -> Array:
    lower = jnp.linalg.cholesky(x)
    return jnp.swapaxes(lower, -2, -1) if upper else lower


@lowers("aten.linalg_solve.default")
def solve(x: Array, y: Array, *, left: bool = True) -> Array:
    if left:
        return jnp.linalg.solve(x, y)
    turned = jnp.linalg.solve(jnp.swapaxes(x, -2, -1), jnp.swapaxes(y, -2, -1))
    return jnp.swapaxes(turned, -2, -1)


@lowers("aten.tensordot.default")
def tensordot(x: Array, y: Array, dims_self: Sequence[int], dims_other: Sequence[int]) -> Array:
    first = tuple(axis(d, x.ndim) for d in dims_self)
    second = tuple(axis(d, y.ndim) for d in dims_other)
    return jnp.tensordot(x, y, (first, second))
