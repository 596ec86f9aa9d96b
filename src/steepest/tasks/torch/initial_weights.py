"""Initial weights from any seed, drawn by PyTorch itself: by the person's own function that makes
the module, or of an instance by the `reset_parameters` of its layers.

Children are reset before their parents, as `module.apply` does and as they were made: what a parent
does to its children's weights comes last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch import Tensor, nn

from steepest.data.arrays import Arrays
from steepest.errors import TaskError
from steepest.tasks.torch.checks import gist
from steepest.tasks.torch.modules import Given
from steepest.tasks.torch.randomness import lent
from steepest.tasks.torch.step import Step, as_tensor

PREFIX = "module."  # of the names that a `Step` gives to what is the module's


@dataclass(frozen=True)
class Initial:
    """What draws initial values, and what is to be said of them.

    `draw(seed)` returns weights and state in the order of `weights` and `state`, the random state
    of a trial last. `kept` are the values that no seed changes, by name.
    """

    draw: Callable[[int], tuple[Arrays, Arrays]]
    weights: tuple[str, ...]
    state: tuple[str, ...]
    kept: Mapping[str, np.ndarray[Any, Any]]
    notes: tuple[str, ...] = ()


def initial_values(given: Given, step: Step, *, fresh: bool) -> Initial:
    """Return how to draw the initial values of `step`, whose module is the one of `given`.

    With `fresh` from a seed; otherwise they are those that the module has.
    """
    weights = tuple(
        name
        for name, one in step.named_parameters()
        if one.requires_grad and name.startswith(PREFIX)
    )
    every = {**dict(step.named_parameters()), **dict(step.named_buffers())}
    state = tuple(name for name in every if name not in weights)
    fixed = {name: to_array(one) for name, one in every.items()}
    notes: list[str] = []
    kept = set(fixed)
    if fresh and given.make is not None:
        values = _made(given, fixed)
        other = {**fixed, **values(1)}  # those of the loss are always the same
        kept = {n for n in fixed if _same(fixed[n], other[n])}
    elif fresh:
        values = _reset(given.module, fixed)
        drawn = values(0), values(1)
        alone, moved = _alone(given.module, weights), []
        for name in weights:
            first, second = drawn[0][name], drawn[1][name]
            if name in alone and _same(first, fixed[name]) and _same(second, fixed[name]):
                continue
            kept.discard(name)
            if _same(first, second) and not _same(first, fixed[name]):
                moved.append(name)
        notes = _notes([n for n in weights if n in kept], moved)
        kept -= {n for n in state if not all(_same(one[n], fixed[n]) for one in drawn)}
    else:

        def values(_seed: int) -> dict[str, np.ndarray[Any, Any]]:
            return fixed

    def draw(seed: int) -> tuple[Arrays, Arrays]:
        found = {**fixed, **values(seed)}
        key = np.random.SeedSequence(seed).generate_state(2, np.uint32)
        return [found[n] for n in weights], [*(found[n] for n in state), key]

    return Initial(draw, weights, state, {n: fixed[n] for n in fixed if n in kept}, tuple(notes))


def _made(given: Given, like: Mapping[str, Any]) -> Callable[[int], dict[str, Any]]:
    """Return what makes the module from a seed and returns its values by name."""
    shapes = {name: one.shape for name, one in like.items() if name.startswith(PREFIX)}

    def values(seed: int) -> dict[str, np.ndarray[Any, Any]]:
        module = given.fresh(seed)
        every = (*module.named_parameters(), *module.named_buffers())
        found = {PREFIX + name: to_array(one) for name, one in every}
        if {name: one.shape for name, one in found.items()} != shapes:
            raise TaskError(
                f"{given.kind} was made twice with other parameters; a trial is of one module, so "
                "let the function that makes it return the same layers each time"
            )
        return found

    return values


def _reset(module: nn.Module, like: Mapping[str, Any]) -> Callable[[int], dict[str, Any]]:
    """Return what resets the layers of the module from a seed and returns its values by name.

    What is frozen stays, and so do buffers beside it, such as the statistics of a frozen layer.
    """
    every = (*module.named_parameters(), *module.named_buffers())
    own: dict[str, Tensor] = {PREFIX + name: one for name, one in every}
    frozen = _frozen(module)

    def values(seed: int) -> dict[str, np.ndarray[Any, Any]]:
        with lent(seed), torch.no_grad():
            for name, one in own.items():
                one.copy_(as_tensor(like[name]))
            for child in _children_first(module):
                reset = reset_of(child)
                if reset is not None:
                    try:
                        reset()
                    except Exception as error:
                        raise TaskError(
                            f"{type(child).__name__}.reset_parameters fails: {gist(error)}"
                        ) from error
            found = {n: like[n] if n in frozen else to_array(one) for n, one in own.items()}
            for name, one in own.items():
                one.copy_(as_tensor(like[name]))
        return found

    return values


def reset_of(module: nn.Module) -> Callable[[], Any] | None:
    """Return what draws the weights of a layer anew, if it has that."""
    for name in ("reset_parameters", "_reset_parameters"):  # as attention calls it
        found: Callable[[], Any] | None = getattr(module, name, None)
        if callable(found):
            return found
    return None


def _children_first(module: nn.Module) -> list[nn.Module]:
    found: list[nn.Module] = []
    module.apply(found.append)
    return list({id(one): one for one in found}.values())


def _frozen(module: nn.Module) -> set[str]:
    """Return the names of frozen parameters, and of buffers of modules that have no others."""
    found = set()
    for place, child in module.named_modules():
        where = f"{PREFIX}{place}." if place else PREFIX
        mine = dict(child.named_parameters(recurse=False))
        found |= {where + name for name, one in mine.items() if not one.requires_grad}
        if mine and not any(one.requires_grad for one in mine.values()):
            found |= {where + name for name, _ in child.named_buffers(recurse=False)}
    return found


def _alone(module: nn.Module, weights: tuple[str, ...]) -> set[str]:
    """Return the weights whose own module has no `reset_parameters`."""
    found = set()
    for place, child in module.named_modules():
        if reset_of(child) is None:
            where = f"{PREFIX}{place}." if place else PREFIX
            found |= {where + name for name, _ in child.named_parameters(recurse=False)}
    return found & {*weights}


def _notes(kept: list[str], moved: list[str]) -> list[str]:
    notes = []
    if kept:
        listed = ", ".join(name.removeprefix(PREFIX) for name in kept[:5])
        notes.append(
            f"nothing draws {listed}{', ...' if len(kept) > 5 else ''} anew (their module has no "
            "reset_parameters), so every trial starts from the values that they have; give the "
            "class, or a function that makes the module"
        )
    if moved:
        notes.append(
            f"the module's weights are not at their initial values ({moved[0][len(PREFIX) :]}); "
            "every trial starts from fresh ones. For fine-tuning give initial_weights='given'"
        )
    return notes


def _same(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return a.tobytes() == b.tobytes()


def to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return the values of a tensor, wide integers as int32, as an array of its own."""
    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        bits: np.ndarray[Any, Any] = np.array(tensor.contiguous().view(torch.int16).numpy())
        return bits.view(ml_dtypes.bfloat16)
    wide = tensor.dtype is torch.int64
    array: np.ndarray[Any, Any] = np.array(tensor.numpy(), dtype=np.int32 if wide else None)
    return array
