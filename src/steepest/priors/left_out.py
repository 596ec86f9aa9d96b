"""How good suggestions are: on each task, what is suggested without its family of tasks.

How to weigh is settled without that family too, by leaving out each of the others in turn. So what
is said of suggestions was chosen by nothing that it is judged on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float64

from steepest.priors.atlas import WORST, Atlas
from steepest.priors.likeness import Shape
from steepest.priors.suggestion import (
    ALIKE,
    Choices,
    Pick,
    Weighing,
    alike,
    choices,
    chosen,
    nearness,
    picks,
)

USUAL = "Adam"  # whose default rate suggestions are held against
WEIGHINGS = tuple(
    Weighing(cap, reach) for cap in (1.0, 0.5, 0.25, 0.1) for reach in (inf, 3.0, 2.0, 1.0, 0.5)
)
MOST = 1.0  # what an excess counts at most where ways to weigh are compared


@dataclass(frozen=True)
class Record:
    """How suggestions did on some tasks, each made without the task's family."""

    tasks: tuple[str, ...]
    suggested: Float64[np.ndarray, " tasks"]  # excess of the first suggestion
    usual: Float64[np.ndarray, " tasks"]  # of the default Adam


@dataclass(frozen=True)
class Suggested:
    """What to start with on a task, best first, and what that rests on."""

    shape: Shape
    picks: tuple[Pick, ...]
    like: tuple[int, ...]  # the tasks of the atlas that are like it, by their places
    judged: tuple[int, ...]  # those, or all where they are too few to say how suggestions do
    record: Record  # how suggestions did on what is judged
    tuned: Mapping[str, float]  # of optimizers, the median excess of their best there
    default: Mapping[str, float]  # alike of the framework's default


def settled(found: Choices, without: str | None = None) -> Weighing:
    """Return how to weigh: as first suggestions do best on tasks whose family is left out.

    Args:
        found: what may be suggested.
        without: a family of tasks that is not looked at.
    """
    tasks = [i for i, task in enumerate(found.atlas.tasks) if task.family != without]
    if len({found.atlas.tasks[i].family for i in tasks}) < 2:
        return WEIGHINGS[0]
    weights = found.atlas.series_weights[tasks]
    means = [
        float(np.minimum(first(found, tasks, way, without), MOST) @ weights) for way in WEIGHINGS
    ]
    return WEIGHINGS[int(np.argmin(means))]


def first(
    found: Choices, tasks: Sequence[int], way: Weighing, without: str | None = None
) -> Float64[np.ndarray, " tasks"]:
    """Return the excess of the first suggestion on tasks, made without the family of each."""
    some = list(tasks)
    families = np.array([task.family for task in found.atlas.tasks])
    others = (families != families[some, None]) & (families != without)
    weights = found.atlas.series_weights * np.exp(-found.apart[some] / way.reach) * others
    places, means = chosen(found, weights, way.cap)
    at = places[means.argmin(axis=0), np.arange(len(some))]
    suggested: Float64[np.ndarray, " tasks"] = np.nan_to_num(found.excess[at, some], nan=WORST)
    return suggested


def left_out(found: Choices, tasks: Sequence[int]) -> Record:
    """Return how first suggestions do on tasks, each made without the task's family."""
    atlas = found.atlas
    suggested = np.full(len(tasks), np.nan)
    own = np.array([atlas.tasks[at].family for at in tasks])
    for family in dict.fromkeys(own):
        some = np.flatnonzero(own == family)
        way = settled(found, str(family))
        suggested[some] = first(found, [tasks[int(i)] for i in some], way)
    usual = np.nan_to_num(atlas.optimizers[USUAL].excess[0, list(tasks)], nan=WORST)
    return Record(tuple(atlas.tasks[at].name for at in tasks), suggested, usual)


def suggest(atlas: Atlas, shape: Shape, allowed: Collection[str], count: int) -> Suggested:
    """Return what to start with on a task of this shape, of the optimizers that are allowed."""
    found, like = choices(atlas, allowed), alike(atlas, shape)
    enough = len({atlas.tasks[at].series for at in like}) >= ALIKE
    judged = like if enough else list(range(len(atlas.tasks)))
    tuned, default = {}, {}
    for name in found.places:
        excess = atlas.optimizers[name].excess[:, judged]
        known = ~np.isnan(excess[0])
        if known.any():
            tuned[name] = float(np.median(np.nanmin(excess[:, known], axis=0)))
            default[name] = float(np.median(excess[0, known]))
    way = settled(found)
    return Suggested(
        shape,
        tuple(picks(found, nearness(atlas, shape, way.reach), count, way.cap)),
        tuple(like),
        tuple(judged),
        left_out(found, judged),
        tuned,
        default,
    )
