"""What would change the answer: another length or learning rate, more seeds; from the study file.

Curves are noisy and many are looked at, so nothing is said unless the seeds agree: each effect is
measured once a seed, and Student's one-sided 2.5 % over the seeds has to be passed. With one seed
nothing is said.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.measures.verdict import Standing, Verdict
from steepest.records import Outcome, Settings, Stage, Study
from steepest.statistics import ALPHA, Estimate, State, estimate

MATTERS = 0.01  # the relative gain that is worth saying where nobody said what matters
WINDOW = 0.2  # the share of the training that is looked at, and that is added in "train longer"
SEEDS = 100  # more than that is no advice

Curves = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Length:
    """What the curves say of the number of epochs, of what decides.

    Values are shares of it at the end; `epoch` is where it was best, counted from 1.
    """

    longer: float | None  # what a fifth more epochs would gain, if it still improves
    shorter: float | None  # what stopping at `epoch` would have gained, if it was over-fitting
    epoch: int | None


def length(study: Study, standing: Standing) -> Length:
    """Return whether this optimizer should have trained longer, or shorter.

    Longer: lines are fitted to the last fifth of each curve, three evaluations at least, and
    continued. Shorter: to all that follows the epoch where the mean curve was best, as that epoch
    itself may be a lucky one.
    """
    curves = _curves(study, standing)
    nothing = Length(None, None, None)
    if curves is None:
        return nothing
    epochs = curves.shape[1]
    window = max(3, round(WINDOW * epochs))
    end = curves[:, -1].mean()
    size = abs(end)
    matters = max(study.settings.practical, MATTERS) * size
    if size == 0 or epochs < window + 2:
        return nothing
    gain = estimate((-_slopes(curves[:, -window:]) * WINDOW * epochs).tolist())
    if _clear(gain.mean, gain.low, matters):
        return Length((gain.mean or 0.0) / size, None, None)
    if study.settings.at == "best":
        return nothing  # the best epoch has decided already
    best = int(np.argmin(curves.mean(axis=0)))
    after = curves[:, best + 1 :]
    if after.shape[1] < window:
        return nothing
    rises = estimate((_slopes(after) * after.shape[1]).tolist())
    if _clear(rises.mean, rises.low, matters):
        return Length(None, (rises.mean or 0.0) / size, best + 1)
    return nothing


def seeds_to_decide(settings: Settings, verdict: Verdict) -> int | None:
    """Return how many seeds would tell the leader from those it is tied with, or None if too many.

    n = (z₀.₉₇₅ + z₀.₈)² s²/δ² + 2, the usual size of a sample that finds a difference δ in four of
    five studies; δ is the measured difference, or its distance from what would matter.
    """
    needed = 0
    for name in verdict.tied_with:
        standing = verdict.standings[name]
        values = np.array(standing.behind.values if standing.behind else ())
        if standing.state is not State.OPEN:
            continue
        if len(values) < 2:
            return None
        leader = verdict.standings[verdict.leader or name].value.mean or 0.0
        margin, mean = settings.practical * abs(leader), float(values.mean())
        # To call it worse zero has to be passed; to call it the same, the margin.
        distance = mean if mean >= margin else max(mean, margin - mean)
        if distance <= 0 or not math.isfinite(distance):
            return None
        count = (1.96 + 0.84) ** 2 * float(values.var(ddof=1)) / distance**2 + 2
        if not count <= SEEDS:
            return None
        needed = max(needed, math.ceil(count), len(values) + 1)
    return needed or None


@dataclass(frozen=True)
class Better:
    """A learning rate of the sweep that did better than the confirmed one."""

    rate: float
    gain: Estimate  # over the sweep's seeds, in the unit of what decides; positive, corrected
    relative: Estimate | None  # as a share of the confirmed one's, where that means much


def better_rate(study: Study, standing: Standing) -> Better | None:
    """Return the learning rate of the sweep that is clearly better than the confirmed one, or None.

    Differences are paired by seed, with Student's one-sided 2.5 % divided by the number of rates
    that were looked at (Bonferroni), as the best of them is chosen; the interval has that level
    too. The mean has to be more than what matters. A rate at which a seed diverged is not better,
    nor can anything be paired with a confirmed run that diverged.
    """
    settings = study.settings
    sign = -1.0 if settings.maximize else 1.0
    own = {
        trial.config.seed: sign * settings.value(trial)
        for trial in study.confirmed(standing.name)
        if trial.config.seed in standing.seeds
    }
    at: dict[float, dict[int, float]] = {}
    for trial in study.trials:
        rate = trial.config.hyperparameters.get("learning_rate")
        known = isinstance(rate, float) and trial.outcome is not Outcome.UNFINISHED
        if trial.optimizer == standing.name and trial.stage is Stage.SWEEP and known:
            at.setdefault(float(f"{rate:.9g}"), {})[trial.config.seed] = sign * settings.value(
                trial
            )
    found: list[Better] = []
    for rate, ends in at.items():
        pairs = [(own[seed], value) for seed, value in ends.items() if seed in own]
        if len(pairs) < len(ends):
            continue
        gain = estimate([mine - value for mine, value in pairs], 1 - ALPHA / len(at))
        size = abs(math.fsum(mine for mine, _ in pairs) / len(pairs))
        if _clear(gain.mean, gain.low, max(settings.practical, MATTERS) * size):
            share = gain / size if size and not settings.maximize else None
            found.append(Better(rate, gain, share))
    return max(found, key=lambda one: one.gain.mean or 0.0, default=None)


def _curves(study: Study, standing: Standing) -> Curves | None:
    """Return the confirmed curves [seeds, epochs] of what decides, turned so that lower is better.

    None with fewer than two whole ones.
    """
    sign = -1.0 if study.settings.maximize else 1.0
    found = [
        trial.watched(study.settings.decides)
        for trial in study.confirmed(standing.name)
        if trial.outcome is Outcome.FINISHED
    ]
    curves = np.array(found) if len({len(curve) for curve in found}) == 1 else np.zeros((0, 0))
    if len(curves) < 2 or not curves.size or not np.isfinite(curves).all():
        return None
    return sign * curves


def _slopes(curves: Curves) -> Curves:
    """Return the slope an epoch of the line through each curve."""
    fitted = np.polynomial.polynomial.polyfit(np.arange(curves.shape[1]), curves.T, 1)
    return np.asarray(fitted[1], np.float64)


def _clear(mean: float | None, low: float | None, matters: float) -> bool:
    return mean is not None and low is not None and low > 0 and mean > matters
