"""Paths of optimizers over three small surfaces, walked by the rules themselves.

    valley          f = ½·((x − 1)² + 50·(y − 1)²)                     the minimum is at (1, 1)
    saddle          f = (x − 2)² + (y − 2)⁴/4 − (y − 2)²/2 + ¼         minima at (2, 1) and (2, 3)
    Rosenbrock      f = (1 − x)² + 100·(y − x²)²                       the minimum is at (1, 1)

No minimum is at zero, which would flatter rules that pull weights to zero, or whose steps are
relative to the size of the weights. Both weights are one array, and every step is the one that
training takes (`rules/step.py`), on NumPy's arrays. So that paths show like for like, each
optimizer has the learning rate that is best for it on the surface, from the same grid, and the
same number of steps. Starts are odd numbers, so that no rate of the grid lands on a minimum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.records import Parameter
from steepest.reports.explain.memory import at_defaults
from steepest.rules import Rule
from steepest.rules.step import begin, make_plan, prepare, shown, step
from steepest.spaces import Value

Points = Any  # a NumPy array of floats

RATES = tuple(float(f"{digit}e{power}") for power in range(-5, 4) for digit in (1, 1.5, 2, 3, 5, 7))
LAST = 10  # steps over whose values a rate is judged, so that no lucky last step decides
POINT = Parameter("point", (2,), "kernel")


@dataclass(frozen=True)
class Surface:
    """A function of two weights, its gradient, and where paths start on it.

    `value` and `gradient` take points `[..., 2]`. `window` is the part to draw: x from, x to,
    y from, y to.
    """

    name: str
    about: str
    value: Callable[[Points], Points]
    gradient: Callable[[Points], Points]
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    window: tuple[float, float, float, float]
    steps: int


@dataclass(frozen=True)
class Path:
    """A walk: the points `[steps + 1, 2]`, the values there `[steps + 1]`, and at which rate."""

    rate: float
    points: Points
    values: Points


def _valley(p: Points) -> Points:
    x, y = p[..., 0], p[..., 1]
    return 0.5 * ((x - 1) ** 2 + 50 * (y - 1) ** 2)


def _valley_gradient(p: Points) -> Points:
    return np.stack([p[..., 0] - 1, 50 * (p[..., 1] - 1)], axis=-1)


def _saddle(p: Points) -> Points:
    x, y = p[..., 0] - 2, p[..., 1] - 2
    return x**2 + y**4 / 4 - y**2 / 2 + 0.25


def _saddle_gradient(p: Points) -> Points:
    x, y = p[..., 0] - 2, p[..., 1] - 2
    return np.stack([2 * x, y**3 - y], axis=-1)


def _rosenbrock(p: Points) -> Points:
    x, y = p[..., 0], p[..., 1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _rosenbrock_gradient(p: Points) -> Points:
    x, y = p[..., 0], p[..., 1]
    return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)


SURFACES: Mapping[str, Surface] = {
    one.name: one
    for one in (
        Surface(
            "narrow valley",
            "50 times as steep across as along",
            _valley,
            _valley_gradient,
            (-3.07, 1.83),
            ((1.0, 1.0),),
            (-3.6, 3.0, -0.6, 2.6),
            60,
        ),
        Surface(
            "saddle",
            "down along y, up along x, and flat in the middle",
            _saddle,
            _saddle_gradient,
            (3.17, 2.013),
            ((2.0, 1.0), (2.0, 3.0)),
            (-0.3, 4.3, -0.3, 4.3),
            60,
        ),
        Surface(
            "Rosenbrock",
            "a bent valley with a nearly flat floor",
            _rosenbrock,
            _rosenbrock_gradient,
            (-1.2, 1.0),
            ((1.0, 1.0),),
            (-1.8, 1.8, -0.8, 2.4),
            200,
        ),
    )
}


def walk(
    rule: Rule,
    surface: Surface,
    rate: float,
    given: Mapping[str, Value] | None = None,
    inside: bool = False,
) -> Path:
    """Return the path of a rule at a learning rate, with Keras' defaults but for what is given.

    With `inside`, a path ends where it leaves the window; the rest is NaN.
    """
    config = at_defaults(rule, "keras", {**(given or {}), "learning_rate": rate})
    plan = make_plan(config, [POINT])
    numbers, complements = prepare(config.schedule, config.numbers, surface.steps)
    weights = [np.array(surface.start)]
    points = np.full((surface.steps + 1, 2), np.nan)
    points[0] = weights[0]
    with np.errstate(all="ignore"):  # a rate that is too large may overflow, and is not chosen
        memory = begin(plan, weights, numbers, complements)
        for done in range(surface.steps):
            gradients = [surface.gradient(weights[0])]
            weights, memory = step(
                plan, gradients, weights, memory, np.float64(done), numbers, complements
            )
            points[done + 1] = shown(plan, weights, memory, numbers, complements)[0]
            if inside and not _within(points[done + 1], surface):
                points[done + 1] = np.nan
                break
        return Path(rate, points, surface.value(points))


def tuned(rule: Rule, surface: Surface, given: Mapping[str, Value] | None = None) -> Path:
    """Return the path at the rate of `RATES` whose last values are the lowest.

    A path that leaves the window has diverged, as has one that ends no lower than it started.
    """
    return min((walk(rule, surface, rate, given, inside=True) for rate in RATES), key=_judged)


def _within(point: Points, surface: Surface) -> bool:
    left, right, low, high = surface.window
    return bool(left <= point[0] <= right and low <= point[1] <= high)


def _judged(path: Path) -> float:
    if not path.values[-1] < path.values[0]:
        return float("inf")
    return float(path.values[-LAST:].mean())


def matrices_only(rule: Rule) -> bool:
    """Return whether a rule gives these two weights Adam's steps, and a matrix other ones."""
    if rule.choose is None:
        return rule.adam_for_vectors
    flags = {**rule.flags, **rule.dialect("keras").fixed}
    kernel = Parameter("kernel", (2, 2), "kernel")
    return rule.choose(POINT, flags) != rule.choose(kernel, flags)
