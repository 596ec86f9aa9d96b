"""What an optimizer of PyTorch remembers, as a flat list of arrays that is the same for all members
of a program, whatever they have done so far.

PyTorch makes the state of a weight when the weight first has a gradient, and leaves out what a
number makes needless, such as the buffer of a momentum of 0. So for each array there is room, and
whether it is there is noted beside it:

    optimizer's arrays … │ which are there │ gradients … │ which … │ averages … │ how many updates
                                            └─ accumulation ─────┘ └─ averaged weights ──────────┘

Learning rates are not among them: they follow from the number of steps.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import torch
from torch import Tensor

from steepest.engines.torch_loop.optimizers import Optimizers, Ready, averages_of
from steepest.engines.torch_loop.tensors import fill, to_array
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules import find_rule
from steepest.tasks.torch.loop_task import LoopTask

Arrays = list[np.ndarray[Any, Any]]


@dataclass(frozen=True)
class _Like:
    """A tensor without its values."""

    layout: Tensor  # on the device "meta"
    device: torch.device

    def zeros(self) -> np.ndarray[Any, Any]:
        return to_array(torch.zeros_like(self.layout, device="cpu"))

    def made(self, array: np.ndarray[Any, Any]) -> Tensor:
        tensor = torch.empty_like(self.layout, device=self.device)
        fill(tensor, array)
        return tensor


@dataclass(frozen=True)
class _Slot:
    """What an optimizer remembers of one weight under one key: tensors or numbers, nested."""

    weight: int
    key: str
    form: Any  # how they are nested, as JAX says it
    like: tuple[Any, ...]  # `_Like` of a tensor, or the type of a number

    def zeros(self) -> Arrays:
        """Return arrays that stand for what is not there."""
        return [
            one.zeros() if isinstance(one, _Like) else np.zeros((), _number(one))
            for one in self.like
        ]

    def take(self, value: Any) -> Arrays:
        """Return what is remembered."""
        leaves = jax.tree.leaves(value)
        return [
            to_array(leaf) if isinstance(one, _Like) else np.array(leaf, _number(one))
            for leaf, one in zip(leaves, self.like, strict=True)
        ]

    def made(self, arrays: Arrays) -> Any:
        """Return what `take` was given."""
        leaves = [
            one.made(array) if isinstance(one, _Like) else one(array)
            for array, one in zip(arrays, self.like, strict=True)
        ]
        return jax.tree.unflatten(self.form, leaves)


class Memories:
    """Takes what optimizers remember out of them, and puts it back."""

    def __init__(self, optimizers: Optimizers, task: LoopTask) -> None:
        self.optimizers = optimizers
        self.names = task.weights
        self._slots: dict[Any, tuple[_Slot, ...]] = {}

    def take(self, config: Config, ready: Ready, weights: Sequence[Tensor]) -> Arrays:
        """Return what there is to remember after a batch."""
        slots = self._of(config, weights)
        state = [ready.optimizer.state.get(weight, {}) for weight in weights]
        there = np.array([slot.key in state[slot.weight] for slot in slots], bool)
        arrays: Arrays = []
        for slot, is_there in zip(slots, there, strict=True):
            arrays += slot.take(state[slot.weight][slot.key]) if is_there else slot.zeros()
        arrays.append(there)
        if ready.accumulates:
            grads = [weight.grad for weight in weights]
            arrays += [
                to_array(torch.zeros_like(weight) if grad is None else grad)
                for weight, grad in zip(weights, grads, strict=True)
            ]
            arrays.append(np.array([grad is not None for grad in grads], bool))
        if ready.average is not None:
            averages = averages_of(ready.average)
            arrays += [to_array(averages[n]) for n in self.names if n in averages]
            arrays.append(to_array(ready.average.n_averaged))
        return arrays

    def put(
        self, config: Config, ready: Ready, weights: Sequence[Tensor], memory: Sequence[Any]
    ) -> None:
        """Let a fresh optimizer remember that."""
        left = iter([np.asarray(array) for array in memory])
        slots = self._of(config, weights)
        arrays = [[next(left) for _ in slot.like] for slot in slots]
        state: list[dict[str, Any]] = [{} for _ in weights]
        for slot, own, is_there in zip(slots, arrays, next(left), strict=True):
            if is_there:
                state[slot.weight][slot.key] = slot.made(own)
        for weight, one in zip(weights, state, strict=True):
            ready.optimizer.state.pop(weight, None)
            if one:
                ready.optimizer.state[weight] = one
        if ready.accumulates:
            grads = [next(left) for _ in weights]
            for weight, grad, is_there in zip(weights, grads, next(left), strict=True):
                weight.grad = torch.empty_like(weight) if is_there else None
                if weight.grad is not None:
                    fill(weight.grad, grad)
        if ready.average is not None:
            averages = averages_of(ready.average)
            for name in self.names:
                if name in averages:
                    fill(averages[name], next(left))
            fill(ready.average.n_averaged, next(left))

    def _of(self, config: Config, weights: Sequence[Tensor]) -> tuple[_Slot, ...]:
        """Return what the optimizers of a program remember, by a step that is thrown away."""
        choices = tuple(sorted(config.choices.items()))
        kind = (
            config.rule,
            config.dialect,
            config.schedule,
            choices,
            tuple(sorted(config.numbers)),
        )
        if kind not in self._slots:
            with _kept(weights):
                ready = self.optimizers.make(_without_zeros(config))
                for weight in weights:
                    weight.grad = torch.zeros_like(weight)
                ready.optimizer.step()
                self._slots[kind] = tuple(_slots(ready.optimizer, weights))
                ready.close()
        return self._slots[kind]


def _slots(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor]) -> Iterator[_Slot]:
    for number, weight in enumerate(weights):
        for key, value in optimizer.state.get(weight, {}).items():
            leaves, form = jax.tree.flatten(value)
            like = [
                _Like(torch.empty_like(one, device="meta"), one.device)
                if isinstance(one, Tensor)
                else type(one)
                for one in leaves
            ]
            yield _Slot(number, key, form, tuple(like))


@contextlib.contextmanager
def _kept(weights: Sequence[Tensor]) -> Iterator[None]:
    """Put values and gradients of weights back."""
    before = [(weight, weight.detach().clone(), weight.grad) for weight in weights]
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, value, grad in before:
                weight.copy_(value)
                weight.grad = grad


def _without_zeros(config: Config) -> Config:
    """Return the configuration with other numbers for those that are 0, which may leave out what
    other members of the program remember."""
    changed = dict(config.hyperparameters)
    rule = find_rule(config.rule)
    for name in [name for name, value in config.numbers.items() if value == 0]:
        with contextlib.suppress(InputError):
            changed[name] = rule.check(name, 0.5)
    return replace(config, hyperparameters=changed)


def _number(kind: type) -> Any:
    return {bool: np.bool_, int: np.int64, float: np.float64}[kind]
