"""What stands in the way of tracing and changes no number: checks, and one `float()`.

A check of a tensor's values (that a variance is not negative) branches on data, which cannot be
exported; neither can the cumulative average of a batch norm with `momentum=None`, which divides by
`float(num_batches_tracked)`, nor `nn.TransformerEncoder`'s look at whether a mask is the causal
one, for which there is a faster kernel. Here are the same numbers without the branch. What is
exported is proved against the module itself, so nothing rests on these.
"""

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional
from torch.nn.modules import transformer
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def traceable(module: nn.Module) -> Iterator[None]:
    """Let `module` be traced without checks of values, within the context."""
    validated = Distribution._validate_args
    cumulative = [inner for inner in module.modules() if _is_cumulative(inner)]
    for inner in cumulative:
        inner.forward = functools.partial(_cumulative, inner)
    Distribution.set_default_validate_args(False)
    looked = transformer._detect_is_causal_mask
    transformer._detect_is_causal_mask = _causal
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one kernel of PyTorch's for a frozen layer
    try:
        with _Unchecked():
            yield
    finally:
        transformer._detect_is_causal_mask = looked
        torch.backends.mha.set_fastpath_enabled(fast)
        Distribution.set_default_validate_args(validated)
        for inner in cumulative:
            del inner.forward


def _causal(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    """Return whether the mask need not be looked at: only where the person says that it is causal.

    In place of `torch.nn.modules.transformer._detect_is_causal_mask`. A causal mask is then taken
    like any other.
    """
    del mask, size
    return is_causal is True


class _Unchecked(TorchFunctionMode):
    """Functions that check the values of tensors, replaced by ones that do not."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        function = _gaussian_nll_loss if func is functional.gaussian_nll_loss else func
        return function(*args, **(kwargs or {}))


def _gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """`torch.nn.functional.gaussian_nll_loss`: the variance's bound is not differentiated."""
    if isinstance(var, float):
        var = var * torch.ones_like(input)
    if var.size() != input.size() and input.size()[:-1] == var.size():
        var = var.unsqueeze(-1)
    fixed = var.detach()
    var = var + (fixed.clamp(min=eps) - fixed)
    loss = 0.5 * (torch.log(var) + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def _is_cumulative(module: nn.Module) -> bool:
    return (
        isinstance(module, _BatchNorm)
        and type(module).forward is _BatchNorm.forward
        and module.momentum is None
        and module.training
        and module.num_batches_tracked is not None
    )


def _cumulative(layer: Any, x: Tensor) -> Tensor:
    """Return a batch norm whose statistics are plain averages over all batches."""
    layer._check_input_dim(x)
    layer.num_batches_tracked.add_(1)
    over = [0, *range(2, x.dim())]
    share = 1 / layer.num_batches_tracked.to(layer.running_mean.dtype)
    seen = x.detach()
    layer.running_mean.mul_(1 - share).add_(share * seen.mean(over))
    layer.running_var.mul_(1 - share).add_(share * seen.var(over))
    return functional.batch_norm(x, None, None, layer.weight, layer.bias, True, 0.0, layer.eps)
