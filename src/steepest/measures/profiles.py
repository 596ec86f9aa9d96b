"""Performance profiles, and the score that AlgoPerf takes from them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TAU_MAX = 4.0  # AlgoPerf's: who takes four times as long as the best has no share any more
POINTS = 100  # of the trapezoid rule, AlgoPerf's too


@dataclass(frozen=True)
class Profile:
    """Performance profiles (Dolan and Moré 2002): the share of tasks within τ of the best.

    A score is the mean height of the curve from τ = 1 to the last τ (Dahl et al. 2023): 1 for who
    is the fastest on every task, 0 for who never is within the last τ of the fastest.
    """

    taus: tuple[float, ...]
    shares: Mapping[str, tuple[float, ...]]  # an optimizer each, at each τ
    scores: Mapping[str, float]


def ratios(costs: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return each optimizer's cost on each task over the lowest on that task, at least 1.

    A cost is infinite where the target was never reached, and then its ratio is, also where nobody
    reached it.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in costs}
    for task in {task: None for of in costs.values() for task in of}:
        best = min(of[task] for of in costs.values())
        for name, of in costs.items():
            found[name][task] = _ratio(of[task], best)
    return found


def profile(
    costs: Mapping[str, Mapping[str, float]], tau_max: float = TAU_MAX, points: int = POINTS
) -> Profile | None:
    """Return the performance profiles of optimizers, and their scores.

    ρ(τ) is the share of tasks on which an optimizer's cost is at most τ times the lowest cost of
    any optimizer there (Dolan and Moré 2002, doi:10.1007/s101070100263). The score is
    1 / (τmax − 1) · ∫₁^τmax ρ(τ) dτ by the trapezoid rule on `points` evenly spaced τ, which is
    AlgoPerf's benchmark score (Dahl et al. 2023, arXiv:2306.07179, section 4.5).

    Args:
        costs: optimizer → task → cost, such as steps to a target; infinite if never reached. All
            optimizers have the same tasks.
        tau_max: the last τ.
        points: how many τ there are.

    Returns:
        None without an optimizer or without a task.
    """
    over_best = {name: np.array(list(of.values())) for name, of in ratios(costs).items()}
    if not over_best or not all(len(values) for values in over_best.values()):
        return None
    taus = np.linspace(1.0, tau_max, points)
    shares = {
        name: (values[:, None] <= taus[None, :]).mean(axis=0) for name, values in over_best.items()
    }
    return Profile(
        tuple(taus.tolist()),
        {name: tuple(share.tolist()) for name, share in shares.items()},
        {
            name: float(np.trapezoid(share, taus)) / (tau_max - 1.0)
            for name, share in shares.items()
        },
    )


def _ratio(cost: float, best: float) -> float:
    if not math.isfinite(cost):
        return math.inf
    if best <= 0:  # reached before the first step
        return 1.0 if cost <= best else math.inf
    return cost / best
