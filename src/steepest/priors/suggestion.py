"""A configuration to start from, by the atlas alone: what did best on tasks like this one.

Each configuration of each optimizer has an excess on each task. The one with the lowest mean is
suggested: excesses are capped, and tasks that are nearer weigh more. A value that nobody would
write, such as a beta_1 of 0.586, is suggested only where it does clearly better, family by family,
than the best configuration with usual values. How good suggestions are, and how to weigh, is found
by leaving out families of tasks (`left_out.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from steepest.priors.atlas import WORST, Atlas
from steepest.priors.likeness import Shape, distance
from steepest.spaces import Value

CLEAR = 2.0  # standard errors over families by which an unusual value has to be better
FEWEST = 3  # families to tell that from
ALIKE = 5  # tasks that are enough to say how suggestions do on tasks like this one
DIGITS = 2  # of a suggested number


@dataclass(frozen=True)
class Weighing:
    """How excesses and tasks count: an excess above `cap` counts as that much; `reach` is the
    distance over which a task's weight falls to 1/e."""

    cap: float
    reach: float


@dataclass(frozen=True)
class Pick:
    """A configuration: its optimizer, what differs from the defaults, its mean capped excess."""

    rule: str
    values: Mapping[str, Value]
    mean: float


@dataclass(frozen=True)
class Choices:
    """All configurations of the atlas in a row, of some optimizers."""

    atlas: Atlas
    rules: tuple[str, ...]  # one each
    values: tuple[Mapping[str, Value], ...]
    excess: Float64[np.ndarray, "configs tasks"]

    def capped(self, cap: float) -> Float64[np.ndarray, "configs tasks"]:
        """Return excesses as they are averaged; what was not trained counts as the worst."""
        found: Float64[np.ndarray, "configs tasks"] = np.minimum(
            np.nan_to_num(self.excess, nan=WORST), cap
        )
        return found

    @cached_property
    def places(self) -> dict[str, Int64[np.ndarray, " some"]]:
        """Where the configurations of each optimizer are."""
        return {
            name: np.flatnonzero([one == name for one in self.rules])
            for name in dict.fromkeys(self.rules)
        }

    @cached_property
    def usual(self) -> Bool[np.ndarray, " configs"]:
        """Whether all values of a configuration but its learning rate are usual ones."""
        return np.array([is_usual(one) for one in self.values])

    @cached_property
    def families(self) -> Float64[np.ndarray, "tasks families"]:
        """1 where a task is of a family."""
        own = np.array([task.family for task in self.atlas.tasks])
        return np.stack([own == one for one in dict.fromkeys(own)], axis=1).astype(float)

    @cached_property
    def apart(self) -> Float64[np.ndarray, "tasks tasks"]:
        """How far the tasks of the atlas are from each other."""
        tasks = self.atlas.tasks
        shapes = [Shape(one.kind, one.goal, one.parameters, one.steps) for one in tasks]
        return np.array([[distance(shape, one) for one in tasks] for shape in shapes])


def choices(atlas: Atlas, allowed: Collection[str]) -> Choices:
    """Return the configurations of the optimizers that may be suggested."""
    names = [name for name in atlas.optimizers if name in allowed]
    some = [atlas.optimizers[name] for name in names]
    return Choices(
        atlas,
        tuple(name for name, one in zip(names, some, strict=True) for _ in range(len(one.configs))),
        tuple(values for one in some for values in one.configs),
        np.concatenate([one.excess for one in some]),
    )


def is_usual(values: Mapping[str, Value]) -> bool:
    """Return whether a person would write these values, which differ from the defaults.

    A round number has one digit, or its distance from 1 has. Learning rates are not looked at.
    """
    return all(_is_round(value) for name, value in values.items() if name != "learning_rate")


def _is_round(value: Value) -> bool:
    if not isinstance(value, float):
        return True
    return any(abs(float(f"{one:.1g}") - one) < 1e-9 * abs(one) or not one for one in _ends(value))


def _ends(value: float) -> tuple[float, float]:
    """Return a number and its distance from 1, without the error of the subtraction."""
    return value, float(f"{1 - value:.9g}")


def as_written(value: Value) -> Value:
    """Return a number in two digits, close to 1 in two of its distance from 1."""
    if not isinstance(value, float):
        return value
    if 0.9 < value < 1:
        return float(f"{1 - float(f'{1 - value:.{DIGITS}g}'):.9g}")
    return float(f"{value:.{DIGITS}g}")


def nearness(atlas: Atlas, shape: Shape, reach: float) -> Float64[np.ndarray, " tasks"]:
    """Return what each task weighs for a task of this shape."""
    away = np.array([distance(shape, task) for task in atlas.tasks])
    found: Float64[np.ndarray, " tasks"] = atlas.series_weights * np.exp(-away / reach)
    return found


def chosen(
    found: Choices, weights: Float64[np.ndarray, "rows tasks"], cap: float
) -> tuple[Int64[np.ndarray, "rules rows"], Float64[np.ndarray, "rules rows"]]:
    """Return the best configuration of each optimizer, by each row of weights, and its mean.

    It has usual values, unless another is clearly better.
    """
    costs, shares = found.capped(cap), weights / weights.sum(axis=1, keepdims=True)
    means, places, lowest = costs @ shares.T, [], []
    rows = np.arange(len(weights))
    for some in found.places.values():
        own = means[some]
        any_, usual = own.argmin(axis=0), _argmin(own, found.usual[some])
        gains = costs[some[usual]] - costs[some[any_]]
        at = np.where(_clearly(gains, shares, found.families), any_, usual)
        places.append(some[at])
        lowest.append(own[at, rows])
    return np.array(places), np.array(lowest)


def _argmin(means: Any, usable: Any) -> Any:
    return np.where(usable[:, None], means, np.inf).argmin(axis=0)


def _clearly(gains: Any, shares: Any, families: Any) -> Any:
    """Return of each row `[rows, tasks]` whether the mean gain is clear over families."""
    weights = shares @ families
    known = weights > 0
    means = (gains * shares) @ families / np.where(known, weights, 1.0)
    count = known.sum(axis=1)
    mean = means.sum(axis=1) / count
    squares = np.where(known, (means - mean[:, None]) ** 2, 0.0).sum(axis=1)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / count)
    return (count >= FEWEST) & (mean > CLEAR * error)


def picks(
    found: Choices, weights: Float64[np.ndarray, " tasks"], count: int, cap: float
) -> list[Pick]:
    """Return the best configuration of each of the best optimizers, by the weighted mean."""
    places, means = chosen(found, weights[None], cap)
    order = np.argsort(means[:, 0], kind="stable")[:count]
    return [
        Pick(
            found.rules[at],
            {name: as_written(value) for name, value in found.values[at].items()},
            float(means[i, 0]),
        )
        for i in order
        for at in [places[i, 0]]
    ]


def alike(atlas: Atlas, shape: Shape) -> list[int]:
    """Return the tasks with the same kind of model and goal; with the same kind, where these are
    few; all where there are none."""
    kind = [i for i, task in enumerate(atlas.tasks) if task.kind == shape.kind]
    same = [i for i in kind if atlas.tasks[i].goal == shape.goal]
    for some in (same, kind):
        if len({atlas.tasks[i].series for i in some}) >= ALIKE:
            return some
    return kind or list(range(len(atlas.tasks)))
