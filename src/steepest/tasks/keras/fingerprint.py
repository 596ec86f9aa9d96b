"""Digests of a model and its data: a study is resumed only with the same ones.

Keras names layers by how many were made before, so names are left out, and so are seeds, which a
study sets itself. What a person wrote is told by its bytecode, see `digests`. Changed attributes of
a person's own objects are seen where `get_config`, a constructor's argument or code tells of them.
"""

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.data.stream import Data
from steepest.hashing import Reader, digest, digest_array, is_own
from steepest.tasks.data_digest import digest_data
from steepest.tasks.keras.initial_weights import Initial, Origin

# In a configuration: what is in other places of the digest, has automatic names, or is drawn.
_LEFT_OUT = {
    *("layers", "input_layers", "output_layers", "build_input_shape", "build_config"),
    *("compile_config", "inbound_nodes", "module", "registered_name", "seed"),
}
# What Keras sets on layers and models, on the way or to compile them.
_MADE = {
    *("train_function", "test_function", "predict_function", "build", "quantize"),
    *("loss", "optimizer"),
}


def fingerprint(
    keras: Any,
    model: Any,
    data: tuple[Data, Data, Data | None],
    drawn: Mapping[int, Initial],
    *,
    given: bool,
    class_weight: Mapping[Any, Any] | None = None,
) -> dict[str, str]:
    """Return a digest of each part of a task, the same in every process where the part is.

    - "model": classes, configurations, how layers are tied, code of a person's own methods, the
      shapes and types of weights. The model must be built.
    - "compile": the loss, its weights and the metrics, with configurations and own code.
    - "initial weights": of a model whose trials start from the given ones. Without, "kept weights":
      those that are no trial's own draw, such as of frozen layers and adapted ones, if any.
    - "training data", "validation data", "test data": x, y and sample weights. Arrays in memory by
      all values; arrays on disk that stay there by shape, type and up to 1,000 rows evenly apart;
      streams by their type, the number of batches, and the first batch's types and shapes alone, as
      some shuffle. So other values in a stream are not noticed.
    - "backend": no digest but its name, the type of floats and the policy, such as "jax float32".
    """
    policy = keras.config.dtype_policy().name
    named = [keras.backend.backend(), keras.config.floatx()]
    found = {
        "model": _model(keras, model),
        "compile": _compiled(keras, model),
        "backend": " ".join(named if policy == named[1] else [*named, policy]),
    }
    origins = (Origin.KEPT, Origin.PERMUTED)
    kept = [one for one in drawn.values() if one.origin in origins]
    if given or kept:
        values = [digest_array(one.draw(0)) for one in kept]
        found["initial weights" if given else "kept weights"] = digest(*values)
    for name, part in zip(("training data", "validation data", "test data"), data, strict=True):
        if part is not None:
            weights = class_weight if name == "training data" else None
            found[name] = digest_data(part, weights, lengths_vary=_lengths_vary(model))
    return found


def _model(keras: Any, model: Any) -> str:
    shapes = [
        (tuple(v.shape), str(v.dtype), bool(v.trainable))
        for v in model.variables
        if not v.path.endswith("seed_generator_state")  # whose type is the backend's
    ]
    return _read(keras, [model, shapes], otherwise=shapes)


def _compiled(keras: Any, model: Any) -> str:
    losses = getattr(model, "_compile_loss", None)
    metrics = getattr(model, "_compile_metrics", None)
    asked = [
        getattr(losses, "_user_loss", model.loss),
        getattr(losses, "_user_loss_weights", None),
        getattr(metrics, "_user_metrics", None),
        getattr(metrics, "_user_weighted_metrics", None),
    ]
    return _read(keras, asked, otherwise=[])


def _read(keras: Any, things: Any, otherwise: Any) -> str:
    try:
        return digest(Reader(lambda thing: _special(keras, thing)).read(things))
    except Exception:  # a person's own things may fail in any way when they are looked at
        return digest(Reader().read(otherwise))


def _special(keras: Any, thing: Any) -> Any:
    """Return what matters of a layer, a loss or another thing of Keras, and else the thing."""
    if isinstance(thing, type | Mapping | np.ndarray):
        return thing
    if isinstance(thing, keras.Operation):
        children = getattr(thing, "_layers", None) or ()
        return (
            _parts(thing),
            _graph(keras, thing),
            [one for one in children if not isinstance(one, keras.metrics.Metric)],
        )
    return _parts(thing) if hasattr(thing, "get_config") else thing


def _parts(thing: Any) -> tuple[Any, ...]:
    """Return class and configuration of a thing of Keras, and what code it was given."""
    own = {
        name: value
        for name, value in vars(thing).items()
        if name not in _MADE
        and (
            (inspect.isroutine(value) and is_own(inspect.unwrap(value)))
            or (hasattr(value, "get_config") and is_own(type(value)) and not name.startswith("_"))
        )
    }
    return type(thing), _config(thing), own


def _config(thing: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = thing.get_config()
    except Exception:  # a person's own class may have none, or one that fails
        config = _arguments(thing)
    return _clean(config, named="Policy" in type(thing).__name__)


def _arguments(thing: Any) -> dict[str, Any]:
    """Return the attributes of the names that the constructor takes, as far as there are any."""
    try:
        names = inspect.signature(type(thing).__init__).parameters
    except (TypeError, ValueError):
        return {}
    # Layers that were given are told as the parts of this one.
    found = {name: vars(thing)[name] for name in names if name in vars(thing)}
    return {name: value for name, value in found.items() if not hasattr(value, "_layers")}


def _clean(config: Any, named: bool) -> Any:
    """Return a configuration without what changes from one making to the next."""
    if isinstance(config, list | tuple):
        return [_clean(one, named=True) for one in config]
    if not isinstance(config, Mapping):
        return config
    if config.get("class_name") == "__lambda__":  # its bytes are of one process alone
        return "lambda"
    if "class_name" in config and "config" in config:
        kind = config["class_name"]
        return [kind, _clean(config["config"], named="Policy" in str(kind))]
    return {
        key: _clean(value, named=True)
        for key, value in config.items()
        if key not in _LEFT_OUT and (named or key != "name")
    }


def _graph(keras: Any, model: Any) -> list[Any]:
    """Return how the layers of a functional model are tied: who gets whose output."""
    levels = getattr(model, "_nodes_by_depth", None)
    if not levels:
        return []
    known: dict[int, int] = {}  # tensors by their number

    def tied(tree: Any) -> Any:
        if isinstance(tree, list | tuple):
            return [tied(one) for one in tree]
        if isinstance(tree, Mapping):
            return {key: tied(one) for key, one in tree.items()}
        return ("tensor", known.get(id(tree))) if isinstance(tree, keras.KerasTensor) else tree

    for one in model.inputs:
        known[id(one)] = len(known)
    found: list[Any] = []
    for depth in sorted(levels, reverse=True):
        for node in levels[depth]:
            said = [tied(node.arguments.args), tied(node.arguments.kwargs)]
            for one in node.outputs:
                known.setdefault(id(one), len(known))
            found.append([node.operation, *said, [known[id(one)] for one in node.outputs]])
    ends = [tied(getattr(model, name, None)) for name in ("_inputs_struct", "_outputs_struct")]
    return [*found, *ends]


def _lengths_vary(model: Any) -> bool:
    """Whether batches may be of several shapes, as far as the model tells."""
    try:
        return any(None in tuple(one.shape)[1:] for one in model.inputs)
    except (AttributeError, TypeError, ValueError):
        return True
