"""Fresh initial values for a Keras model that is there already, from any seed.

Keras does not keep how a variable was initialized, so this looks it up: the layer of a variable called
`kernel` has a `kernel_initializer`. Where that fails, see `Origin`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np


class Origin(Enum):
    """Where a variable's initial value comes from."""

    DRAWN = "drawn by its layer's initializer, from the seed"
    FIXED = "its layer's initializer without randomness, such as zeros"
    KEPT = "as the model has it: frozen, adapted, or the same number everywhere"
    PERMUTED = "no initializer was found, so the model's own values are put in a random order"
    STREAM = "the state of a random number stream, such as dropout's, from the seed"


@dataclass(frozen=True)
class Initial:
    """One variable's initial value as a function of an integer seed."""

    path: str
    origin: Origin
    draw: Callable[[int], np.ndarray[Any, Any]]
    moved: bool = False  # the model's own value is not an initial value: it was trained or loaded


def initial_values(keras: Any, model: Any) -> dict[int, Initial]:
    """Return for each variable of `model`, by `id`, how to draw its initial value."""
    found: dict[int, Initial] = {}
    for layer in model._flatten_layers():
        for variable in layer._trainable_variables:
            # A frozen layer was frozen for its weights.
            if variable.trainable:
                found[id(variable)] = _weight(keras, layer, variable)
        for variable in layer._non_trainable_variables:
            if layer.trainable:
                found[id(variable)] = _state(keras, layer, variable)
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            found[id(variable)] = Initial(variable.path, Origin.STREAM, _stream)
        found.setdefault(id(variable), _kept(variable))
    return found


def as_given(model: Any) -> dict[int, Initial]:
    """Return the same with the model's own values for all but the random streams."""
    return {
        id(variable): Initial(variable.path, Origin.STREAM, _stream)
        if variable.path.endswith("seed_generator_state")
        else _kept(variable)
        for variable in model.variables
    }


def _stream(seed: int) -> np.ndarray[Any, Any]:
    return np.array([seed, 0], np.uint32)


def _kept(variable: Any) -> Initial:
    value = np.asarray(variable.value)
    return Initial(variable.path, Origin.KEPT, lambda _: value)


def _weight(keras: Any, layer: Any, variable: Any) -> Initial:
    initializer = _initializer(keras, layer, variable)
    own = np.asarray(variable.value)
    if initializer is None:
        if own.size and np.all(own == own.flat[0]):
            return _kept(variable)
        return Initial(
            variable.path,
            Origin.PERMUTED,
            lambda seed: np.random.default_rng(seed).permutation(own.ravel()).reshape(own.shape),
        )
    if _is_random(initializer):
        return _drawn(variable, initializer)
    fixed = _fixed(layer, variable, initializer)
    moved = not np.array_equal(fixed, own)
    return Initial(variable.path, Origin.FIXED, lambda _: fixed, moved)


def _state(keras: Any, layer: Any, variable: Any) -> Initial:
    """Batch statistics start anew; what has no initializer was adapted to data, and stays."""
    initializer = _initializer(keras, layer, variable)
    if initializer is None:
        return _kept(variable)
    if _is_random(initializer):
        return _drawn(variable, initializer)
    fixed = _fixed(layer, variable, initializer)
    return Initial(variable.path, Origin.FIXED, lambda _: fixed)


def _initializer(keras: Any, layer: Any, variable: Any) -> Any:
    initializer = getattr(layer, f"{variable.name}_initializer", None)
    return initializer if isinstance(initializer, keras.initializers.Initializer) else None


def _is_random(initializer: Any) -> bool:
    return "seed" in initializer.get_config()


def _drawn(variable: Any, initializer: Any) -> Initial:
    kind, config = type(initializer), initializer.get_config()

    def draw(seed: int) -> np.ndarray[Any, Any]:
        seeded = kind.from_config({**config, "seed": seed})
        return np.asarray(seeded(tuple(variable.shape), dtype=variable.dtype))

    return Initial(variable.path, Origin.DRAWN, draw)


def _fixed(layer: Any, variable: Any, initializer: Any) -> np.ndarray[Any, Any]:
    value = np.array(initializer(tuple(variable.shape), dtype=variable.dtype))
    if variable.name == "bias" and getattr(layer, "unit_forget_bias", False):
        # LSTM cells set the forget gate's quarter of the bias to one behind the initializer's back.
        units = value.shape[-1] // 4
        value[..., units : 2 * units] = 1
    return value
