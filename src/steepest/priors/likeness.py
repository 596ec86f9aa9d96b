"""How near a task is to those of the atlas: by the kind of its model, its goal and its size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from steepest.priors.atlas import AtlasTask
from steepest.records import Parameter, TaskFacts

DENSE, CONVOLUTIONAL, RECURRENT, ATTENTION = (
    "dense network",
    "convolutional network",
    "recurrent network",
    "transformer",
)
KINDS = (DENSE, CONVOLUTIONAL, RECURRENT, ATTENTION)
CLASSES, NUMBERS, AGAIN = "classification", "regression", "reconstruction"
GOALS = (CLASSES, NUMBERS, AGAIN)
OTHER_KIND, OTHER_GOAL = 1.0, 0.5  # what these add to the distance
A_DECADE = 0.5  # and what a factor of ten does, of weights or of steps
FEWEST = 8  # outputs of what reconstructs


@dataclass(frozen=True)
class Shape:
    """What is known of a task before training: what decides which tasks are like it."""

    kind: str
    goal: str
    parameters: int
    steps: int


def shape_of(facts: TaskFacts) -> Shape:
    """Return what a task is, by its weights and its loss."""
    return Shape(
        kind_of(facts.weights), goal_of(facts.loss, facts.weights), facts.parameters, facts.steps
    )


def kind_of(weights: Sequence[Parameter]) -> str:
    """Return the kind of a model, by the names and shapes of its weights."""
    paths = [one.path.lower() for one in weights]
    if any(word in path for path in paths for word in ("attention", "attn", "transformer")):
        return ATTENTION
    if any(word in path for path in paths for word in ("lstm", "gru", "rnn", "recurrent")):
        return RECURRENT
    if any(one.role == "kernel" and len(one.shape) in (3, 4, 5) for one in weights):
        return CONVOLUTIONAL
    return DENSE


def goal_of(loss: str, weights: Sequence[Parameter]) -> str:
    """Return what a model is trained for, by its loss and its first and last kernel."""
    shapes = [one.shape for one in weights if one.role in ("kernel", "head")]
    if len(shapes) > 1 and all(len(shape) == 2 for shape in shapes):
        into, out = _ends([(shape[0], shape[1]) for shape in shapes])
        if into == out >= FEWEST and not _of_classes(loss, strict=True):
            return AGAIN
    return CLASSES if _of_classes(loss) else NUMBERS


def _ends(shapes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return inputs and outputs of a chain of matrices, as Keras has them or turned as PyTorch."""
    if all(one[1] == after[0] for one, after in pairwise(shapes)):
        return shapes[0][0], shapes[-1][1]
    return shapes[0][1], shapes[-1][0]


def _of_classes(loss: str, strict: bool = False) -> bool:
    word = loss.lower().replace("_", "")
    many = ("categorical", "crossentropyloss", "nll", "multimargin")
    two = () if strict else ("crossentropy", "bce", "hinge", "focal")
    return any(one in word for one in (*many, *two))


def distance(one: Shape, task: AtlasTask) -> float:
    """Return how far a task of the atlas is: 0 is the same kind, goal, weights and steps."""
    sizes = abs(_log(one.parameters) - _log(task.parameters)) + abs(
        _log(one.steps) - _log(task.steps)
    )
    return (
        OTHER_KIND * (one.kind != task.kind)
        + OTHER_GOAL * (one.goal != task.goal)
        + A_DECADE * sizes
    )


def _log(value: int) -> float:
    return math.log10(max(1, value))
