"""Hyperparameter sensitivity: how much it matters that a hyperparameter is right.

Each part has its definition in a file of its own. All of it is of what decides, in its own unit, of
the trials in the study file; nothing is trained for it here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from steepest.measures.defaults import Default, default
from steepest.measures.expected import Expected, expected
from steepest.measures.importance import importance
from steepest.measures.rates import Band, Rates, band, decade, rates
from steepest.measures.search_trials import Point, common_length, searched, tried
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.statistics import Estimate

__all__ = [
    "Band",
    "Default",
    "Expected",
    "Point",
    "Rates",
    "Sensitivity",
    "sensitivity",
]


@dataclass(frozen=True)
class Sensitivity:
    """One optimizer's; None where there are too few trials to say it."""

    tried: Mapping[str, tuple[Point, ...]]  # each searched number against the result, at one length
    tried_epochs: int
    rates: Rates | None
    band: Band | None
    decade: Estimate | None  # mean excess over the best, one decade either side (Wortsman 2023)
    expected: Expected | None
    importance: Mapping[str, Estimate]  # of each searched hyperparameter; they sum to 1
    default: Default | None


def sensitivity(study: StudyRecord, verdict: Verdict) -> Mapping[str, Sensitivity]:
    """Return how sensitive each optimizer with trials is, best first as in the verdict.

    Trials of the search are compared at one length, `tried_epochs`: the longest at which half of
    them, and five, have a result. Results there are as if training had ended there.
    """
    having = {trial.optimizer for trial in study.trials}
    return {name: _sensitivity(study, name) for name in verdict.standings if name in having}


def _sensitivity(study: StudyRecord, name: str) -> Sensitivity:
    trials = searched(study, name)
    epochs = common_length(study, trials)
    curve = rates(study, name, trials, epochs)
    return Sensitivity(
        tried=tried(study, name, trials, epochs),
        tried_epochs=epochs,
        rates=curve,
        band=band(study, curve),
        decade=decade(study, name, curve),
        expected=expected(study, trials),
        importance=importance(study, name, trials, epochs),
        default=default(study, name),
    )
