"""Images kept with their channels last between operations, as they are fastest on a CPU.

PyTorch has channels second. A convolution as a matrix product wants them last (as the engine says
it on a CPU, `engines/rewrite`), and so do pools. Were each operation to turn its images and turn
them back, a small convolutional network would take 1.6 to 2 times as long; so what a convolution
gives stays turned (`Last`) through the operations that are registered here, and is turned back
where another one wants it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from steepest.tasks.torch.lowering.table import Function

# Takes an array with channels last first; gives what the operation gives, or NotImplemented.
TABLE: dict[str, Function] = {}
BEGINS: set[str] = set()  # those of TABLE that turn images that are not yet


@dataclass(frozen=True)
class Last:
    """An array `[examples, ..., channels]` that stands for `[examples, channels, ...]`."""

    array: Any

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def mapped(self, change: Callable[[Any], Any]) -> "Last":
        return replace(self, array=change(self.array))


class Flat(Last):
    """The same array, that stands for `[examples, channels × places]`: images made flat."""


# A layer after images that were made flat has its weights turned instead, where they are not many
# times as large: a turn of images takes the pool before it along, and then takes long.
HEAVY = 4


def plain(x: Any) -> Any:
    """Return `x` as PyTorch has it."""
    if isinstance(x, Last):
        turned = jnp.moveaxis(x.array, -1, 1)
        return turned.reshape(len(turned), -1) if isinstance(x, Flat) else turned
    if isinstance(x, tuple | list):
        return tuple(plain(one) for one in x)
    return x


def lowers_last(*names: str) -> Callable[[Function], Function]:
    """Register a function for operations whose first argument has channels last."""

    def register(function: Function) -> Function:
        TABLE.update(dict.fromkeys(names, function))
        return function

    return register


def begins_last(*names: str) -> Callable[[Function], Function]:
    """Register the same for operations that are worth turning their images for."""
    BEGINS.update(names)
    return lowers_last(*names)


def images(function: Function) -> Function:
    """Return a function that has `last=True` for channels-last images, registered as such."""

    def run(*given: Any, **named: Any) -> Any:
        found = function(*given, **named, last=True)
        return found if found is NotImplemented else Last(found)

    return run


def apply(name: str, function: Function, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return what `function`, the lowering of the operation `name`, gives; turned if it can be."""
    if any(isinstance(x, Flat) for x in given):
        return _flat(name, function, given, named)
    images = [x for x in given if isinstance(x, Last)]
    if name in BEGINS and not images and given[0].ndim == given[1].ndim:
        given = (Last(jnp.moveaxis(given[0], 1, -1)), *given[1:])
    elif not images:
        return function(*plain(given), **plain_named(named))
    found = NotImplemented
    if name in ELEMENTWISE:
        found = _elementwise(function, given, named)
    elif name in OVER_CHANNELS:
        found = _over_channels(function, given, named)
    elif name in TABLE and isinstance(given[0], Last):
        rest = plain(given[1:])
        found = TABLE[name](given[0].array, *rest, **plain_named(named))
    if found is NotImplemented:
        return function(*plain(given), **plain_named(named))
    return found


def plain_named(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return named arguments as PyTorch has them."""
    return {name: plain(value) for name, value in named.items()}


def _names(text: str) -> set[str]:
    return {f"aten.{name}" for name in text.split()}


# Operations that take each value by itself. Where there are several arrays they are broadcast.
ELEMENTWISE = _names("""
    relu.default gelu.default silu.default sigmoid.default tanh.default leaky_relu.default
    elu.default selu.default celu.default mish.default softplus.default hardtanh.default
    relu6.default hardswish.default hardsigmoid.default clamp.default clamp_min.default
    add.Tensor add.Scalar sub.Tensor sub.Scalar mul.Tensor mul.Scalar div.Tensor div.Scalar
    neg.default abs.default exp.default sqrt.default pow.Tensor_Scalar clone.default
    contiguous.default _to_copy.default native_dropout.default dropout.default
""")
# Operations with statistics of each channel, for which space is only more examples.
OVER_CHANNELS = _names("""
    _native_batch_norm_legit_functional.default _native_batch_norm_legit_no_training.default
    batch_norm.default native_batch_norm.default
""")


def _elementwise(function: Function, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    ndim = max(x.array.ndim for x in given if isinstance(x, Last))
    turned = []
    for x in given:
        if isinstance(x, Last) and x.array.ndim == ndim:
            turned.append(x.array)
        elif isinstance(x, Last):
            return NotImplemented
        elif getattr(x, "ndim", 0) == 0 or not hasattr(x, "shape"):
            turned.append(x)
        elif x.ndim > ndim:
            return NotImplemented
        else:
            turned.append(jnp.moveaxis(x.reshape((1,) * (ndim - x.ndim) + x.shape), 1, -1))
    found = function(*turned, **plain_named(named))
    return tuple(map(Last, found)) if isinstance(found, tuple | list) else Last(found)


def _flat(name: str, function: Function, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return what an operation gives of images that were made flat."""
    x, *others = (one.array for one in given if isinstance(one, Flat))
    rest = [one for one in given if not isinstance(one, Flat)]
    alone = all(getattr(one, "ndim", 0) == 0 for one in rest)
    if name in ELEMENTWISE and alone and all(one.shape == x.shape for one in others):
        arrays = [one.array if isinstance(one, Flat) else one for one in given]
        found = function(*arrays, **plain_named(named))
        return tuple(map(Flat, found)) if isinstance(found, tuple | list) else Flat(found)
    if name == "aten.linear.default" and isinstance(given[0], Flat):
        weight, *bias = plain(given[1:])
        if weight.ndim == 2 and weight.size <= HEAVY * x.size:
            turned = weight.reshape(len(weight), x.shape[-1], -1).swapaxes(1, 2)
            return function(x.reshape(len(x), -1), turned.reshape(weight.shape), *bias)
    return function(*plain(given), **plain_named(named))


@lowers_last("aten.view.default", "aten.reshape.default", "aten._unsafe_view.default")
def _flattened(x: Any, shape: Sequence[int]) -> Any:
    """Return images `[examples, channels, ...]` as one line each, still turned."""
    line = x.size // len(x)
    lines = list(shape) in ([len(x), line], [len(x), -1], [-1, line])
    return Flat(x) if lines else NotImplemented


@lowers_last("aten.flatten.using_ints")
def _flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    whole = start_dim == 1 and end_dim in (-1, x.ndim - 1)
    return _flattened(x, [len(x), -1]) if whole else NotImplemented


def _over_channels(function: Function, given: Sequence[Any], named: Mapping[str, Any]) -> Any:
    x, *rest = given
    if not isinstance(x, Last):
        return NotImplemented
    found = function(x.array.reshape(-1, x.array.shape[-1]), *plain(rest), **plain_named(named))
    if isinstance(found, tuple | list):
        return (Last(found[0].reshape(x.array.shape)), *found[1:])
    return Last(found.reshape(x.array.shape))


@lowers_last("aten.mean.dim")
def _mean(x: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
    """Return the means over space, in which axes are counted as PyTorch's are."""
    over = {axis % x.ndim for axis in (dim if isinstance(dim, tuple | list) else ())}
    if over != set(range(2, x.ndim)) or not jnp.issubdtype(x.dtype, jnp.floating):
        return NotImplemented
    means = jnp.mean(x, axis=tuple(range(1, x.ndim - 1)), keepdims=keepdim)
    return Last(means) if keepdim else means
