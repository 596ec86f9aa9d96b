"""The study as Markdown, to paste into an issue, a pull request or a notebook of one's own."""

import re

from steepest.export import code, has_code
from steepest.measures.measured import Measures
from steepest.measures.verdict import Verdict
from steepest.records import Study
from steepest.reports.advice import warnings
from steepest.reports.endings import cell, line, resumed
from steepest.reports.sentence import deciding, sentence
from steepest.reports.summary import interval, summary
from steepest.reports.terminal import cost_line, searched_values, test_name

LINK = re.compile(r"(https?|ftp|mailto|xmpp|www)([:.])", re.IGNORECASE)


def markdown(study: Study, verdict: Verdict, measures: Measures) -> str:
    """Return verdict, tables, warnings, code and cost. What a person named is shown, not run."""
    task, found = study.task, summary(study, verdict, measures)
    parts = [
        f"# {plain(task.name)}",
        f"**{plain(sentence(study, verdict))}**",
        _table(*_results(study, verdict)),
        _table(("optimizer", "best hyperparameters found"), list(searched_values(study, verdict))),
    ]
    if len(found.titles) > 1 and found.rows:
        parts += ["## Measures", _table(found.titles, list(found.rows))]
        parts += ["\n".join(f"- {plain(note)}." for note in found.notes)]
    warned = warnings(study, verdict)
    if warned:
        parts += ["## Notes", "\n".join(f"- {plain(each)}." for each in warned)]
    best = verdict.standings[verdict.recommended].config if verdict.recommended else None
    if best is not None and has_code(best):
        source = code(best, task, best.dialect).rstrip()
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
        parts += ["## Code", f"{fence}python\n{source}\n{fence}"]
    parts.append(plain(" ".join([line(study), resumed(study)]).strip()))
    parts += [
        f"{task.parameters:,} parameters, {task.training_examples:,} training and "
        f"{task.validation_examples:,} validation examples, {task.epochs} epochs of batch size "
        f"{task.batch_size}. {plain(cost_line(study, verdict))}"
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    escaped = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", " ".join(text.split()))
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # GitHub makes links of what looks like an address.
    return LINK.sub(lambda found: f"{found[1]}&#{ord(found[2])};", escaped)


def _results(study: Study, verdict: Verdict) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    tested = test_name(study)
    titles = ("optimizer", deciding(study.settings), f"test {tested}", "seeds", "chance")
    rows: list[tuple[str, ...]] = [
        (
            name,
            (cell(s) if s.seeds else None) or interval(s.value),
            interval(s.test.get(tested)),
            str(len(s.seeds)),
            f"{s.probability:.0%}" if s.seeds else "-",
        )
        for name, s in verdict.standings.items()
    ]
    return titles, rows


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    shown = [
        line if i == 1 else tuple(plain(cell) for cell in line) for i, line in enumerate(lines)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in shown)
