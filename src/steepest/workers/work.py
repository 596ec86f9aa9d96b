"""What workers train, as a value: a task by its name, or a Keras model with its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steepest.errors import InputError
from steepest.tasks.any_task import is_of_torch
from steepest.tasks.callbacks import ARGUMENTS, as_text, sort_callbacks
from steepest.tasks.keras.model_value import INSTEAD, model_of, model_value
from steepest.tasks.keras.task import keras_task
from steepest.tasks.load import load_task
from steepest.workers.wire import pack, unpack


@dataclass(frozen=True)
class Work:
    """A task that any process can build: plain values and arrays, and nothing of code."""

    value: Mapping[str, Any]

    @classmethod
    def named(cls, name: str, epochs: int | None = None, batch_size: int | None = None) -> "Work":
        """Return the task that the command line calls so: built in, a file or a function."""
        asked = {"epochs": epochs, "batch_size": batch_size}
        return cls({"name": name, "asked": asked, "directory": str(Path.cwd())})

    @classmethod
    def of_model(cls, model: Any, x: Any, y: Any, given: Mapping[str, Any]) -> "Work":
        """Return a Keras model with its data; `given` has the other arguments of `keras_task`.

        Raises:
            InputError: the model or its data cannot be sent.
        """
        if is_of_torch(model):
            raise InputError(
                "a PyTorch module and its loaders cannot be sent to other processes; put them into "
                "a task file, and run steepest compare my_task.py --workers 4"
            )
        given = {**given, "callbacks": _texts(given.get("callbacks"))}
        data = {n: _plain(n, value) for n, value in {"x": x, "y": y, **given}.items()}
        return cls({"model": model_value(model), "arguments": data})

    def to_bytes(self) -> bytes:
        """Return it as bytes."""
        return pack(self.value)

    @classmethod
    def from_bytes(cls, data: Any) -> "Work":
        """Return what these bytes are; arrays are read where they lie."""
        return cls(unpack(data, copy=False))

    def build(self) -> Any:
        """Return the task.

        Raises:
            InputError: this process cannot build it.
        """
        if "name" in self.value:
            return load_task(self._found(self.value["name"]), **self.value["asked"])
        return keras_task(model_of(self.value["model"]), **self.value["arguments"])

    def _found(self, name: str) -> str:
        """Return a task file as this process finds it: from here, or from where the driver is."""
        there = Path(self.value["directory"], name)
        file = name.partition(":")[0]
        if file.endswith(".py") and not Path(file).exists():
            return str(there)
        return name


def _texts(callbacks: Any) -> list[str]:
    """Return callbacks as texts, which every process reads.

    Raises:
        InputError: one of them is code.
    """
    asked = sort_callbacks(callbacks)
    code = [type(one).__name__ for one in asked.own]
    code += [kind for kind, _ in asked.known if kind not in ARGUMENTS]
    if code:
        raise InputError(
            f"callbacks has {code[0]}, which is code and cannot be sent to other processes; put "
            "the model and its callbacks into a task file, and run steepest compare my_task.py "
            "--workers 4"
        )
    return [as_text(kind, arguments) for kind, arguments in asked.known]


def _plain(name: str, value: Any) -> Any:
    """Return an argument as plain values and arrays.

    Raises:
        InputError: it is neither.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return type(value)(_plain(name, one) for one in value)
    if isinstance(value, Mapping):
        return {key: _plain(name, one) for key, one in value.items()}
    whole = isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.memmap)
    if whole and not value.dtype.hasobject:
        return value
    raise InputError(
        f"{name} has a {type(value).__name__}, but only NumPy's arrays in memory are sent to "
        f"workers; {INSTEAD}"
    )
