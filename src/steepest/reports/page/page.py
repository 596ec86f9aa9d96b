"""A study as one page that opens without a network: the verdict, the evidence, how it was done."""

from typing import Any

from steepest.codegen import has_code
from steepest.codegen.callbacks import study_code
from steepest.codegen.spelling import NAMES
from steepest.errors import InputError
from steepest.measures.measure import Measures
from steepest.measures.verdict import Status, Verdict
from steepest.records import StudyRecord
from steepest.reports import measure_tables
from steepest.reports.advice import warnings
from steepest.reports.advice_text import advice
from steepest.reports.command import command_and_notes
from steepest.reports.figures.pictures import all_pictures
from steepest.reports.figures.style import looks
from steepest.reports.outcome_text import unchanged
from steepest.reports.page import tables as tables
from steepest.reports.page import trials_table
from steepest.reports.page.document import render
from steepest.reports.page.method import DEFINITIONS, method, searched
from steepest.reports.page.methods_text import bibtex, methods
from steepest.reports.trivial import alarm, is_nothing
from steepest.reports.verdict_text import deciding
from steepest.rules import FRAMEWORKS
from steepest.text import listed, many

SECTIONS = (  # what is folded
    ("table", "All numbers"),
    ("speed", "Convergence speed"),
    ("generalization", "Generalization"),
    ("sensitivity", "Hyperparameter sensitivity"),
    ("search", "The search"),
    ("cost", "Cost"),
    ("trials", "Every trial"),
    ("method", "How it was done"),
)
FEW = 6  # optimizers that the first picture may have
NOTES = 3  # warnings that are not folded


def page(study: StudyRecord, verdict: Verdict, measured: Measures | None, where: str = "") -> str:
    """Return the report page as HTML, about 0.7 MB, most of which is the library that draws.

    Args:
        study: any study, finished or not.
        verdict: what `judge` says of it.
        measured: its measures; without them, and for those that are empty, the page says so.
        where: the study file's path, to be shown; nothing is read from it.
    """
    look = looks(list(study.optimizers))
    pictures = all_pictures(study, verdict, measured, look)
    told, *more = advice(study, verdict)
    first, found, test = told.rpartition(" On test: ")
    cautions = warnings(study, verdict)
    every = trials_table.rows(study, look)
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
        alarm=alarm(study, verdict),
        headline=first if found else told,
        advice=[*more, *([f"On test: {test}"] if found else [])],
        facts=_facts(study),
        warnings=cautions[:NOTES],
        more_warnings=cautions[NOTES:],
        tried=[key for key in pictures if key.startswith("tried-")],
        parallel=[key for key in pictures if key.startswith("parallel-")],
        unimportant=tables.unimportant(study, measured),
        standings=tables.standings_table(study, verdict),
        found=tables.found_table(study, verdict),
        sections=SECTIONS,
        tables=_tables(study, measured),
        measured=measured is not None,
        code=_code(study, verdict),
        frameworks=_frameworks(study),
        trials=every,
        outcomes=trials_table.outcomes(study),
        spent=trials_table.spent_table(study),
        command=command_and_notes(study),
        paragraph=methods(study),
        bibtex=bibtex(study),
        method=method(study),
        spaces=searched(study),
        deciding=deciding(study.settings),
        first="today" if "today" in pictures else "verdict" if len(look) <= FEW else "",
        definitions=DEFINITIONS,
    )


def _tables(study: StudyRecord, measured: Measures | None) -> dict[str, tables.Table]:
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
        found["cost"] = measure_tables.cost_table(study, measured.cost)
    return found


def _badge(study: StudyRecord, verdict: Verdict) -> tuple[str, str]:
    """Return what kind of verdict it is, for the page's colours, and in words."""
    if verdict.leader is None or (study.finished and unchanged(study)):
        return "none", "No verdict"
    if not study.finished:
        return "none", "Not finished"
    if is_nothing(study, verdict):
        return "none", "Nothing was learnt"
    if verdict.winner:
        return "winner", f"Winner: {verdict.winner}"
    if len(study.optimizers) == 1:
        return "none", f"Tuned: {verdict.leader}"
    if verdict.status is Status.EQUAL:
        return "equal", f"As good as each other: {listed([verdict.leader, *verdict.equal])}"
    return "open", "Not decided yet"


def _facts(study: StudyRecord) -> str:
    task = study.task
    test = f", {task.test_examples:,} test" if task.test_examples else ""
    return (
        f"{task.parameters:,} weights to train; {task.training_examples:,} training, "
        f"{task.validation_examples:,} validation{test} examples; {many(task.epochs, 'epoch')} "
        f"of batch size {task.batch_size}; {len(study.optimizers)} "
        f"optimizer{'s' if len(study.optimizers) != 1 else ''}, {len(study.trials):,} trials"
    )


def _frameworks(study: StudyRecord) -> dict[str, str]:
    """Return the names of the frameworks that there is code for, the model's own first."""
    own = study.task.framework
    return {own: NAMES[own], **NAMES}


def _code(study: StudyRecord, verdict: Verdict) -> list[dict[str, Any]]:
    """Return the source for each optimizer that was confirmed, the recommended one first."""
    found = []
    for standing in verdict.standings.values():
        config = standing.config
        if config is None or not has_code(config):
            continue
        try:
            source = {f: study_code(study, config, f).rstrip() for f in FRAMEWORKS}
        except InputError:  # a study file that a rule of this version does not know
            continue
        found.append({"name": standing.name, "source": source})
    found.sort(key=lambda one: one["name"] != verdict.recommended)
    return found
