"""All that is measured of one study, beside its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

from steepest.measures.cost import Cost, cost
from steepest.measures.generalization import Generalization, generalization
from steepest.measures.sensitivity import Sensitivity, sensitivity
from steepest.measures.speed import Speeds, speeds
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord


@dataclass(frozen=True)
class Measures:
    """Each optimizer's measures, best first as in the verdict."""

    speed: Speeds
    generalization: Mapping[str, Generalization]
    sensitivity: Mapping[str, Sensitivity]
    cost: Mapping[str, Cost]


def measure(
    study: StudyRecord, verdict: Verdict, target: float | None = None, reference: str | None = None
) -> Measures:
    """Return all measures; `target` and `reference` are as `speeds` takes them."""
    return Measures(
        speeds(study, verdict, target, reference),
        generalization(study, verdict),
        sensitivity(study, verdict),
        cost(study, verdict),
    )
