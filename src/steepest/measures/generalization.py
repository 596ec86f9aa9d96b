"""Generalization: how much worse a model is on data it was not trained on.

The generalization gap is the validation (or test) loss less the training loss of the same weights.
Optimizers with the same training loss can differ on test data (Wilson et al. 2017, "The marginal
value of adaptive gradient methods in machine learning"). As the gap grows while a model trains, one
that is merely slower has a small gap because it is unfinished; so there is also the gap at a
training loss that all optimizers reached. When the validation loss was lowest, and how far it rose
after that, is over-fitting as early stopping sees it (Prechelt 1998, "Early stopping — but when?").

Losses are compared whatever decides, since a gap needs the same quantity on both sides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steepest.measures.verdict import Verdict
from steepest.records import Settings, StudyRecord, Trial
from steepest.statistics import Estimate, estimate


@dataclass(frozen=True)
class Generalization:
    """One optimizer's, of its confirmed runs; losses, whatever decides."""

    training: Estimate  # loss on the training set at the checkpoint
    measured: bool  # on the training set at the end; otherwise the mean over the epoch
    validation: Estimate  # loss at the same checkpoint
    gap: Estimate  # validation − training
    test_gap: Estimate | None  # test − training, at the end of training; None without test data
    level: float | None  # a training loss that every optimizer reached
    at_equal: (
        Estimate | None
    )  # validation − training loss where the training loss first was `level`
    best_epoch: Estimate  # where the validation loss was lowest, counted from 1
    overfit: Estimate  # how much higher than that the validation loss ended


def generalization(study: StudyRecord, verdict: Verdict) -> Mapping[str, Generalization]:
    """Return how each optimizer with confirmed runs generalizes, best first as in the verdict.

    The checkpoint is the evaluation that decides: the end of training, or the epoch at which what
    decides was best. Estimates are None-valued where a seed was lost; differences are taken seed by
    seed.

    `training` is measured on the training set, with the weights as they ended, where the study
    has that for every seed and the checkpoint is the end. Otherwise it is the mean over the epoch's
    batches that Keras prints: with dropout as in training, and with weights that were on average
    half an epoch older. So it tends to be above the loss of the checkpoint's weights, and the gap
    too small, even negative. `test_gap` takes the training loss at the end, measured there if all
    seeds have that.

    `at_equal` compares these running means for all optimizers, measured at the end or not, as there
    is nothing else along the curve. The level is the highest, over optimizers and seeds, of the
    lowest one that a run had; optimizers with a diverged seed do not set it. A run is at the level
    when its running mean first falls to it; training and validation loss between two
    evaluations are on the line between them. A run that starts below it has its first evaluation's
    gap, which is at a lower training loss and so rather too large. A seed that diverged before is
    left out; the estimate is None-valued if more than half of them did.
    """
    runs = {
        name: [t for t in study.confirmed(name) if t.config.seed in standing.seeds]
        for name, standing in verdict.standings.items()
        if standing.seeds
    }
    level = _level(list(runs.values()))
    return {name: _of(study.settings, trials, level) for name, trials in runs.items()}


def _of(settings: Settings, trials: Sequence[Trial], level: float | None) -> Generalization:
    every = all(_known(trial.training) for trial in trials)
    measured = every and settings.at == "end"
    at = [_checkpoint(settings, trial) for trial in trials]
    ended = [_training(trial, -1, every) for trial in trials]
    training = [_training(t, i, measured) for t, i in zip(trials, at, strict=True)]
    validation = [_at(t, t.curves.validation_loss, i) for t, i in zip(trials, at, strict=True)]
    tested = any(_known(trial.test) for trial in trials)
    tests = [(trial.test or {}).get("loss", math.nan) for trial in trials]
    lowest = [_lowest(trial) for trial in trials]
    epochs = [
        math.nan if i is None else float(trial.curves.epoch[i])
        for trial, i in zip(trials, lowest, strict=True)
    ]
    rises = [
        _at(trial, trial.curves.validation_loss, -1) - _at(trial, trial.curves.validation_loss, i)
        for trial, i in zip(trials, lowest, strict=True)
    ]
    return Generalization(
        training=estimate(training),
        measured=measured,
        validation=estimate(validation),
        gap=_difference(validation, training),
        test_gap=_difference(tests, ended) if tested else None,
        level=level,
        at_equal=None if level is None else _at_equal(trials, level),
        best_epoch=estimate(epochs).clipped(1.0, float(max(map(_length, trials)))),
        overfit=estimate(rises).clipped(),
    )


def _known(values: Mapping[str, float] | None) -> bool:
    return values is not None and "loss" in values


def _at(trial: Trial, curve: Sequence[float], i: int | None) -> float:
    """Return a value of a curve; NaN if the trial was lost or there is none."""
    if trial.lost or i is None or not curve:
        return math.nan
    return curve[i]


def _training(trial: Trial, i: int | None, measured: bool) -> float:
    if measured and trial.training is not None and not trial.lost:
        return trial.training["loss"]
    return _at(trial, trial.curves.training_loss, i)


def _checkpoint(settings: Settings, trial: Trial) -> int | None:
    """Return the index of the evaluation that decides."""
    if settings.at == "end":
        return -1
    place = settings.place(trial)
    return len(trial.watched(settings.decides)) + place if place else None


def _length(trial: Trial) -> int:
    return max(trial.curves.epoch, default=1)


def _lowest(trial: Trial) -> int | None:
    """Return the index of the first evaluation with the lowest validation loss."""
    losses = trial.curves.validation_loss
    able = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
    return min(able, key=losses.__getitem__, default=None)


def _difference(above: Sequence[float], below: Sequence[float]) -> Estimate:
    return estimate([a - b for a, b in zip(above, below, strict=True)])


def _level(runs: Sequence[Sequence[Trial]]) -> float | None:
    """Return the lowest running training loss that every run had, of optimizers that trained."""
    able = [trials for trials in runs if all(not t.lost for t in trials)]
    lowest = [
        min((loss for loss in trial.curves.training_loss if math.isfinite(loss)), default=math.nan)
        for trials in able
        for trial in trials
    ]
    return max((loss for loss in lowest if math.isfinite(loss)), default=None)


def _at_equal(trials: Sequence[Trial], level: float) -> Estimate:
    gaps = [gap for trial in trials if (gap := _gap_at(trial, level)) is not None]
    return estimate(gaps if 2 * len(gaps) >= len(trials) else ())


def _gap_at(trial: Trial, level: float) -> float | None:
    """Return validation − training loss where the training loss first was `level`, or None."""
    training, validation = trial.curves.training_loss, trial.curves.validation_loss
    for i, (loss, after) in enumerate(zip(training, validation, strict=False)):
        if not (math.isfinite(after) and loss <= level and math.isfinite(loss)):
            continue
        whole = i > 0 and math.isfinite(training[i - 1]) and math.isfinite(validation[i - 1])
        if not whole or training[i - 1] <= level:
            return after - loss
        part = (training[i - 1] - level) / (training[i - 1] - loss)
        return validation[i - 1] + part * (after - validation[i - 1]) - level
    return None
