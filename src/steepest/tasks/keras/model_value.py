"""A compiled Keras model as a value: its configuration as JSON and its variables as arrays."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from steepest.errors import TaskError, in_one_line
from steepest.tasks.keras.task import load_keras

INSTEAD = (
    "put the model and its data into a task file, and run steepest compare my_task.py --workers 4"
)


def model_value(model: Any) -> dict[str, Any]:
    """Return what `model_of` makes the model of again, in any process.

    Raises:
        TaskError: it has code of its own that another process would not find.
    """
    keras = load_keras()
    try:
        text = json.dumps(keras.saving.serialize_keras_object(model))
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise TaskError(
            f"the model cannot be sent to another process ({in_one_line(str(error))[:160]}); "
            f"{INSTEAD}"
        ) from error
    own = next(_own_code(json.loads(text)), None)
    if own is not None:
        raise TaskError(f"the model uses {own}, which another process would not find; {INSTEAD}")
    return {"config": text, "variables": [np.asarray(v) for v in model.variables]}


def model_of(value: Mapping[str, Any]) -> Any:
    """Return the compiled model that `model_value` was given.

    Raises:
        TaskError: this process cannot make it.
    """
    keras = load_keras()
    try:
        model = keras.saving.deserialize_keras_object(json.loads(value["config"]))
    except Exception as error:  # Keras raises whatever a layer does
        raise TaskError(
            f"a worker cannot make the model from its configuration "
            f"({in_one_line(str(error))[:160]}); {INSTEAD}"
        ) from error
    variables = value["variables"]
    if [tuple(v.shape) for v in model.variables] != [v.shape for v in variables]:
        raise TaskError(
            f"a worker made another model from its configuration, with other variables; {INSTEAD}"
        )
    for variable, array in zip(model.variables, variables, strict=True):
        variable.assign(array)
    return model


def _own_code(value: Any) -> Iterator[str]:
    """Yield the classes and functions in a configuration that are not Keras' own."""
    if isinstance(value, Mapping):
        name = value.get("class_name")
        if name == "__lambda__":
            yield "a lambda"
        elif "registered_name" in value and not str(value.get("module")).startswith("keras"):
            yield str(value.get("config") if name == "function" else name)
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _own_code(one)
