"""A PyTorch module that trains in a PyTorch loop, as its graph cannot be lowered or proved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.data.arrays import Arrays
from steepest.data.order import Order
from steepest.data.stream import Data
from steepest.records import CallbackRecord, TaskFacts, Trivial
from steepest.tasks.torch.step import Step


@dataclass(frozen=True)
class LoopTask:
    """A module with its loss and data, to be trained by PyTorch alone.

    `initialize(seed)` returns fresh weights, in the order of `weights`, and state, in the order of
    `state`, as NumPy arrays. `weights` are names of `step.named_parameters()`, tied ones once;
    `state` names what does not train, frozen parameters and buffers, and last `RANDOM`, uint32
    `[2]`: what random numbers are drawn from, which is no tensor of the module. `step` is lent: its
    values and modes are handed back as they were.
    """

    facts: TaskFacts
    training: Data
    validation: Data
    test: Data | None
    initialize: Callable[[int], tuple[Arrays, Arrays]]
    step: Step
    weights: tuple[str, ...]
    state: tuple[str, ...]
    order: Order
    why: str  # one sentence: why trials do not train together
    trivial: Callable[[], Trivial | None] | None = None  # as of a `Task`
    optimizer: Any = None  # as of a `Task`
    callbacks: tuple[CallbackRecord, ...] = ()  # as of a `Task`
    wanted: Mapping[str, Any] = field(default_factory=dict)  # as of a `Task`


RANDOM = "random state"  # the last name of `state`
