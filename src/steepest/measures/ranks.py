"""Ranks with ties where a study cannot tell optimizers apart, and whether they differ by chance."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from steepest.measures.verdict import Standing, Verdict
from steepest.records import Settings
from steepest.statistics import ALPHA, Pair, State

DRAWS = 9_999  # permutations, where there are more of them


def ranks(settings: Settings, verdict: Verdict) -> dict[str, float]:
    """Return each optimizer's rank on a task: 1 is best.

    1 + the number of those that are established to be better + half the number of those that it
    cannot be told from. Where "cannot be told apart" makes clear groups, that is the mean rank that
    a group shares; where it does not (A and B tie, B and C tie, A beats C), nobody has to say where
    a group ends. Ranks sum to k (k + 1) / 2.

    Pairs with the leader are as in the verdict. Of two others, one is better if the difference over
    their common seeds passes Student's paired 95 % interval (at two seeds Welch's) and is at least
    what would matter (`Settings.matters`); not corrected for the number of pairs. Whoever
    diverged on a seed, or has no confirmed run, is behind all others and tied with its like.
    """
    found = dict.fromkeys(verdict.standings, 1.0)
    for one, two in combinations(verdict.standings.values(), 2):
        better = _better(settings, one, two)
        if better is None:
            found[one.name] += 0.5
            found[two.name] += 0.5
        else:
            found[two.name if better is one else one.name] += 1
    return found


def chance(rows: Sequence[Sequence[float]]) -> float | None:
    """Return the probability that mean ranks of equal optimizers would differ as much as these.

    Friedman's test (1937, doi:10.1080/01621459.1937.10503522): of the sum of squares of the rank
    sums, by permutation of the ranks within each task, all of them up to 9,999, else as many drawn
    with a seed of their own. The usual χ² is far off for the few tasks that there are here.

    Args:
        rows: of each optimizer, its rank on each task.

    Returns:
        None with fewer than three optimizers or three tasks, or if no rank differs.
    """
    table = np.array(rows, np.float64)
    if table.ndim != 2 or min(table.shape) < 3 or np.all(table == table[0, 0]):
        return None
    from scipy.stats import permutation_test

    found = permutation_test(
        tuple(table),
        _spread,
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=DRAWS,
        random_state=np.random.default_rng(0),  # called rng from SciPy 1.15 on; both are taken
    )
    return float(found.pvalue)


def _spread(*rows: Any, axis: int) -> Any:
    """Return the sum of squares of the rank sums; the rest of Friedman's statistic is constant."""
    return sum(np.sum(row, axis=axis) ** 2 for row in rows)


def _better(settings: Settings, one: Standing, two: Standing) -> Standing | None:
    """Return which of two is established to be better, or None."""
    failed = [s.state is State.DIVERGED for s in (one, two)]
    if any(failed):
        return None if all(failed) else two if failed[0] else one
    for leader, other in ((one, two), (two, one)):
        if leader.state is State.LEADER:
            return leader if other.state is State.BEHIND else None
    sign = -1.0 if settings.maximize else 1.0
    a, b = ([sign * v for v in standing.value.values] for standing in (one, two))
    if not a or not b:
        return None
    for better, worse, winner in ((a, b, one), (b, a, two)):
        pair = Pair.of(worse, better)
        if pair.worse(ALPHA / 2, settings.margin(pair.scale)):
            return winner
    return None
