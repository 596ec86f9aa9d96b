"""Task: what is being trained, as pure functions and arrays.

Engines see nothing else of a model, so whatever can be said in these functions can be tuned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.data.arrays import Arrays, Batch, Scalar
from steepest.data.order import Order
from steepest.data.stream import Data
from steepest.records import CallbackRecord, TaskFacts, Trivial


@dataclass(frozen=True)
class Task:
    """A model with its loss and its data, arrays or streams.

    `initialize(seed)` returns fresh weights and state (batch statistics, random streams), each a
    flat list of NumPy arrays. The other functions can be traced and differentiated:

    - `loss(weights, state, batch)` → a scalar loss in training mode, and the new state;
    - `constrain(weights)` → the weights after the model's own constraints, applied each step;
    - `measure(weights, state, totals, batch)` → the new state, and `totals` with one more batch in
      evaluation mode;
    - `summarize(totals)` → the loss, as "loss", and each metric, as scalars.

    `totals` is what `measure` starts from. `trivial`, where it is known, returns what the trivial
    predictor reaches (`tasks/keras/trivial.py`). `optimizer` is Keras' object that the model was
    compiled with. `order` draws the order of examples, where it is not that of `data/order.py`.
    `callbacks` are what stops trials, or sets their learning rates, between epochs. `wanted` is
    what a task file says of its studies: a schedule, groups.
    """

    facts: TaskFacts
    training: Data
    validation: Data
    test: Data | None
    initialize: Callable[[int], tuple[Arrays, Arrays]]
    loss: Callable[[Arrays, Arrays, Batch], tuple[Scalar, Arrays]]
    constrain: Callable[[Arrays], Arrays]
    measure: Callable[[Arrays, Arrays, Any, Batch], tuple[Arrays, Any]]
    summarize: Callable[[Any], dict[str, Scalar]]
    totals: Any
    trivial: Callable[[], Trivial | None] | None = None
    optimizer: Any = None
    order: Order | None = None
    callbacks: tuple[CallbackRecord, ...] = ()
    wanted: Mapping[str, Any] = field(default_factory=dict)
