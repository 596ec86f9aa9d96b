"""Fresh initial weights for an existing Keras model, from any seed.

Keras forgets how a variable was initialized. So each layer is made once more from its config, in a
scope in which Keras creates no values but notes the initializers, and those are called with our
seeds. Where a layer cannot be made again, see `Origin`.
"""

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from steepest.data.arrays import Arrays


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
                    _weight(keras, variable, initializer)
                    if variable.trainable
                    else _kept(keras, variable)
                )
            for variable in layer._non_trainable_variables:
                initializer = initializers.get(id(variable))
                fresh = layer.trainable and initializer is not None and not _adapted(layer)
                found[id(variable)] = (
                    _initial(keras, variable, initializer) if fresh else _kept(keras, variable)
                )
        for variable in model.variables:
            if _is_stream(variable):
                found[id(variable)] = _stream(variable)
            found.setdefault(id(variable), _kept(keras, variable))
        return found


def as_given(keras: Any, model: Any) -> dict[int, Initial]:
    """Return the same with the model's own values for all but the random streams."""
    return {
        id(variable): _stream(variable) if _is_stream(variable) else _kept(keras, variable)
        for variable in model.variables
    }


def initialize_by(model: Any, drawn: dict[int, Initial]) -> Callable[[int], tuple[Arrays, Arrays]]:
    """Return what draws the weights and the rest of the state of `model` from a seed."""
    weights, state = list(model.trainable_variables), list(model.non_trainable_variables)

    def initialize(seed: int) -> tuple[Arrays, Arrays]:
        streams = np.random.SeedSequence(seed).generate_state(len(weights) + len(state))
        seeds = iter((streams >> 1).tolist())  # initializers take seeds below 2³¹
        return (
            [drawn[id(variable)].draw(next(seeds)) for variable in weights],
            [drawn[id(variable)].draw(next(seeds)) for variable in state],
        )

    return initialize


def values_of(keras: Any, variables: Iterable[Any]) -> Arrays:
    """Return the values of Keras' variables, on any backend, as NumPy arrays of their own.

    Copies: some backends give a view of memory in which training goes on.
    """
    return [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]


def _initializers(keras: Any, layers: Any) -> dict[int, Any]:
    """Return the initializer of each variable, by `id`, as far as layers can be made again."""
    found: dict[int, Any] = {}
    for layer in layers:
        if not layer.variables or isinstance(layer, keras.metrics.Metric):
            continue
        twins = [] if isinstance(layer, keras.Model) else _twins(keras, layer)
        if twins:
            for i, (variable, twin) in enumerate(zip(layer.variables, twins, strict=True)):
                if not isinstance(twin, keras.initializers.Initializer):
                    # A function around initializers, as recurrent layers have for their bias.
                    twin = _Rebuilt(keras, layer, i)
                found[id(variable)] = twin
        else:
            found.update(_initializers(keras, layer._layers))
    return found


@dataclass(frozen=True)
class _Rebuilt:
    """The initializer of a layer's `position`th variable, made again for each seed."""

    keras: Any
    layer: Any
    position: int

    def __call__(self, shape: Any, dtype: Any, seed: int) -> Any:
        with _python_random_kept():
            initializer = _twins(self.keras, self.layer, seed)[self.position]
            return initializer(shape, dtype=dtype)


def _twins(keras: Any, layer: Any, seed: int = 0) -> list[Any]:
    """Return the initializers of the layer's variables, in order, or nothing.

    An initializer without a seed draws one from Python's generator, which `seed` sets.
    """
    random.seed(seed)
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


def _stream(variable: Any) -> Initial:
    dtype = variable.dtype  # which differs between backends
    return Initial(variable.path, Origin.STREAM, lambda seed: np.array([seed, 0], dtype))


def _kept(keras: Any, variable: Any) -> Initial:
    (value,) = values_of(keras, [variable])
    return Initial(variable.path, Origin.KEPT, lambda _: value)


def _weight(keras: Any, variable: Any, initializer: Any) -> Initial:
    if initializer is not None:
        return _initial(keras, variable, initializer)
    (own,) = values_of(keras, [variable])
    if own.size and np.all(own == own.flat[0]):
        return _kept(keras, variable)
    return Initial(
        variable.path,
        Origin.PERMUTED,
        lambda seed: np.random.default_rng(seed).permutation(own.ravel()).reshape(own.shape),
    )


def _initial(keras: Any, variable: Any, initializer: Any) -> Initial:
    shape, dtype = tuple(variable.shape), variable.dtype
    (own,) = values_of(keras, [variable])
    as_numpy = keras.ops.convert_to_numpy

    def draw(seed: int) -> np.ndarray[Any, Any]:
        if isinstance(initializer, _Rebuilt):
            return np.array(as_numpy(initializer(shape, dtype, seed)))
        config = initializer.get_config()
        if "seed" not in config:
            return np.array(as_numpy(initializer(shape, dtype=dtype)))
        seeded = type(initializer).from_config({**config, "seed": seed})
        # The axes of einsum layers are set on the object, and not in its config.
        for name in ("input_axes", "output_axes"):
            if hasattr(initializer, name):
                setattr(seeded, name, getattr(initializer, name))
        return np.array(as_numpy(seeded(shape, dtype=dtype)))

    draws = [draw(seed) for seed in range(3)]
    if np.array_equal(draws[0], draws[1]):
        moved = variable.trainable and not np.array_equal(draws[0], own)
        return Initial(variable.path, Origin.FIXED, lambda _: draws[0], moved)
    moved = variable.trainable and _differs(own, np.stack(draws))
    return Initial(variable.path, Origin.DRAWN, draw, moved)


def _differs(own: np.ndarray[Any, Any], draws: np.ndarray[Any, Any]) -> bool:
    """Say whether `own` is too large or too small to be another draw: it was trained or loaded.

    The root mean square of n values scatters by about 1/√(2n) of itself; this asks for six times
    as much. Weights that were trained a little can pass for fresh ones.
    """
    a, b = (float(np.sqrt(np.mean(np.square(v.astype(np.float64))))) for v in (own, draws))
    return own.size >= 50 and abs(a - b) > 6 * b / np.sqrt(2 * own.size) + 1e-3 * b
