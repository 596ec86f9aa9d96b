"""The study as a cell of a notebook shows it: HTML without scripts, in the cell's colours."""

from html import escape
from pathlib import Path

from steepest.codegen import has_code, own_framework
from steepest.codegen.callbacks import study_code
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.advice import loud, warnings
from steepest.reports.advice_text import advice
from steepest.reports.board import board
from steepest.reports.callbacks_text import stopped
from steepest.reports.outcome_text import outcomes_line, resumed
from steepest.reports.terminal import PAGE, cost_line
from steepest.reports.trivial import alarm

STYLE = """<style>
.steepest p { max-width: 50rem; margin: .5em 0; }
.steepest .wide { overflow-x: auto; overflow-wrap: normal; }
.steepest table { border-collapse: collapse; margin: .5em 0; }
.steepest th, .steepest td { padding: .25em .8em; text-align: right; white-space: nowrap; }
.steepest thead { border-bottom: 1px solid; }
.steepest th:first-child { text-align: left; }
.steepest tbody th { font-weight: normal; }
.steepest .left { text-align: left; white-space: normal; min-width: 12em; }
.steepest .dim { opacity: .75; }
.steepest pre { overflow-x: auto; padding: .6em; border-left: 3px solid; white-space: pre; }
</style>"""


def notebook(study: StudyRecord, verdict: Verdict, where: Path | None = None) -> str:
    """Return the advice, the table, notes, the code to paste and the cost, as an HTML fragment.

    Every name and text of the study is escaped. `where` is the study's directory.
    """
    first, advised = alarm(study, verdict), advice(study, verdict, where)
    parts = [f"<p><strong>{escape(first)}</strong></p>"] if first else []
    parts.append(f"<p><strong>{escape(advised[0])}</strong></p>")
    parts += [f"<p>{escape(one)}</p>" for one in advised[1:]]
    needed, every = loud(study, verdict), warnings(study, verdict)
    parts += [f"<p>Note: {escape(note)}.</p>" for note in needed]
    parts.append(_table(study, verdict))
    name = verdict.recommended
    best = verdict.standings[name].config if name else None
    if best is not None and has_code(best):
        source = escape(study_code(study, best, own_framework(best, study.task)).rstrip())
        parts.append(
            f"<details><summary>Code to paste: {escape(str(name))}</summary>"
            f"<pre><code>{source}</code></pre></details>"
        )
    if lesser := [note for note in every if note not in needed]:
        shown = "".join(f"<p>{escape(note)}.</p>" for note in lesser)
        parts.append(f"<details><summary>Notes</summary>{shown}</details>")
    said = " ".join([outcomes_line(study), resumed(study), stopped(study)]).strip()
    parts.append(f'<p class="dim">{escape(said)}</p>')
    told = f"{study.task.name}: {cost_line(study, verdict)}"
    if where is not None and (where / PAGE).is_file():
        told += f" Report: {where / PAGE}"
    parts.append(f'<p class="dim">{escape(told)}</p>')
    return f'<div class="steepest">{STYLE}{"".join(parts)}</div>'


def _table(study: StudyRecord, verdict: Verdict) -> str:
    found, rows = board(study, verdict), []
    for name, (first, *rest) in zip(found.names, found.rows, strict=True):
        own = escape(first)
        own = f"<strong>{own}</strong>" if name == verdict.winner else own
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest[:-1])
        state = f'<td class="left">{escape(rest[-1])}</td>'
        rows.append(f'<tr><th scope="row">{own}</th>{cells}{state}</tr>')
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in found.titles[:-1])
    titles += f'<th scope="col" class="left">{escape(found.titles[-1])}</th>'
    body = "".join(rows)
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'
