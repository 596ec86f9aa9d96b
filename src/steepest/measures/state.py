"""The memory of an optimizer's state, counted on its rule's own arrays; nothing is allocated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.errors import InputError
from steepest.records import Config, Parameter
from steepest.rules import Hyperparameters, find_rule, has_formula
from steepest.rules.step import begin, make_plan, prepare

FLOAT = 4  # bytes of a float32, in which models train
# Where the momentum is 0, Keras, PyTorch and Optax keep no array for it. Steepest, in which one
# program serves all values of the momentum, does.
IDLE = {"SGD": "velocity", "RMSprop": "momentum"}
SIDE = 2  # of the arrays on which a step is taken


@dataclass(frozen=True)
class Shape:
    """An array that is nothing but its shape, so that a rule's state can be begun for any model."""

    shape: tuple[int, ...]
    dtype: Any = np.float32

    def __add__(self, number: float) -> "Shape":
        return self

    def __array_namespace__(self) -> "type[_Shapes]":
        return _Shapes


class _Shapes:
    """The functions of arrays with which rules begin what they remember."""

    @staticmethod
    def full_like(x: Shape, _: Any) -> Shape:
        return x

    @staticmethod
    def zeros(shape: tuple[int, ...], **_: Any) -> Shape:
        return Shape(shape)

    @staticmethod
    def eye(length: int, **_: Any) -> Shape:
        return Shape((length, length))

    @staticmethod
    def asarray(value: Any, **_: Any) -> float:
        return float(value)

    @staticmethod
    def mean(x: Shape, axis: int | None, keepdims: bool) -> Shape:
        if axis is None:
            return Shape(())
        axis %= len(x.shape)
        kept = (1,) if keepdims else ()
        return Shape((*x.shape[:axis], *kept, *x.shape[axis + 1 :]))


def state_bytes(config: Config, weights: Sequence[Parameter]) -> int | None:
    """Return how many bytes an optimizer remembers between steps for a model of these weights.

    In float32; with the gradients that are gathered for one update, the average of the weights, and
    single numbers beside the arrays. Arrays that no step would change are not counted, such as
    Muon's squares of a matrix, nor a momentum of 0: no framework keeps them. None for a rule of
    one's own without a formula, and where nothing is known of the weights.
    """
    try:
        rule = find_rule(config.rule)
    except InputError:  # a person's own, which is not known here
        return None
    if not weights or not has_formula(rule):
        return None
    return sum(_numbers(config, one) for one in weights) * FLOAT


def _numbers(config: Config, parameter: Parameter) -> int:
    """Return how many numbers are remembered for one array."""
    plan = make_plan(config, [parameter])
    numbers, complements = prepare("constant", config.numbers, 1)
    memory = begin(plan, [Shape(parameter.shape)], numbers, complements)
    names = plan.rule.memory(plan.flags[0])
    idle = IDLE.get(config.rule) if config.hyperparameters.get("momentum") == 0 else None
    own: list[int] = [
        math.prod(array.shape)
        for i, array in enumerate(memory["rule"][0])
        if idle is None or names[i] != idle
    ]
    if plan.rule.choose is not None:  # it may leave alone what others need
        own = [n for n, moved in zip(own, _changed(config, parameter), strict=True) if moved]
    around = [array for part in ("sum", "average") for array in memory.get(part, ())]
    return sum(own) + sum(int(math.prod(array.shape)) for array in around)


def _changed(config: Config, parameter: Parameter) -> list[bool]:
    """Return which arrays the rule's update changes, on a small array of as many axes."""
    small = Parameter(parameter.path, (SIDE,) * len(parameter.shape), parameter.role)
    plan = make_plan(config, [small])
    numbers, complements = prepare("constant", config.numbers, 1)
    w = np.linspace(0.5, 1.5, SIDE ** len(small.shape)).reshape(small.shape)
    before = begin(plan, [w], numbers, complements)["rule"][0]
    values = {**numbers, "next_learning_rate": numbers["learning_rate"], **plan.flags[0]}
    h = Hyperparameters({**values, "weight_decay": np.float64(0)}, complements)
    _, after = plan.rule.update(np.cos(7 * w), w, before, np.float64(1), h)
    return [not np.array_equal(old, new) for old, new in zip(before, after, strict=True)]
