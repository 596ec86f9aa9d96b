"""Was anything learnt? The best result against the trivial predictor of the task.

The best optimizer's mean over its fresh seeds has to be better than what one answer for every
example reaches on the same validation set (`TaskFacts.trivial`), by more than the standard error
of that mean. Where it is so by less than 2 %, the untrained model's loss counts too, which may be
lower with few labels of many classes; it is of one seed, so it is no floor for who learnt more.
With one seed there is no such error, and any difference counts. A 95 % interval would be too wide
for this: that of two seeds reaches thirteen standard errors to either side, and a good model would
be said to have learnt nothing.

What is not better in what decides may still have learnt: at an epoch before the last, or by another
measure. That has to be clear, as the best of many epochs is a lucky one: by 2 % of the trivial
value and by two standard errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steepest.measures.verdict import Standing, Verdict
from steepest.records import Outcome, StudyRecord, Trial

# Shares of the trivial value, which guard against calling luck learnt: a result has to be better by
# 2 % of it, and by two standard errors.
CLEARLY = 0.02
NEAR, FAR = 0.05, 10.0  # data whose largest number lies between these is on a usual scale
HARDLY = 0.5  # of the way from the untrained loss to the trivial one: less has hardly moved
FITTED = 0.5  # of the trivial loss; a loss in training below that is no lack of fitting


@dataclass(frozen=True)
class Unlearnt:
    """A best result that is no better than the trivial predictor's."""

    standing: Standing  # of the best optimizer
    answer: str  # the trivial predictor in words
    trivial: float  # what it reaches, in what decides
    below: bool  # whether the result is better, but by less than its error
    # What was learnt all the same: what decides or another measure, its value, the trivial one's,
    # and the epoch if it was not the last.
    otherwise: tuple[str, float, float, int | None] | None = None


def unlearnt(study: StudyRecord, verdict: Verdict) -> Unlearnt | None:
    """Return how the best result fails the trivial predictor; None if it does not, or who knows."""
    trivial, settings = study.task.trivial, study.settings
    if trivial is None or verdict.leader is None or settings.decides not in trivial.values:
        return None
    standing = verdict.standings[verdict.leader]
    value, floor, answer = standing.value.mean, trivial.values[settings.decides], trivial.answer
    sign = -1.0 if settings.maximize else 1.0
    if value is None or standing.lost:
        return None
    untrained = study.initial.get("loss", math.inf) if settings.decides == "loss" else math.inf
    if untrained < floor and value > floor - CLEARLY * abs(floor):
        floor, answer = untrained, "the untrained model"
    better = sign * (floor - value)
    if better > _error(standing.value.values):
        return None
    return Unlearnt(standing, answer, floor, better > 0, _otherwise(study, standing, floor))


def learnt(study: StudyRecord, verdict: Verdict) -> bool | None:
    """Return whether the best result is better than the trivial one; None where nobody knows."""
    trivial = study.task.trivial
    known = trivial is not None and study.settings.decides in trivial.values
    if not known or verdict.leader is None or verdict.standings[verdict.leader].lost:
        return None
    return unlearnt(study, verdict) is None


def unscaled(study: StudyRecord) -> dict[str, tuple[float, ...]]:
    """Return lowest and highest of the inputs and targets that are far from a usual scale."""
    spans = study.task.trivial.spans if study.task.trivial else {}
    return {
        name: span
        for name, span in spans.items()
        if not NEAR <= max(map(abs, span)) <= FAR and any(span)
    }


def hardly_moved(study: StudyRecord, found: Unlearnt) -> float | None:
    """Return the untrained loss if the result has hardly come down from it, else None."""
    untrained, loss = study.initial.get("loss", math.nan), found.standing.loss.mean
    trivial = study.task.trivial.values.get("loss", 0.0) if study.task.trivial else 0.0
    least = untrained - HARDLY * (untrained - min(max(trivial, 0.0), untrained))
    if loss is None or not untrained > 0 or not least < loss <= untrained:
        return None
    # The untrained model is of another seed: where runs were above it after an epoch, they came
    # from higher still.
    curves = [t.curves.validation_loss for t in study.confirmed(found.standing.name)]
    begun = [losses[0] for losses in curves if losses]
    return untrained if begun and sum(begun) / len(begun) <= untrained else None


def fitted(study: StudyRecord) -> Trial | None:
    """Return the trial that fits the training data best, if that is far below the trivial loss."""
    trivial = study.task.trivial.values.get("loss", math.nan) if study.task.trivial else math.nan
    able = [t for t in study.trials if not t.lost and t.curves.training_loss]
    able = [t for t in able if t.curves.training_loss[-1] < trivial - FITTED * abs(trivial)]
    return min(able, key=lambda t: (t.curves.training_loss[-1], t.number), default=None)


def _otherwise(
    study: StudyRecord, standing: Standing, floor: float
) -> tuple[str, float, float, int | None] | None:
    settings = study.settings
    known = dict(study.task.trivial.values if study.task.trivial else {})
    known[settings.decides] = floor
    directions = {settings.decides: "up" if settings.maximize else "down"}
    directions = {"loss": "down", **study.task.directions, **directions}
    runs = [
        trial
        for trial in study.confirmed(standing.name)
        if trial.config.seed in standing.seeds and trial.outcome is Outcome.FINISHED
    ]
    for name in dict.fromkeys((settings.decides, "loss", *study.task.metrics)):
        if name not in known or name not in directions or not runs:
            continue
        sign = -1.0 if directions[name] == "up" else 1.0
        epoch = _best_epoch(runs, name, sign) if name in (settings.decides, "loss") else -1
        values = [trial.watched(name)[epoch] for trial in runs if trial.watched(name)]
        if len(values) < len(runs) or not all(map(math.isfinite, values)):
            continue
        mean = math.fsum(values) / len(values)
        least = max(CLEARLY * abs(known[name]), 2 * _error(values))
        if sign * (known[name] - mean) > least:
            last = epoch in (-1, len(runs[0].curves.epoch) - 1)
            return name, mean, known[name], None if last else epoch + 1
    return None


def _best_epoch(runs: Sequence[Trial], name: str, sign: float) -> int:
    """Return the index of the epoch that is best in the mean of all runs."""
    curves = [trial.watched(name) for trial in runs]
    means = [sign * math.fsum(column) for column in zip(*curves, strict=False)]
    places = [i for i, mean in enumerate(means) if math.isfinite(mean)]
    return min(places, key=lambda i: means[i], default=-1)


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean; 0 of one value."""
    count = len(values)
    if count < 2:
        return 0.0
    mean = math.fsum(values) / count
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1) / count)
