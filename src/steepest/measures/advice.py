"""Advice: what would change the answer, such as longer training or more seeds.

Curves are noisy and many are looked at, so nothing is said unless the seeds agree: each effect is
measured once a seed, and Student's one-sided 2.5 % over the seeds has to be passed. With one seed
nothing is said.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.measures.verdict import Standing, Verdict
from steepest.records import Outcome, Stage, StudyRecord
from steepest.statistics import ALPHA, LOOKS, Estimate, Pair, estimate, look_level

MATTERS = 0.01  # the least relative gain that is worth saying, where `practical` asks for none
WINDOW = 0.2  # the share of the training that is looked at, and that is added in "train longer"
POWER = 0.8  # of the seeds that are advised

Curves = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Length:
    """What the curves say of the number of epochs, of what decides.

    Values are shares of it at the end; `epoch` is where it was best, counted from 1.
    """

    longer: float | None  # what a fifth more epochs would gain, if it still improves
    shorter: float | None  # what stopping at `epoch` would have gained, if it was over-fitting
    epoch: int | None


def length(study: StudyRecord, standing: Standing) -> Length:
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
    matters = max(study.settings.margin(float(end)), MATTERS * size)
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


def seeds_to_decide(study: StudyRecord, verdict: Verdict) -> dict[str, int | None]:
    """Return of each that is open at how many seeds, a look of the race, it would be settled in
    four of five studies; None if that takes more than the last of LOOKS.

    Settled either way: worse by what matters, or as good. The probability is predictive: after the
    differences that were measured, the mean of more of them is Student's. The level is that of a
    last look, after that of the study so far.
    """
    settings = study.settings
    leader = verdict.standings.get(verdict.leader or "")
    level = ALPHA / max(2, len(verdict.standings) - 1)
    sign = -1.0 if settings.maximize else 1.0
    found: dict[str, int | None] = dict.fromkeys(verdict.open)
    for name in found:
        standing = verdict.standings[name]
        if leader is None or len(standing.seeds) < 2 or standing.behind is None:
            continue
        pair = Pair.of(*([sign * v for v in one.value.values] for one in (standing, leader)))
        now = len(pair.differences)
        margin = settings.margin(pair.scale)
        counts = (
            count
            for count in LOOKS
            if count > now
            and pair.chance(
                look_level(count, level, count, judged=(*study.judged, now)), count, margin
            )
            >= POWER
        )
        found[name] = next(counts, None)
    return found


@dataclass(frozen=True)
class Better:
    """A learning rate of the sweep that did better than the confirmed one."""

    rate: float
    gain: Estimate  # over the sweep's seeds, in the unit of what decides; positive, corrected
    relative: Estimate | None  # as a share of the confirmed one's, where that means much


def better_rate(study: StudyRecord, standing: Standing) -> Better | None:
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
        mean = math.fsum(mine for mine, _ in pairs) / len(pairs)
        size = abs(mean)
        if _clear(gain.mean, gain.low, max(settings.margin(mean), MATTERS * size)):
            share = gain / size if size and not settings.maximize else None
            found.append(Better(rate, gain, share))
    return max(found, key=lambda one: one.gain.mean or 0.0, default=None)


def _curves(study: StudyRecord, standing: Standing) -> Curves | None:
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
