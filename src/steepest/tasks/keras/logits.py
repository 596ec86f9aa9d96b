"""Does the loss take probabilities or logits, and which of them does the model give?

Keras itself looks, on TensorFlow alone. What a model gives is told by the activation of its last
layer, and where that is not known by the values of its outputs at several initial weights.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from steepest.data.arrays import Tree
from steepest.tasks.keras.labels import kind_of, pairs

# Losses that take probabilities unless they are told from_logits=True, and what makes those.
_MAKERS = {
    "sparsecategoricalcrossentropy": "softmax",
    "categoricalcrossentropy": "softmax",
    "categoricalfocalcrossentropy": "softmax",
    "binarycrossentropy": "sigmoid",
    "binaryfocalcrossentropy": "sigmoid",
}
_SEEDS = 12  # initial weights with which a linear output is surely below 0 or above 1 once
_SHAPING = {"Reshape", "Flatten", "Permute", "Identity", "Squeeze", "ExpandDims", "Transpose"}
_COMPUTING = ("Dense", "EinsumDense", "Conv", "SeparableConv", "DepthwiseConv")


def notes(
    keras: Any, model: Any, y: Tree, output: Tree, outputs: Callable[[int], Tree]
) -> list[str]:
    """Return what is to be said of losses that take what the model does not give.

    `output` has the shapes of its outputs, `outputs(seed)` their values for a batch.
    """
    graph = _graph(model)
    ends = [_activation(keras, tensor) for _, tensor, _ in _asked(keras, model, y, graph)]
    asked = list(_asked(keras, model, y, output))
    if len(ends) != len(asked):
        ends = [""] * len(asked)
    values: list[list[Any]] = [[] for _ in asked]
    if any(not end for end in ends):
        with contextlib.suppress(Exception):  # what cannot be called so is not spoken of
            made = [list(_asked(keras, model, y, outputs(seed))) for seed in range(_SEEDS)]
            values = [[one[i][1] for one in made] for i in range(len(asked))]
    found = []
    for i, (name, _, loss) in enumerate(asked):
        end = ends[i] or (_told_by(kind_of(keras, loss), values[i]) if values[i] else "")
        of = f" of {name}" if len(asked) > 1 else ""
        maker, logits = _MAKERS[kind_of(keras, loss)], from_logits(keras, loss)
        if logits and end in ("softmax", "sigmoid", "probabilities"):
            end = maker if end == "probabilities" else end
            found.append(
                f"the loss{of} has from_logits=True, but the model ends in {end}, so it takes "
                f"probabilities for logits: leave out from_logits=True, or the {end}"
            )
        elif not logits and end in ("linear", "logits"):
            shown = "the model ends in a linear layer, which gives logits"
            shown = shown if end == "linear" else "outputs of the model lie below 0 or above 1"
            found.append(
                f"the loss{of} takes probabilities, but {shown}; the loss cuts them to between 0 "
                f"and 1: give it from_logits=True, or the last layer activation='{maker}'"
            )
    return found


def from_logits(keras: Any, loss: Any) -> bool:
    return bool(getattr(keras.losses.get(loss), "from_logits", False))


def _asked(keras: Any, model: Any, y: Tree, output: Tree) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, output and loss of each output that has a loss of the kind asked about."""
    for name, _, made, loss, _ in pairs(model.loss, y, output, "y"):
        if made is not None and kind_of(keras, loss) in _MAKERS:
            yield name, made, loss


def _graph(model: Any) -> Tree:
    """Return the symbolic outputs of a model that tells its graph, as it returns them."""
    struct = getattr(model, "_outputs_struct", None)
    if struct is None:
        outputs = getattr(model, "outputs", None) or [None]
        struct = outputs[0] if len(outputs) == 1 else None
    return struct


def _activation(keras: Any, tensor: Any) -> str:
    """Return "softmax", "sigmoid" or "linear" where the graph says what makes an output."""
    for _ in range(20):
        layer = tensor._keras_history.operation
        while isinstance(layer, keras.layers.TimeDistributed):
            layer = layer.layer
        kind = type(layer).__name__
        if not type(layer).__module__.startswith("keras."):
            return ""
        if isinstance(layer, keras.Model):
            inner = _graph(layer)
            if not hasattr(inner, "_keras_history"):
                return ""
            tensor = inner
            continue
        if kind in ("Softmax", "Sigmoid"):  # layers, and operations of keras.ops
            return kind.lower()
        said = getattr(getattr(layer, "activation", None), "__name__", "")
        if kind == "Activation" or kind.startswith(_COMPUTING):
            if said in ("softmax", "sigmoid"):
                return said
            if said != "linear":
                return ""
            if kind != "Activation":
                return "linear"
        elif kind not in _SHAPING:
            return ""
        before = tensor._keras_history.operation._inbound_nodes[tensor._keras_history.node_index]
        if len(before.input_tensors) != 1:
            return ""
        tensor = before.input_tensors[0]
    return ""


def _told_by(kind: str, values: list[Any]) -> str:
    """Return "probabilities" or "logits" as the values of an output tell, or ""."""
    every = np.stack([np.asarray(one, np.float64) for one in values])
    if not np.isfinite(every).all() or every.size == 0:
        return ""
    slack = 1e-2  # for what computes in short floats
    if every.min() < -slack or every.max() > 1 + slack:
        return "logits"
    if _MAKERS[kind] == "softmax":
        return "probabilities" if np.allclose(every.sum(axis=-1), 1, atol=slack) else ""
    inside = every.min() > 0 and every.max() < 1 and np.ptp(every) > 1e-6
    return "probabilities" if inside else ""
