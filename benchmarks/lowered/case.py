"""Case: a model, its loss and a batch, and what becomes of it."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

CLASSES = 10


class Step(nn.Module):
    """A module whose output is the loss, as the product makes one of a model (`tasks/torch`)."""

    def __init__(self, module: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.module = module
        self.loss = loss

    def forward(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        return (self.loss(self.module, *leaves),)


@dataclass(frozen=True)
class Case:
    """A model with random data: `make` returns the module, its loss, and a batch's leaves.

    The loss is a function of the module and the leaves.
    """

    name: str
    source: str
    make: Callable[[], tuple[nn.Module, Callable[..., Tensor], tuple[Tensor, ...]]]


@dataclass(frozen=True)
class Found:
    """What became of a case: `why` is empty where it was lowered and proved."""

    name: str
    source: str
    parameters: int
    operations: int
    seconds: float
    why: str


def tried(case: Case, limit: int) -> Found:
    """Return whether the case is lowered in training and in evaluation, and proved on its batch."""
    from steepest.tasks.torch.lowering.graph import capture
    from steepest.tasks.torch.lowering.verify import prove

    torch.manual_seed(0)
    begun, parameters, operations, why = time.perf_counter(), 0, 0, ""
    try:
        with _within(limit):
            module, loss, leaves = case.make()
            parameters = sum(p.numel() for p in module.parameters())
            step = Step(module, loss)
            graphs = [capture(step.train(mode), leaves) for mode in (True, False)]
            operations = len({call.name for graph in graphs for call in graph.calls})
            prove(step, *graphs, [leaves])
    except Exception as error:  # whatever it is, the loop trains the model
        why = f"{type(error).__name__}: {error}".replace("\n", " ")
    seconds = time.perf_counter() - begun
    return Found(case.name, case.source, parameters, operations, seconds, why)


@contextlib.contextmanager
def _within(limit: int) -> Iterator[None]:
    def end(*_: Any) -> None:
        raise TimeoutError(f"not done after {limit} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def classified(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of a classifier's logits `[examples, classes]`."""
    return nn.functional.cross_entropy(module(x), y)


def classes(count: int = 4, among: int = CLASSES) -> Tensor:
    """Return random labels."""
    return torch.randint(among, (count,))
