"""A study as one page that opens without a network: the verdict, the evidence, how it was done."""

from typing import Any

from steepest.errors import InputError
from steepest.export import code, has_code
from steepest.export.spelling import NAMES
from steepest.measures.measured import Measures
from steepest.measures.verdict import Verdict
from steepest.records import Study
from steepest.reports import measure_tables
from steepest.reports import page_tables as tables
from steepest.reports import page_trials as trials
from steepest.reports.advice import warnings
from steepest.reports.command import command_and_notes
from steepest.reports.endings import unchanged
from steepest.reports.figures.cost import cost_picture
from steepest.reports.figures.curves import curves_picture
from steepest.reports.figures.generalization import gaps_picture, paths_picture
from steepest.reports.figures.searching import expected_picture, importance_picture
from steepest.reports.figures.style import Look, Picture, looks
from steepest.reports.figures.tried import rates_picture, tried_pictures
from steepest.reports.figures.trying import trying_picture
from steepest.reports.figures.verdict import verdict_picture
from steepest.reports.page_base import render
from steepest.reports.page_method import DEFINITIONS, method, searched
from steepest.reports.sentence import many, sentence
from steepest.rules import FRAMEWORKS

SECTIONS = (
    ("speed", "Convergence speed"),
    ("generalization", "Generalization"),
    ("sensitivity", "Hyperparameter sensitivity"),
    ("cost", "Cost"),
)


def page(study: Study, verdict: Verdict, measured: Measures | None, where: str = "") -> str:
    """Return the report page as HTML, about 2 MB, most of which is the library that draws.

    Args:
        study: any study, finished or not.
        verdict: what `judge` says of it.
        measured: its measures; without them, and for those that are empty, the page says so.
        where: the study file's path, to be shown; nothing is read from it.
    """
    look = looks(list(study.optimizers))
    pictures = _pictures(study, verdict, measured, look)
    told = sentence(study, verdict)
    first, found, test = told.rpartition(" On test: ")
    every = trials.rows(study, look)
    return render(
        "report.html.j2",
        look,
        pictures,
        {"trials": every},
        task=study.task,
        study=study,
        verdict=verdict,
        winner=verdict.winner,
        where=where,
        badge=_badge(study, verdict),
        headline=first if found else told,
        on_test=f"On test: {test}" if found else "",
        facts=_facts(study),
        warnings=warnings(study, verdict),
        tried=[key for key in pictures if key.startswith("tried-")],
        unimportant=tables.unimportant(study, measured),
        standings=tables.standings_table(study, verdict),
        found=tables.found_table(study, verdict),
        sections=SECTIONS,
        tables=_tables(measured),
        measured=measured is not None,
        code=_code(study, verdict),
        frameworks=NAMES,
        trials=every,
        outcomes=trials.outcomes(study),
        spent=trials.spent_table(study),
        command=command_and_notes(study),
        method=method(study),
        spaces=searched(study),
        definitions=DEFINITIONS,
    )


def _pictures(
    study: Study, verdict: Verdict, measured: Measures | None, look: dict[str, Look]
) -> dict[str, Picture]:
    """Return all pictures that this study has, by the name that the page has for them."""
    speeds = measured.speed if measured else None
    found: dict[str, Picture | None] = {
        "verdict": verdict_picture(study, verdict, look),
        "curves": curves_picture(study, verdict, look, speeds),
    }
    if found["curves"] is None:
        found["trying"] = trying_picture(study, look)
    if measured:
        found |= {
            "gaps": gaps_picture(measured.generalization, look),
            "paths": paths_picture(study, measured.generalization, look),
            "rates": rates_picture(study, measured.sensitivity, look),
            "expected": expected_picture(study, measured.sensitivity, look),
            "importance": importance_picture(measured.sensitivity, look),
            "cost": cost_picture(measured.cost, look),
        }
        for i, one in enumerate(tried_pictures(study, measured.sensitivity, look)):
            found[f"tried-{i}"] = one
    return {key: one for key, one in found.items() if one is not None}


def _tables(measured: Measures | None) -> dict[str, tables.Table]:
    """Return a table a measure, of those that say something of an optimizer."""
    if measured is None:
        return {}
    found = {}
    if measured.speed.target and measured.speed.optimizers:
        found["speed"] = measure_tables.speed_table(measured.speed)
    if measured.generalization:
        found["generalization"] = measure_tables.gap_table(measured.generalization)
    if measured.sensitivity:
        found["sensitivity"] = measure_tables.sensitivity_table(measured.sensitivity)
    if measured.cost:
        found["cost"] = measure_tables.cost_table(measured.cost)
    return found


def _badge(study: Study, verdict: Verdict) -> tuple[str, str]:
    """Return what kind of verdict it is, for the page's colours, and in words."""
    if verdict.leader is None or (study.finished and unchanged(study)):
        return "none", "No verdict"
    if not study.finished:
        return "none", "Not finished"
    if verdict.winner:
        return "winner", f"Winner: {verdict.winner}"
    if verdict.tied_with:
        return "tie", f"Tie of {1 + len(verdict.tied_with)}"
    return "none", "Undecided"


def _facts(study: Study) -> str:
    task = study.task
    test = f", {task.test_examples:,} test" if task.test_examples else ""
    return (
        f"{task.parameters:,} weights to train; {task.training_examples:,} training, "
        f"{task.validation_examples:,} validation{test} examples; {many(task.epochs, 'epoch')} "
        f"of batch size {task.batch_size}; {len(study.optimizers)} "
        f"optimizer{'s' if len(study.optimizers) != 1 else ''}, {len(study.trials):,} trials"
    )


def _code(study: Study, verdict: Verdict) -> list[dict[str, Any]]:
    """Return the source for each optimizer that was confirmed, the recommended one first."""
    found = []
    for standing in verdict.standings.values():
        config = standing.config
        if config is None or not has_code(config):
            continue
        try:
            source = {f: code(config, study.task, f).rstrip() for f in FRAMEWORKS}
        except InputError:  # a study file that a rule of this version does not know
            continue
        found.append({"name": standing.name, "source": source})
    found.sort(key=lambda one: one["name"] != verdict.recommended)
    return found
