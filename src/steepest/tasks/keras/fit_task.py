"""A Keras model that trains through its own `fit`: on TensorFlow or PyTorch, with a `train_step` of
its own, in float16, or with code that JAX cannot trace.

`fit` works on the model itself, so the model is borrowed for each piece of work (`borrowed`) and is
handed back as it was: weights, optimizer, compiled functions and all.
"""

import contextlib
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Arrays, Batch, Tree
from steepest.data.stream import Data, Stream
from steepest.errors import TaskError
from steepest.records import CallbackRecord, TaskFacts, Trivial
from steepest.tasks.keras.checks import check_fit, check_weights, forgetful, gist, own_step
from steepest.tasks.keras.initial_weights import values_of

BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}  # and their names

# What `fit`, `evaluate` and we set on a model. Losses and metrics are the person's own throughout:
# nothing is compiled anew but the functions that train and test.
_SET = (
    "optimizer",
    "train_function",
    "test_function",
    "stop_training",
    "stop_evaluating",
    "history",
    "_run_eagerly",
    "_jit_compile",
    "_jax_state",
    "_jax_state_synced",
    "_eval_epoch_iterator",
    "stateless_call",
)


@dataclass(frozen=True)
class FitTask:
    """A model with its data, to be trained by `fit` alone.

    `initialize(seed)` returns fresh weights and state, as a `Task` does, in the order of
    `model.trainable_variables` and `model.non_trainable_variables`.
    """

    facts: TaskFacts
    training: Data
    validation: Data
    test: Data | None
    initialize: Callable[[int], tuple[Arrays, Arrays]]
    keras: Any
    model: Any
    why: str  # one sentence: why trials do not train together
    eagerly: bool = False  # whether `fit` can train it only step by step, without compiling
    trivial: Callable[[], Trivial | None] | None = None  # as of a `Task`
    optimizer: Any = None  # as of a `Task`
    callbacks: tuple[CallbackRecord, ...] = ()  # as of a `Task`
    wanted: Mapping[str, Any] = field(default_factory=dict)  # as of a `Task`
    # Callbacks of the person's own: each trial has copies of them.
    own_callbacks: tuple[Any, ...] = ()


def why_fit(keras: Any, model: Any) -> str | None:
    """Return why a model has to train through `fit`, or None where JAX may be able to trace it."""
    backend = keras.backend.backend()
    if backend != "jax":
        return (
            f"Keras runs on {BACKENDS[backend]}, so trials train one at a time through its fit; on "
            "JAX (KERAS_BACKEND=jax) those of an optimizer train in one compiled program, which is "
            "faster"
        )
    method = own_step(keras, model)
    if method:
        return (
            f"{type(model).__name__} has a {method} of its own, so trials train one at a time "
            "through Keras' fit; with what it does in compute_loss or in layers, they would train "
            "in one compiled program, which is faster"
        )
    for layer in model._flatten_layers():
        if "float16" in (layer.compute_dtype, layer.variable_dtype):
            return (
                f"the layer {layer.name} computes in float16, whose loss scaling only fit has, so "
                "trials train one at a time through it; with mixed_bfloat16 or float32 they would "
                "train in one compiled program, which is faster"
            )
    return None


def why_untraceable(error: Exception) -> str:
    return (
        f"JAX cannot trace the model, as its code needs the values of real arrays ({error}), so "
        "trials train one at a time through Keras' fit; written with keras.ops and Keras' layers, "
        "they would train in one compiled program, which is faster"
    )


@contextlib.contextmanager
def borrowed(keras: Any, model: Any) -> Iterator[Any]:
    """Lend the model, and put back what it was: values, optimizer, functions, modes."""
    variables = list({id(v): v for v in (*model.variables, *model.metrics_variables)}.values())
    values = values_of(keras, variables)
    own = vars(model)  # directly, as setting an attribute of a model has effects
    before = {name: own[name] for name in _SET if name in own}
    torch = keras.backend.backend() == "torch"
    modes = [(m, m.training) for m in model.modules()] if torch else []
    if keras.backend.backend() == "jax":
        own["stateless_call"] = forgetful(model)
    try:
        yield model
    finally:
        for name in _SET:
            own.pop(name, None)
        own.update(before)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        for module, training in modes:
            module.training = training


def prepare(keras: Any, model: Any, first: Batch, parts: Mapping[str, Batch]) -> Tree:
    """Build the model where it was not, and check that it and the data fit each other.

    Returned is what it makes of a batch; None where it trains by a step of its own.

    Raises:
        TaskError: they do not.
    """
    made: dict[str, tuple[Tree, bool]] = {}

    def call(x: Tree) -> tuple[Tree, bool]:
        """Call the model once for each kind of x."""
        key = str(arrays.shapes((x, None, None)))
        if key not in made:
            output = model(_tensors(keras, x))
            made[key] = output, bool(model.losses)
        return made[key]

    output = None
    with borrowed(keras, model):
        _build(keras, model, first)
        if own_step(keras, model) is None:  # else loss and labels are what its step makes of them
            size = arrays.size(first)
            outputs = [
                check_fit(keras, model, batch, prefix, call, size)
                for prefix, batch in parts.items()
            ]
            output = outputs[0]
    check_weights(model)
    return output


