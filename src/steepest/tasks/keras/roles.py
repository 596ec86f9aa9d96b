"""The role of each weight of a Keras model: kernel, head, embedding, bias or norm.

Weight decay and Muon ask for it. Keras does not say; it shows in the layer that owns the variable,
in its name, and in what makes the model's output.
"""

from typing import Any

from steepest.records import Parameter


def parameters_of(keras: Any, model: Any) -> tuple[Parameter, ...]:
    """Return what each trainable variable is, in the order of `model.trainable_variables`."""
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers():
        for variable in layer._trainable_variables:
            owners.setdefault(id(variable), layer)
    heads = _heads(model)
    found = [
        Parameter(v.path, tuple(v.shape), _role(keras, v, owners.get(id(v)), heads))
        for v in model.trainable_variables
    ]
    if not any(one.role == "head" for one in found):  # a model that does not tell its graph
        kernels = [i for i, one in enumerate(found) if one.role == "kernel"]
        if len(kernels) > 1:
            last = found[kernels[-1]]
            found[kernels[-1]] = Parameter(last.path, last.shape, "head")
    return tuple(found)


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
