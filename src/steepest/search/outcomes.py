"""Trials that end: trained to their end, or let go, and why."""

import math
from dataclasses import replace

import numpy as np

from steepest.checkpoints import Checkpoints
from steepest.records import Outcome, Trial
from steepest.search.runner import Running

# Times what trials begin with: it only names why a trial was not among the survivors, so one whose
# loss would have come back loses nothing by it. Chosen, not measured.
EXPLODED = 1000.0
UNTRAINED = 0.1  # a loss this share or more below the untrained model's has been learnt; chosen
SAME = (
    1e-6  # relative difference that another program of the same numbers makes: float32's rounding
)


def let_go(running: list[Running], checkpoints: Checkpoints, untrained: float) -> None:
    """Mark trials that do not go on, with why, and forget their states.

    `untrained` is the loss before any training; where nobody knows it, the usual one after an
    epoch stands for it.
    """
    begun = [one.trial.curves.validation_loss[:1] for one in running]
    usual = float(np.median([loss for some in begun for loss in some if np.isfinite(loss)] or [0]))
    known = math.isfinite(untrained)
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs:
            why = _why_not(one.trial, untrained if known else usual, known)
            one.trial = replace(one.trial, outcome=why)
            checkpoints.drop(one.trial.number)


def _why_not(trial: Trial, begin: float, known: bool) -> Outcome:
    """Return why a trial does not go on; `begin` is the loss that trials begin with, and `known`
    says that it is the untrained model's."""
    curves = trial.curves
    last = max((*curves.training_loss[-1:], *curves.validation_loss[-1:]), default=0.0)
    still = len(set(curves.training_loss)) == len(set(curves.validation_loss)) == 1
    if trial.epochs == 1:  # nobody knows whether it moves, unless where it began is known
        still = known and math.isclose(curves.validation_loss[0], begin, rel_tol=SAME)
    elif still and known:  # what is clearly below that has been learnt, within the first epoch
        still = curves.validation_loss[0] > begin - UNTRAINED * abs(begin)
    if still:
        return Outcome.CONSTANT
    if last > EXPLODED * begin > 0:
        return Outcome.EXPLODED
    return Outcome.HALVED


def end_trials(running: list[Running], epochs: int) -> None:
    """Mark the trials that were trained to the end."""
    for one in running:
        if one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs >= epochs:
            one.trial = replace(one.trial, outcome=Outcome.FINISHED)
