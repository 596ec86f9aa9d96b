"""All pictures of a study, by the name that the page has for them."""

from collections.abc import Mapping

from steepest.measures.measure import Measures
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.figures.best_so_far import best_pictures
from steepest.reports.figures.cost import cost_picture
from steepest.reports.figures.curves import curves_picture
from steepest.reports.figures.generalization import gaps_picture, paths_picture
from steepest.reports.figures.hyperparameters import hyperparameter_pictures
from steepest.reports.figures.parallel import parallel_pictures
from steepest.reports.figures.rates import rates_picture
from steepest.reports.figures.search_curves import search_curves_picture
from steepest.reports.figures.search_effort import expected_picture, importance_picture
from steepest.reports.figures.style import Look, Picture
from steepest.reports.figures.today import today_picture
from steepest.reports.figures.verdict import verdict_picture


def all_pictures(
    study: StudyRecord, verdict: Verdict, measured: Measures | None, look: Mapping[str, Look]
) -> dict[str, Picture]:
    """Return all pictures that this study has; those of measures only with `measured`."""
    speeds = measured.speed if measured else None
    best = best_pictures(study, look)
    found: dict[str, Picture | None] = {
        "today": today_picture(study, verdict, look),
        "verdict": verdict_picture(study, verdict, look),
        "rates": rates_picture(study, verdict, look),
        "curves": curves_picture(study, verdict, look, speeds),
        "trying": search_curves_picture(study, look),
        "best": best[0] if best else None,
        "best-seconds": best[1] if best else None,
    }
    for i, one in enumerate(parallel_pictures(study, look)):
        found[f"parallel-{i}"] = one
    if measured:
        found |= {
            "gaps": gaps_picture(measured.generalization, look),
            "paths": paths_picture(study, measured.generalization, look),
            "expected": expected_picture(study, measured.sensitivity, look),
            "importance": importance_picture(measured.sensitivity, look),
            "cost": cost_picture(study, measured.cost, look),
        }
        for i, one in enumerate(hyperparameter_pictures(study, measured.sensitivity, look)):
            found[f"tried-{i}"] = one
    return {key: one for key, one in found.items() if one is not None}
