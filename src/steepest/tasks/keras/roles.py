"""The role of each weight of a Keras model: kernel, head, embedding, bias or norm.

Weight decay and Muon ask for it. Keras does not say; it shows in the layer that owns the variable,
in its name, and in what makes the model's output.
"""

from dataclasses import replace
from typing import Any

from steepest.records import Parameter


def parameters_of(keras: Any, model: Any) -> tuple[Parameter, ...]:
    """Return what each trainable variable is, in the order of `model.trainable_variables`."""
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers():
        for variable in layer._trainable_variables:
            owners.setdefault(id(variable), layer)
    heads, layers = _heads(model), _layers(model)
    found = [
        Parameter(
            v.path,
            tuple(v.shape),
            _role(keras, v, owners.get(id(v)), heads),
            layers.get(id(v), ()),
        )
        for v in model.trainable_variables
    ]
    if not any(one.role == "head" for one in found):  # a model that does not tell its graph
        kernels = [i for i, one in enumerate(found) if one.role == "kernel"]
        if len(kernels) > 1:
            last = found[kernels[-1]]
            found[kernels[-1]] = replace(last, role="head")
    return tuple(found)


def _layers(model: Any) -> dict[int, tuple[str, ...]]:
    """Return the names of the layers that hold each variable, by the variable's `id`.

    Its path does not tell: the layers of a model that is a layer of another have their own paths.
    """
    found: dict[int, tuple[str, ...]] = {}
    seen: set[int] = set()

    def walk(layer: Any, names: tuple[str, ...]) -> None:
        seen.add(id(layer))
        for variable in layer._trainable_variables:
            found.setdefault(id(variable), names)
        for inner in layer._flatten_layers(include_self=False, recursive=False):
            if id(inner) not in seen:
                walk(inner, (*names, str(inner.name)))

    walk(model, ())
    return found


def _role(keras: Any, variable: Any, owner: Any, heads: set[int]) -> str:
    name = variable.name.lower()
    if isinstance(owner, keras.layers.PReLU):
        return "other"
    # SpectralNormalization wraps a layer; what it trains is that layer's kernel.
    wrapper = isinstance(owner, keras.layers.Wrapper)
    if owner is not None and not wrapper and type(owner).__name__.endswith("Normalization"):
        return "norm"
    if "bias" in name:
        return "bias"
    if len(variable.shape) < 2:
        return "norm" if name in ("gamma", "beta", "scale") else "other"
    if name in ("gamma", "beta", "scale"):
        return "norm"
    if isinstance(owner, keras.layers.Embedding) or name.startswith(("embedding", "position")):
        return "embedding"
    return "head" if id(owner) in heads else "kernel"


def _heads(model: Any) -> set[int]:
    """Return the layers, by `id`, whose weights make the model's outputs, if the model tells."""
    try:
        open_ = [tensor._keras_history.operation for tensor in model.outputs]
    except (AttributeError, TypeError):
        return set()
    found: set[int] = set()
    seen: set[int] = set()
    while open_:
        layer = open_.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if getattr(layer, "trainable_variables", None):
            found.add(id(layer))
            continue
        for node in getattr(layer, "_inbound_nodes", []):  # an activation, a reshape
            open_ += [one._keras_history.operation for one in node.input_tensors]
    return found
