"""Digests of a module and its data: a study is resumed only with the same ones.

What a person wrote is told by its bytecode (`steepest.hashing`), the layers of PyTorch by their
classes and settings. Where files lie, comments and docstrings do not matter.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steepest.data.stream import Data
from steepest.hashing import Reader, digest, digest_array
from steepest.tasks.data_digest import digest_data
from steepest.tasks.torch.gathered import STEPS, gathers
from steepest.tasks.torch.step import Step

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype)


def fingerprint(
    step: Step,
    make: Callable[[], Any] | None,
    data: tuple[Data, Data, Data | None],
    kept: Mapping[str, np.ndarray[Any, Any]],
    *,
    given: bool,
) -> dict[str, str]:
    """Return a digest of each part of a task, the same in every process where the part is.

    - "model": classes, settings and code of modules, the function that makes them, the shapes and
      types of parameters and buffers, and what is frozen or kept in evaluation.
    - "compile": the loss, the step and the metrics, with settings and own code.
    - "initial weights" of trials that start from given ones; without, "kept weights": those that
      no seed changes, such as frozen and pretrained ones, if any.
    - "training data", "validation data", "test data": as `steepest.tasks.data_digest` tells them.
    - "backend": no digest, but "torch float32".
    """
    every = [*step.module.named_parameters(), *step.module.named_buffers()]
    shapes = [(n, tuple(one.shape), str(one.dtype), one.requires_grad) for n, one in every]
    found = {
        "model": _read([step.module, make, shapes], otherwise=shapes),
        "compile": _read([step.loss, step.own.value, step.metrics.value, step.names], None),
        "backend": "torch float32",
    }
    if given or kept:
        values = [(name, digest_array(one)) for name, one in sorted(kept.items())]
        found["initial weights" if given else "kept weights"] = digest(*values)
    for name, part in zip(("training data", "validation data", "test data"), data, strict=True):
        if part is not None:
            found[name] = digest_data(part, lengths_vary=True)
    return found


def _read(things: Any, otherwise: Any) -> str:
    try:
        return digest(Reader(_special).read(things))
    except Exception:  # a person's own things may fail in any way when they are looked at
        return digest(Reader().read(otherwise))


def _special(thing: Any) -> Any:
    """Return what matters of a module, and else the thing."""
    if isinstance(thing, torch.dtype | torch.device):
        return str(thing)
    if isinstance(thing, Tensor):
        return ("tensor", tuple(thing.shape), str(thing.dtype))
    if not isinstance(thing, nn.Module):
        return thing
    parts = list(thing.named_children())
    around = STEPS if gathers(thing) else ()  # methods that torchmetrics wraps for each object
    own = {
        name: value
        for name, value in vars(thing).items()
        if not name.startswith("_") and name not in around and _is_setting(value)
    }
    return (type(thing), own, parts)


def _is_setting(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_setting, value))
    if isinstance(value, Mapping):
        return all(map(_is_setting, value.values()))
    return isinstance(value, _PLAIN) or (callable(value) and not isinstance(value, nn.Module))
