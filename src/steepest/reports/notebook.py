"""The study as a cell of a notebook shows it: HTML without scripts, in the cell's colours."""

from html import escape

from steepest.export import code, has_code
from steepest.measures.verdict import Standing, Verdict
from steepest.records import Study
from steepest.reports.advice import warnings
from steepest.reports.endings import cell, line, nothing_found, resumed
from steepest.reports.sentence import deciding, sentence, show

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


def notebook(study: Study, verdict: Verdict) -> str:
    """Return the verdict, the table, warnings, the code to paste and the cost, as an HTML fragment.

    Every name and text of the study is escaped.
    """
    parts = [f"<p><strong>{escape(sentence(study, verdict))}</strong></p>", _table(study, verdict)]
    parts += [f"<p>Note: {escape(warning)}.</p>" for warning in warnings(study, verdict)]
    name = verdict.recommended
    best = verdict.standings[name].config if name else None
    if best is not None and has_code(best):
        source = escape(code(best, study.task, best.dialect).rstrip())
        parts.append(
            f"<details><summary>Code to paste: {escape(str(name))}</summary>"
            f"<pre><code>{source}</code></pre></details>"
        )
    again = resumed(study)
    parts.append(f'<p class="dim">{escape(" ".join([line(study), again]).strip())}</p>')
    parts.append(
        f'<p class="dim">{escape(study.task.name)}: {len(study.trials)} trials, '
        f"{study.full_trainings:.1f} full trainings, {study.seconds:.1f} s. ± is a 95 % interval "
        "over fresh seeds.</p>"
    )
    return f'<div class="steepest">{STYLE}{"".join(parts)}</div>'


def _table(study: Study, verdict: Verdict) -> str:
    settings = study.settings
    heads = ["optimizer", deciding(settings)]
    if settings.decides != "loss":
        heads.append("validation loss")
    metrics = [m for m in study.task.metrics if m != settings.decides]
    heads += [f"validation {name}" for name in metrics]
    tested = any(standing.test for standing in verdict.standings.values())
    tests = ["loss", *study.task.metrics] if tested else []
    heads += [f"test {name}" for name in tests]
    heads += ["seeds", "chance"]
    rows = []
    for standing in verdict.standings.values():
        cells = [_value(standing)]
        if settings.decides != "loss":
            cells.append(_shown(standing, show(standing.loss)))
        cells += [_shown(standing, show(standing.metrics.get(name))) for name in metrics]
        cells += [_shown(standing, show(standing.test.get(name))) for name in tests]
        chance = f"{standing.probability:.0%}" if standing.seeds else "–"
        cells += [str(len(standing.seeds)), chance]
        name = escape(standing.name)
        name = f"<strong>{name}</strong>" if standing.name == verdict.winner else name
        body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        found = f'<td class="left">{escape(_found(study, standing))}</td>'
        rows.append(f'<tr><th scope="row">{name}</th>{body}{found}</tr>')
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in heads)
    titles += '<th scope="col" class="left">best found</th>'
    body = "".join(rows)
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _value(standing: Standing) -> str:
    return cell(standing) or show(standing.value)


def _shown(standing: Standing, text: str) -> str:
    return "–" if text == "unknown" or not standing.seeds else text


def _found(study: Study, standing: Standing) -> str:
    """Return the values that were searched, of the best configuration."""
    config = standing.config
    if config is None:
        return nothing_found(study, standing.name)
    values = {**config.hyperparameters, "schedule": config.schedule}
    searched = [name for name in study.optimizers[standing.name]["space"] if name in values]
    return ", ".join(f"{name} {_short(values[name])}" for name in searched)


def _short(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.4g}" if number else str(value)
