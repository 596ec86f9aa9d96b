"""A model of what an optimizer's hyperparameters and the epochs trained do to the loss.

A Gaussian process (scikit-learn's; Rasmussen & Williams 2006) over the point in the optimizer's box
and the logarithm of the epochs, so that short trainings are used for what they say about the whole
one. The best learning rate falls with the length of training, on small tasks by a power between 0
and 1 of it: the model shifts the axis of the rate by such a power, which it takes from the trials
(`POWERS`, with `USUAL` where they say nothing). Noise between trials is a part of it, so one lucky
trial does not win.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import qmc

from steepest.records import Outcome, Settings, Trial
from steepest.search.ground import Ground, Values

Array = np.ndarray[Any, Any]

POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
USUAL, SPREAD = 0.6, 0.3  # of the power, before any trial
REACH = (0.15, 0.3)  # how far along the learning rate's range losses are alike
OTHER_REACH = (0.5,)  # and along the others'
EPOCHS_REACH = (1.5, 5.0)  # in factors of three
NOISE = (0.01, 0.05, 0.2)  # variance between trials at one place, as a share of all of it
WORST = 1.0  # what is so far above the best, in logarithms, is only known to be bad
CANDIDATES = 256
SAFE = 0.5  # standard deviations that a choice is held back by not being known
BOLD = 0.5  # and that what is tried next is drawn by


@dataclass
class Model:
    """The loss at a point of an optimizer's box after a whole training, as far as trials tell."""

    ground: Ground
    power: float
    x: Array  # [evaluations, ranges + 1]: aligned points, and the epochs' coordinate
    y: Array  # [evaluations]
    process: Any
    scale: Callable[[float], float]  # of losses

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation after a whole training at `points` of the box."""
        mean, deviation = self.process.predict(_aligned(points, 0.0, None, 0.0), return_std=True)
        return mean, deviation

    def ask(self, count: int, seed: int) -> list[Values]:
        """Return points where a whole training may be best, each as if those before were known."""
        points, found = self._candidates(seed), []
        x, y = self.x, self.y
        process = self.process
        for _ in range(count):
            mean, deviation = process.predict(_aligned(points, 0.0, None, 0.0), return_std=True)
            i = int(np.argmin(mean - BOLD * deviation))
            found.append(self.ground.values(points[i].tolist()))
            x, y = np.vstack([x, [*points[i], 0.0]]), np.append(y, mean[i])
            process = _process(process.kernel, x, y)
        return found

    def expected(self, trial: Trial, settings: Settings, peers: Sequence[Trial]) -> float:
        """Return the loss to expect of a trial after a whole training, on the model's scale.

        Of one outside the box, which was shown another optimizer's best: what is expected of the
        best of its `peers` inside, and how far it is from that one now.
        """
        score = settings.score(trial)
        if math.isinf(score):
            return score
        if (point := self.ground.point(trial.config.hyperparameters)) is not None:
            return float(self.predict(np.array([point]))[0][0])
        inside = [t for t in peers if self.ground.point(t.config.hyperparameters)]
        alike = [t for t in inside if t.epochs == trial.epochs and settings.score(t) < math.inf]
        if not alike:
            return self.scale(score)
        mate = min(alike, key=settings.score)
        ahead = self.scale(score) - self.scale(settings.score(mate))
        return self.expected(mate, settings, ()) + ahead

    def best(self, seed: int) -> list[float]:
        """Return the point that is best after a whole training, held back where little is known."""
        points = self._candidates(seed)
        mean, deviation = self.predict(points)
        found: list[float] = points[int(np.argmin(mean + SAFE * deviation))].tolist()
        return found

    def _candidates(self, seed: int) -> Array:
        sides = len(self.ground.space)
        spread = qmc.Sobol(sides, scramble=True, rng=seed).random(CANDIDATES)
        best = np.clip(self.x[np.argsort(self.y)[:6], :-1], 0, 1)
        steps = np.random.default_rng(seed).normal(0, 0.06, (len(best) * 24, sides))
        return np.vstack([spread, np.clip(np.repeat(best, 24, 0) + steps, 0, 1)])


def fit(ground: Ground, settings: Settings, tried: Sequence[Trial]) -> Model | None:
    """Return the model that fits `tried` best, or None where there are fewer than three."""
    points, epochs, losses, scale = _evaluations(ground, settings, tried)
    if len({tuple(point) for point in points}) < 3:
        return None
    x, y = np.array(points), np.array(losses)
    length = np.log(np.array(epochs) / settings.rungs[-1])
    axis = list(ground.space).index("learning_rate") if "learning_rate" in ground.space else None
    best, found = -math.inf, None
    from sklearn.gaussian_process import kernels

    for power in POWERS if axis is not None and len(set(epochs)) > 1 else (USUAL,):
        shift = power / math.log(ground.ratio("learning_rate")) if axis is not None else 0.0
        rows = np.column_stack([_aligned(x, length, axis, shift)[:, :-1], length / math.log(3)])
        for reach, other, far, noise in product(REACH, OTHER_REACH, EPOCHS_REACH, NOISE):
            sides = [reach if i == axis else other for i in range(x.shape[1])]
            kernel = kernels.Matern([*sides, far], "fixed", nu=2.5)
            process = _process(kernel + kernels.WhiteKernel(noise, "fixed"), rows, y)
            told = process.log_marginal_likelihood_value_
            told -= 0.5 * ((power - USUAL) / SPREAD) ** 2
            if told > best:
                best, found = told, Model(ground, power, rows, y, process, scale)
    return found


def _aligned(points: Array, length: Any, axis: int | None, shift: float) -> Array:
    """Return points with the learning rate's axis moved to where it would be in a whole training,
    and a last coordinate of zero for that."""
    moved = np.column_stack([points, np.zeros(len(points))])
    if axis is not None:
        moved[:, axis] += shift * length
    return moved


def _process(kernel: Any, x: Array, y: Array) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor

    with warnings.catch_warnings(action="ignore"):
        return GaussianProcessRegressor(
            kernel, optimizer=None, normalize_y=True, copy_X_train=False
        ).fit(x, y)


def _evaluations(
    ground: Ground, settings: Settings, tried: Sequence[Trial]
) -> tuple[list[list[float]], list[int], list[float], Callable[[float], float]]:
    """Return points, epochs and losses, in logarithms where they are positive, of all trials."""
    known = [(trial, ground.point(trial.config.hyperparameters)) for trial in tried]
    points: list[list[float]] = []
    epochs: list[int] = []
    losses: list[float] = []
    for epoch in _looked_at(settings.rungs):
        for trial, point in known:
            value = _at(settings, trial, epoch)
            if point is not None and value is not None:
                points.append(point)
                epochs.append(epoch)
                losses.append(value)
    scale = _scale([value for value in losses if math.isfinite(value)])
    losses = [scale(value) if math.isfinite(value) else value for value in losses]
    best = {
        epoch: min((v for v, e in zip(losses, epochs, strict=True) if e == epoch), default=0.0)
        for epoch in set(epochs)
    }
    worst = [best[e] + WORST if math.isfinite(best[e]) else WORST for e in epochs]
    return points, epochs, [min(a, b) for a, b in zip(losses, worst, strict=True)], scale


def _scale(losses: Sequence[float]) -> Callable[[float], float]:
    """Return what makes noise alike for all losses: logarithms where they are positive."""
    if losses and min(losses) > 0:
        return lambda value: math.log(value) if value > 0 else -math.inf
    spread = float(np.ptp(np.quantile(losses, (0.0, 0.5)))) if losses else 1.0
    return lambda value: value / (spread or 1.0)


def _looked_at(rungs: Sequence[int]) -> list[int]:
    """Return the epochs that the model looks at, evenly in logarithms, all rungs among them."""
    count = int(2 * math.log(rungs[-1]) / math.log(3)) + 1
    return sorted({*rungs, *(math.ceil(rungs[-1] / 3 ** (i / 2)) for i in range(count))})


def _at(settings: Settings, trial: Trial, epoch: int) -> float | None:
    """Return a trial's loss at an epoch, infinite if it had diverged; None if it was not there."""
    values = trial.watched(settings.decides)
    if trial.outcome in (Outcome.DIVERGED, Outcome.FAILED) and len(values) <= epoch:
        return math.inf
    if len(values) < epoch or (settings.own_horizon and len(values) != epoch):
        return None
    # The mean of the last few evaluations says more of a training than the last one.
    last = float(np.mean(values[epoch - max(1, epoch // 5) : epoch]))
    return math.inf if math.isnan(last) else -last if settings.maximize else last
