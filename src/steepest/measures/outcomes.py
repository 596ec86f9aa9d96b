"""Outcomes of trials, counted; and trials that went wrong though their losses are finite."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steepest.records import Outcome, Stage, StudyRecord, Trial

EXPLODED = 1000.0  # times the loss at the start; the search stops trials at as much
NOISE = 0.05  # by which the training loss of weights that do not move may differ
UNTRAINED = 0.1  # a loss this share or more below the untrained model's has been learnt
OTHER_SEED = 0.5  # and where the untrained model was of another seed, as far as those are apart
SAME = 1e-6  # relative difference that another program of the same numbers makes


@dataclass(frozen=True)
class OutcomeCounts:
    """How some trials ended; those that are still in training are not counted."""

    trials: int
    counts: Mapping[Outcome, int]  # in the order of `Outcome`; those that none had are not there
    reasons: Mapping[str, int]  # why some failed, the most common reason first
    lowest_rate: float | None  # of the learning rates with which some diverged or exploded
    unchanged: int  # whose loss never changed, whether they went on or not

    def of(self, *outcomes: Outcome) -> int:
        """Return how many ended so."""
        return sum(self.counts.get(one, 0) for one in outcomes)

    @property
    def lost(self) -> int:
        """How many gave nothing to compare by."""
        return self.of(Outcome.DIVERGED, Outcome.FAILED)


def count_outcomes(study: StudyRecord, trials: Iterable[Trial]) -> OutcomeCounts:
    """Return how `trials`, some of the study's, ended."""
    ended = [t for t in trials if t.outcome is not Outcome.UNFINISHED]
    counts = Counter(t.outcome for t in ended)
    high = [t for t in ended if t.outcome in (Outcome.DIVERGED, Outcome.EXPLODED)]
    rates = [t.config.hyperparameters.get("learning_rate") for t in high]
    reasons = Counter(
        " ".join(t.reason.split()) or "no reason was kept"
        for t in ended
        if t.outcome is Outcome.FAILED
    )
    return OutcomeCounts(
        len(ended),
        {one: counts[one] for one in Outcome if counts[one]},
        dict(reasons.most_common()),
        min((r for r in rates if isinstance(r, float) and math.isfinite(r)), default=None),
        sum(t.outcome is Outcome.CONSTANT or never_changed(study, t) for t in ended),
    )


def never_changed(study: StudyRecord, trial: Trial) -> bool:
    """Return whether the validation loss was the same to the last bit after every epoch, and the
    training loss but for what dropout and the order of the examples make of it.

    Of two epochs and more, or of one where the untrained model's loss is known. A loss that is
    clearly below the untrained model's had changed, within the first epoch: it is as good as it
    gets. The untrained model has the search's seed, so of fresh seeds more is asked.
    """
    losses, training = trial.curves.validation_loss, trial.curves.training_loss
    initial = study.initial.get("loss", math.nan)
    if trial.lost or not losses or len(set(losses)) > 1 or not math.isfinite(losses[0]):
        return False
    if not max(training) - min(training) <= NOISE * abs(training[0]):
        return False
    if not math.isfinite(initial):
        return len(losses) > 1
    if len(losses) == 1:
        return math.isclose(losses[0], initial, rel_tol=SAME)
    share = UNTRAINED if trial.stage is Stage.SEARCH else OTHER_SEED
    return losses[0] > initial - share * abs(initial)


def blew_up(study: StudyRecord, trial: Trial) -> float | None:
    """Return how many times its first value the validation loss ended at, if more than a thousand.

    The first value is the untrained model's or the first epoch's, whichever is lower. None too
    where that is not above 0, or the trial was lost.
    """
    losses, initial = trial.curves.validation_loss, study.initial.get("loss", math.nan)
    if trial.lost or not losses or not math.isfinite(losses[-1]):
        return None
    first = min((v for v in (losses[0], initial) if math.isfinite(v)), default=math.nan)
    if not first > 0 or losses[-1] <= EXPLODED * first:
        return None
    return losses[-1] / first


def is_undecided(study: StudyRecord, trial: Trial) -> bool:
    """Return whether what decides was evaluated and is NaN, though the trial was not lost: a metric
    of a person's own that divides by zero, say."""
    known = trial.watched(study.settings.decides)
    return bool(known) and not trial.lost and math.isnan(study.settings.value(trial))