def outputs_at(keras: Any, model: Any, x: Tree, values: tuple[Arrays, Arrays]) -> Tree:
    """Return what the model gives for a batch `x`, at weights and state, as NumPy arrays."""
    with borrowed(keras, model):
        variables = (*model.trainable_variables, *model.non_trainable_variables)
        for variable, value in zip(variables, (*values[0], *values[1]), strict=True):
            variable.assign(value)
        output = model(_tensors(keras, x))
        return arrays.map_arrays(lambda _, a: keras.ops.convert_to_numpy(a), output, "output")


def _build(keras: Any, model: Any, first: Batch) -> None:
    x, y, sample_weight = first
    try:
        model._symbolic_build(data_batch=first)
        return
    except Exception as error:  # what cannot be traced may still run
        said = error
    try:
        output = model(_tensors(keras, x))
    except Exception as error:
        if all(layer.built for layer in model._flatten_layers()):
            return  # it may have no call of its own; fit will show
        raise TaskError(f"the model and the data do not fit each other: {gist(error)}") from said
    # Losses and metrics that this cannot build are built, or complained of, by fit.
    with contextlib.suppress(Exception):
        model.compute_metrics(_tensors(keras, x), y, output, sample_weight)
        model.compute_loss(_tensors(keras, x), y, output, sample_weight)


def _tensors(keras: Any, x: Tree) -> Tree:
    return arrays.map_arrays(lambda _, a: keras.ops.convert_to_tensor(a), x, "x")


def set_up(model: Any, optimizer: Any, eagerly: bool) -> None:
    """Give a borrowed model an optimizer, and functions that are yet to be compiled for it."""
    own = vars(model)
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    own.update(optimizer=optimizer, train_function=None, test_function=None)
    if eagerly:
        own.update(_run_eagerly=True, _jit_compile=False)


def train(
    model: Any,
    data: Data,
    batch_size: int,
    callbacks: Any = None,
    at: tuple[int, int] = (0, 0),
) -> Mapping[str, Any]:
    """Train an epoch, in the given order; return what `fit` tells of it.

    Of a stream, read for the seed and the epoch in `at`.
    """
    steps = {"steps_per_epoch": data.steps} if isinstance(data, Stream) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once an epoch, and to nobody
        done = model.fit(
            **_given(data, batch_size, at), **steps, shuffle=False, verbose=0, callbacks=callbacks
        )
    return {name: values[-1] for name, values in done.history.items()}


def measure(model: Any, data: Data, batch_size: int, callbacks: Any = None) -> Mapping[str, Any]:
    """Return what `evaluate` tells of all examples of `data`."""
    steps = {"steps": data.steps} if isinstance(data, Stream) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Mapping[str, Any] = model.evaluate(
            **_given(data, batch_size, (0, 0)),
            **steps,
            verbose=0,
            return_dict=True,
            callbacks=callbacks,
        )
    return found


def _given(data: Data, batch_size: int, at: tuple[int, int]) -> dict[str, Any]:
    """Return data as Keras takes it."""
    if isinstance(data, Stream):
        return {"x": (_without_nothing(batch) for batch in data.read(*at))}
    x, y, sample_weight = data
    given = {"x": _texts(x), "y": _texts(y)}
    return {**given, "sample_weight": sample_weight, "batch_size": batch_size}


def _texts(tree: Tree) -> Tree:
    """Return arrays of text as TensorFlow's, as Keras takes text of one dimension alone."""

    def one(_: str, array: Any) -> Any:
        if array.dtype.kind != "O":
            return array
        return importlib.import_module("tensorflow").convert_to_tensor(array, dtype="string")

    return arrays.map_arrays(one, tree, "")


def _without_nothing(batch: Batch) -> tuple[Tree, ...]:
    """Return `(x, y, sample_weight)` without what is None at its end."""
    while batch[-1] is None:
        batch = batch[:-1]  # type: ignore[assignment]
    return tuple(map(_texts, batch))


def told(values: Mapping[str, Any], where: str, method: str | None = None) -> float:
    """Return the loss among what `fit` or `evaluate` tells.

    Raises:
        TaskError: there is none, or it is not one number.
    """
    if "loss" not in values:
        step = "train_step" if where == "fit" else "test_step"
        raise TaskError(
            f"{where} tells no loss, but {', '.join(values) or 'nothing'}; let "
            f"{step if method else 'the model'} return it as 'loss'"
        )
    if np.ndim(values["loss"]):
        raise TaskError(
            f"the loss that {where} tells has shape {np.shape(values['loss'])}, but must be one "
            "number"
        )
    return float(values["loss"])
