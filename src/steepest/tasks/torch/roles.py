"""The role of each weight of a PyTorch module: kernel, head, embedding, bias or norm.

Weight decay and Muon ask for it. PyTorch does not say; it shows in the module that owns the
parameter, in its name, and in what makes the loss.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from steepest.records import Parameter

# Gradients of what multiplies by a kernel, by the names that autograd has for them.
PRODUCTS = ("Addmm", "Mm", "Bmm", "Baddbmm", "Mv", "Convolution", "Linear", "Bilinear", "Rnn")
# And of what hands a parameter on as it is, in another form.
FORMS = ("T", "Transpose", "View", "Permute", "Unsqueeze", "Squeeze", "Expand", "ToCopy", "Clone")
LOOKED_UP = ("embed", "token", "position", "pos_")


def parameters_of(
    module: nn.Module, names: Iterable[str], loss: Tensor | None
) -> tuple[Parameter, ...]:
    """Return what each named parameter of a module is.

    `loss` is that of a batch, through whose gradient the head is found: the kernels that it meets
    first. Without one, or where it does not tell, the head is the last of several kernels.
    """
    owners: dict[int, nn.Module] = {}
    for child in module.modules():
        for one in child.parameters(recurse=False):
            owners.setdefault(id(one), child)
    known = dict(module.named_parameters())
    found = {name: _role(name, known[name], owners[id(known[name])]) for name in names}
    kernels = {id(known[name]): name for name, role in found.items() if role == "kernel"}
    heads = _heads(loss, kernels) if loss is not None else set()
    if not heads and len(kernels) > 1:
        heads = {list(kernels.values())[-1]}
    return tuple(
        Parameter(name, tuple(known[name].shape), "head" if name in heads else role)
        for name, role in found.items()
    )


def _role(name: str, parameter: Tensor, owner: nn.Module) -> str:
    last = name.rpartition(".")[2].lower()
    if "norm" in type(owner).__name__.lower():
        return "norm"
    if "bias" in name.lower():
        return "bias"
    if parameter.ndim < 2:
        return "norm" if last in ("gamma", "beta", "scale") else "other"
    if isinstance(owner, nn.Embedding | nn.EmbeddingBag) or any(w in last for w in LOOKED_UP):
        return "embedding"
    return "kernel"


def _heads(loss: Tensor, kernels: Mapping[int, str]) -> set[str]:
    """Return the kernels, by name, that lie between the loss and all others."""
    open_: list[Any] = [loss.grad_fn]
    seen: set[Any] = set()
    found: set[str] = set()
    while open_:
        node = open_.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        inputs = [one for one, _ in node.next_functions if one is not None]
        if _named(node, PRODUCTS):
            mine = {kernels[id(p)] for p in map(_parameter, inputs) if id(p) in kernels}
            if mine:
                found |= mine
                continue
        open_ += inputs
    return found


def _parameter(node: Any) -> Any:
    """Return the parameter that a node hands on, or None."""
    while _named(node, FORMS) and len(node.next_functions) == 1:
        node = node.next_functions[0][0]
    return getattr(node, "variable", None)


def _named(node: Any, words: tuple[str, ...]) -> bool:
    name = type(node).__name__.partition("Backward")[0].removeprefix("Mkldnn")
    return name in words or (name.endswith("Rnn") and "Rnn" in words)
