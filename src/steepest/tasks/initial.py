"""Fresh initial values for a Keras model that is there already, from any seed.

Keras forgets how a variable was initialized. So each layer is made once more from its config, in a
scope in which Keras creates no values but notes the initializers, and those are called with our
seeds. Where a layer cannot be made again, see `Origin`.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
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
    with _python_random_kept():
        initializers = _initializers(keras, model._layers)
        found: dict[int, Initial] = {}
        for layer in model._flatten_layers():
            # A frozen layer was frozen for its weights; its batch statistics stay too.
            for variable in layer._trainable_variables:
                initializer = initializers.get(id(variable))
                found[id(variable)] = (
                    _weight(keras, variable, initializer) if variable.trainable else _kept(variable)
                )
            for variable in layer._non_trainable_variables:
                initializer = initializers.get(id(variable))
                fresh = layer.trainable and initializer is not None and not _adapted(layer)
                found[id(variable)] = (
                    _initial(keras, variable, initializer) if fresh else _kept(variable)
                )
        for variable in model.variables:
            if _is_stream(variable):
                found[id(variable)] = Initial(variable.path, Origin.STREAM, _stream)
            found.setdefault(id(variable), _kept(variable))
        return found


def as_given(model: Any) -> dict[int, Initial]:
    """Return the same with the model's own values for all but the random streams."""
    return {
        id(variable): Initial(variable.path, Origin.STREAM, _stream)
        if _is_stream(variable)
        else _kept(variable)
        for variable in model.variables
    }


def _initializers(keras: Any, layers: Any) -> dict[int, Any]:
    """Return the initializer of each variable, by `id`, as far as layers can be made again."""
    found: dict[int, Any] = {}
    for layer in layers:
        if not layer.variables or isinstance(layer, keras.metrics.Metric):
            continue
        twins = [] if isinstance(layer, keras.Model) else _twins(keras, layer)
        if twins:
            pairs = zip(layer.variables, twins, strict=True)
            found.update({id(variable): twin for variable, twin in pairs})
        else:
            found.update(_initializers(keras, layer._layers))
    return found


def _twins(keras: Any, layer: Any) -> list[Any]:
    """Return the initializers of the layer's variables, in order, or nothing."""
    try:
        with keras.StatelessScope():
            twin = type(layer).from_config(layer.get_config())
            twin.build_from_config(layer.get_build_config() or {})
            variables = twin.variables
            found = [variable._initializer for variable in variables]
    except Exception:  # a layer of the person's own may fail in any way when made from a config
        return []
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [tuple(variable.shape) for variable in layer.variables]:
        return []
    return found


@contextlib.contextmanager
def _python_random_kept() -> Iterator[None]:
    """Leave Python's generator as it was: Keras draws default seeds from it."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _is_stream(variable: Any) -> bool:
    return bool(variable.path.endswith("seed_generator_state"))


def _adapted(layer: Any) -> bool:
    """Layers such as Normalization learn from data before training, and keep what they learnt."""
    return hasattr(layer, "adapt")


def _stream(seed: int) -> np.ndarray[Any, Any]:
    return np.array([seed, 0], np.uint32)


def _kept(variable: Any) -> Initial:
    value = np.asarray(variable.value)
    return Initial(variable.path, Origin.KEPT, lambda _: value)


def _weight(keras: Any, variable: Any, initializer: Any) -> Initial:
    if initializer is not None:
        return _initial(keras, variable, initializer)
    own = np.asarray(variable.value)
    if own.size and np.all(own == own.flat[0]):
        return _kept(variable)
    return _permuted(variable)


def _permuted(variable: Any) -> Initial:
    own = np.asarray(variable.value)
    return Initial(
        variable.path,
        Origin.PERMUTED,
        lambda seed: np.random.default_rng(seed).permutation(own.ravel()).reshape(own.shape),
    )


def _initial(keras: Any, variable: Any, initializer: Any) -> Initial:
    shape, dtype = tuple(variable.shape), variable.dtype
    if isinstance(initializer, keras.initializers.Initializer):
        config = initializer.get_config()
        if "seed" in config:
            kind = type(initializer)

            def draw(seed: int) -> np.ndarray[Any, Any]:
                # The axes of einsum layers are set on the object, and not in its config.
                seeded = kind.from_config({**config, "seed": seed})
                for name in ("input_axes", "output_axes"):
                    if hasattr(initializer, name):
                        setattr(seeded, name, getattr(initializer, name))
                return np.asarray(seeded(shape, dtype=dtype))

            return Initial(variable.path, Origin.DRAWN, draw)
    values = [np.asarray(initializer(shape, dtype=dtype)) for _ in range(2)]
    if not np.array_equal(values[0], values[1]):  # a function that draws, but takes no seed
        return _permuted(variable)
    moved = variable.trainable and not np.array_equal(values[0], np.asarray(variable.value))
    return Initial(variable.path, Origin.FIXED, lambda _: values[0], moved)
