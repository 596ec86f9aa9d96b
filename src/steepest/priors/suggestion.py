"""A configuration to start from, by the atlas alone: what did best on tasks like this one.

Each configuration of each optimizer has an excess on each task. The one with the lowest mean is
suggested: excesses are capped, and tasks that are nearer weigh more. How good such suggestions are
is found by leaving out: on each task, what would have been suggested by the others, its own series
left out, or its whole family.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from steepest.priors.atlas import WORST, Atlas
from steepest.priors.likeness import Shape, distance
from steepest.spaces import Value

# Of twenty pairs of these, those with which suggestions did best where tasks were left out: so what
# leaving out says of them flatters a little. With nearer reaches they did worse.
CAP = 0.5  # an excess above it counts as this much
REACH = 3.0  # the distance over which a task's weight falls to 1/e
ALIKE = 5  # tasks that are enough to say how suggestions do on tasks like this one
USUAL = "Adam"  # whose default rate suggestions are held against


@dataclass(frozen=True)
class Pick:
    """A configuration: its optimizer, what differs from the defaults, its mean capped excess."""

    rule: str
    values: Mapping[str, Value]
    mean: float


@dataclass(frozen=True)
class Record:
    """How suggestions did on some tasks, each made without the task itself; shares of the best."""

    tasks: tuple[str, ...]
    suggested: Float64[np.ndarray, " tasks"]  # excess of the first suggestion
    usual: Float64[np.ndarray, " tasks"]  # of the default Adam


@dataclass(frozen=True)
class Choices:
    """All configurations of the atlas in a row, of some optimizers."""

    atlas: Atlas
    rules: tuple[str, ...]  # one each
    values: tuple[Mapping[str, Value], ...]
    excess: Float64[np.ndarray, "configs tasks"]

    @property
    def capped(self) -> Float64[np.ndarray, "configs tasks"]:
        """Excesses as they are averaged; what was not trained counts as the worst."""
        found: Float64[np.ndarray, "configs tasks"] = np.minimum(
            np.nan_to_num(self.excess, nan=WORST), CAP
        )
        return found


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


def nearness(atlas: Atlas, shape: Shape) -> Float64[np.ndarray, " tasks"]:
    """Return what each task weighs for a task of this shape."""
    away = np.array([distance(shape, task) for task in atlas.tasks])
    found: Float64[np.ndarray, " tasks"] = atlas.series_weights * np.exp(-away / REACH)
    return found


def picks(found: Choices, weights: Float64[np.ndarray, " tasks"], count: int) -> list[Pick]:
    """Return the best configuration of each of the best optimizers, by the weighted mean."""
    means = found.capped @ (weights / weights.sum())
    chosen: dict[str, Pick] = {}
    for i in np.argsort(means, kind="stable"):
        name = found.rules[i]
        chosen.setdefault(name, Pick(name, found.values[i], float(means[i])))
        if len(chosen) == count:
            break
    return list(chosen.values())


def left_out(found: Choices, tasks: Sequence[int], *, by: str = "series") -> Record:
    """Return how the first suggestion does on tasks, made without each one's series or family."""
    atlas, suggested = found.atlas, []
    for at in tasks:
        task = atlas.tasks[at]
        shape = Shape(task.kind, task.goal, task.parameters, task.steps)
        others = np.array([getattr(one, by) != getattr(task, by) for one in atlas.tasks])
        means = found.capped @ (nearness(atlas, shape) * others)
        suggested.append(found.excess[int(np.argmin(means)), at])
    usual = atlas.optimizers[USUAL].excess[0, list(tasks)]
    names = tuple(atlas.tasks[at].name for at in tasks)
    return Record(names, np.nan_to_num(np.array(suggested), nan=WORST), usual)


def alike(atlas: Atlas, shape: Shape) -> list[int]:
    """Return the tasks with the same kind of model and goal; with the same kind, where these are
    few; all where there are none."""
    kind = [i for i, task in enumerate(atlas.tasks) if task.kind == shape.kind]
    same = [i for i in kind if atlas.tasks[i].goal == shape.goal]
    for some in (same, kind):
        if len({atlas.tasks[i].series for i in some}) >= ALIKE:
            return some
    return kind or list(range(len(atlas.tasks)))


@dataclass(frozen=True)
class Suggested:
    """What to start with on a task, best first, and what that rests on."""

    shape: Shape
    picks: tuple[Pick, ...]
    like: tuple[int, ...]  # the tasks of the atlas that are like it, by their places
    record: Record  # how suggestions did on those
    tuned: Mapping[str, float]  # of optimizers, the median excess of their best there
    default: Mapping[str, float]  # alike of the framework's default


def suggest(atlas: Atlas, shape: Shape, allowed: Collection[str], count: int) -> Suggested:
    """Return what to start with on a task of this shape, of the optimizers that are allowed."""
    found, like = choices(atlas, allowed), alike(atlas, shape)
    tuned, default = {}, {}
    for name in dict.fromkeys(found.rules):
        excess = atlas.optimizers[name].excess[:, like]
        known = ~np.isnan(excess[0])
        if known.any():
            tuned[name] = float(np.median(np.nanmin(excess[:, known], axis=0)))
            default[name] = float(np.median(excess[0, known]))
    return Suggested(
        shape,
        tuple(picks(found, nearness(atlas, shape), count)),
        tuple(like),
        left_out(found, like),
        tuned,
        default,
    )
