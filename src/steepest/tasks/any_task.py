"""A task of a person's own model, whichever framework it is of: Keras or PyTorch."""

import functools
import importlib.util
import inspect
from typing import Any

from steepest.errors import InputError
from steepest.tasks.torch_kinds import is_torch

MISSING = 'PyTorch is not installed; run pip install "steepest[torch]"'


def is_of_torch(model: Any) -> bool:
    """Whether a model is PyTorch's: a module, its class, or a function that makes one.

    Every function and class that is not Keras' is taken for PyTorch's, as Keras models are given
    compiled.
    """
    if isinstance(model, type):
        return not is_keras(model)
    return is_torch(model) or inspect.isroutine(model) or isinstance(model, functools.partial)


def is_keras(model: Any) -> bool:
    """Whether a model, or a class of models, is Keras'; told without importing Keras."""
    kind = model if isinstance(model, type) else type(model)
    return any(str(base.__module__).split(".")[0] == "keras" for base in kind.__mro__)


def any_task(model: Any, x: Any, y: Any = None, **given: Any) -> Any:
    """Return the task of a model and its data; the arguments are those of its own framework.

    Raises:
        InputError: PyTorch is not installed.
        TaskError: the model, the data or the two together cannot be trained.
    """
    if not is_of_torch(model):
        from steepest.tasks.keras.task import keras_task

        return keras_task(model, x, y, **given)
    if importlib.util.find_spec("torch") is None:
        raise InputError(f"a function that makes a model is for PyTorch, but {MISSING}")
    from steepest.tasks.torch.task import torch_task

    return torch_task(model, x, y, **given)
