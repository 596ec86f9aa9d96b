"""The study as Markdown, to paste into an issue, a pull request or a notebook of one's own."""

import re

from steepest.codegen import has_code, own_framework
from steepest.codegen.callbacks import study_code
from steepest.measures.measure import Measures
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.advice import warnings
from steepest.reports.advice_text import advice
from steepest.reports.board import board
from steepest.reports.callbacks_text import stopped
from steepest.reports.config_text import shown_name
from steepest.reports.outcome_text import outcomes_line, resumed
from steepest.reports.summary import summary
from steepest.reports.terminal import cost_line, searched_values, task_line
from steepest.reports.trivial import alarm

LINK = re.compile(r"(https?|ftp|mailto|xmpp|www)([:.])", re.IGNORECASE)


def markdown(study: StudyRecord, verdict: Verdict, measures: Measures) -> str:
    """Return verdict, tables, warnings, code and cost. What a person named is shown, not run."""
    task, found = study.task, summary(study, verdict, measures)
    first, advised, standings = (
        alarm(study, verdict),
        advice(study, verdict),
        board(study, verdict),
    )
    values: list[tuple[str, ...]] = [
        (shown_name(study, name), text) for name, text in searched_values(study, verdict)
    ]
    parts = [
        f"# {escaped(task.name)}",
        f"**{escaped(first)}**" if first else "",
        f"**{escaped(advised[0])}**",
        escaped(" ".join(advised[1:])),
        _table(standings.titles, list(standings.rows)),
        _table(("optimizer", "best hyperparameters found"), values),
    ]
    if len(found.titles) > 1 and found.rows:
        parts += ["## Measures", _table(found.titles, list(found.rows))]
        parts += ["\n".join(f"- {escaped(note)}." for note in found.notes)]
    warned = warnings(study, verdict)
    if warned:
        parts += ["## Notes", "\n".join(f"- {escaped(each)}." for each in warned)]
    best = verdict.standings[verdict.recommended].config if verdict.recommended else None
    if best is not None and has_code(best):
        source = study_code(study, best, own_framework(best, task)).rstrip()
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
        parts += ["## Code", f"{fence}python\n{source}\n{fence}"]
    parts.append(escaped(" ".join([outcomes_line(study), resumed(study), stopped(study)]).strip()))
    parts += [f"{escaped(task_line(study))} {escaped(cost_line(study, verdict))}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    shown = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", " ".join(text.split()))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # GitHub makes links of what looks like an address.
    return LINK.sub(lambda found: f"{found[1]}&#{ord(found[2])};", shown)


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    shown = [
        line if i == 1 else tuple(escaped(cell) for cell in line) for i, line in enumerate(lines)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in shown)
