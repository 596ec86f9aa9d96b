"""Task: what is being trained, as pure functions and arrays.

Engines see nothing else of a model, so whatever can be said in these functions can be tuned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from steepest.records import TaskFacts

if TYPE_CHECKING:  # which is made of the names below
    from steepest.tasks.stream import Data

Arrays = list[Any]  # a flat list of arrays
Tree = Any  # an array, or nested tuples, lists and dictionaries of arrays, or None
Batch = tuple[Tree, Tree, Tree]  # x, y, sample_weight; every array is [examples, ...]


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

    `totals` is what `measure` starts from.
    """

    facts: TaskFacts
    training: "Data"
    validation: "Data"
    test: "Data | None"
    initialize: Callable[[int], tuple[Arrays, Arrays]]
    loss: Callable[[Arrays, Arrays, Batch], tuple[Any, Arrays]]
    constrain: Callable[[Arrays], Arrays]
    measure: Callable[[Arrays, Arrays, Any, Batch], tuple[Arrays, Any]]
    summarize: Callable[[Any], dict[str, Any]]
    totals: Any
