"""The page's tables, as plain rows of text: what they are, and the verdict's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steepest.measures.importance import FEWEST
from steepest.measures.measure import Measures
from steepest.measures.search_trials import at_length, searched
from steepest.measures.verdict import Standing, Verdict
from steepest.records import StudyRecord
from steepest.reports.figures.verdict import badge
from steepest.reports.hyperparameters_text import told
from steepest.reports.numbers import MISSING, percent, with_interval
from steepest.reports.outcome_text import cell, nothing_found
from steepest.reports.verdict_text import deciding
from steepest.text import listed


@dataclass(frozen=True)
class Table:
    """A row an optimizer, whose name stands first; all cells are text."""

    label: str  # what the table is, for those who cannot see it
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str = ""
    words: tuple[int, ...] = ()  # columns that hold words and not numbers


def trimmed(table: Table) -> Table:
    """Return the table without columns in which no row has anything."""
    kept = [i for i in range(len(table.columns)) if any(c[i] != MISSING for _, c in table.rows)]
    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple((name, tuple(cells[i] for i in kept)) for name, cells in table.rows),
        words=tuple(kept.index(i) for i in table.words if i in kept),
    )


def standings_table(study: StudyRecord, verdict: Verdict) -> Table:
    """Return the table of the verdict: what decides first, then all that else was measured."""
    settings, standings = study.settings, list(verdict.standings.values())
    columns: list[tuple[str, Callable[[Standing], str]]] = [
        ("", lambda s: badge(verdict, s)),
        (deciding(settings), lambda s: cell(s) or with_interval(s.value)),
    ]
    if len(standings) > 1:
        columns.append(("behind the leader", _behind))
    columns.append(("seeds", lambda s: str(len(s.seeds))))
    if len(standings) > 1:
        columns.append(
            ("chance to be best", lambda s: f"{s.probability:.0%}" if s.seeds else MISSING)
        )
    columns += [
        (f"validation {m}", lambda s, m=m: with_interval(s.metrics.get(m)))  # type: ignore[misc]
        for m in study.task.metrics
        if m != settings.decides
    ]
    columns += [
        (f"test {m}", lambda s, m=m: with_interval(s.test.get(m)))  # type: ignore[misc]
        for m in ("loss", *study.task.metrics)
        if any(m in s.test for s in standings)
    ]
    if settings.decides == "loss" and settings.at == "end":
        columns.append(("at best epoch", lambda s: with_interval(s.best_loss)))
    else:
        columns.append(("validation loss at the end", lambda s: with_interval(s.loss)))
    many = max((len(s.seeds) for s in standings), default=0) > 1
    note = ""
    if many:
        looks = " and stays valid whenever the race stops" if settings.race else ""
        note = "± is a 95 % interval over fresh seeds"
        if len(standings) > 1:
            note += f"; behind the leader is paired by seed{looks}"
        note += "."
    return Table(
        "How each optimizer did on fresh seeds",
        tuple(title for title, _ in columns),
        tuple((s.name, tuple(of(s) for _, of in columns)) for s in standings),
        note,
        (0,),
    )


def _behind(standing: Standing) -> str:
    known = standing.relative is not None and standing.relative.mean is not None
    return percent(standing.relative) if known else with_interval(standing.behind)


def found_table(study: StudyRecord, verdict: Verdict) -> Table:
    """Return the best hyperparameters found: what was searched, and all that is no default."""
    rows = []
    for standing in verdict.standings.values():
        config = standing.config
        text = nothing_found(study, standing.name)
        if config is not None:
            text = told(study, config, standing.name) or "all at their defaults"
        rows.append((standing.name, (text,)))
    title = "hyperparameters: what was searched, and all that are not the framework's defaults"
    return Table("Best hyperparameters", (title,), tuple(rows), words=(0,))


def plain_table(label: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table whose rows start with any words."""
    return Table(label, tuple(columns), tuple((row[0], tuple(row[1:])) for row in rows))


def unimportant(study: StudyRecord, measured: Measures | None) -> list[str]:
    """Return why nothing is said of hyperparameters' importance, a line for those of one reason."""
    why: dict[str, list[str]] = {}
    for name, one in (measured.sensitivity if measured else {}).items():
        if one.importance:
            continue
        about = study.optimizers[name]
        count = len(at_length(study, searched(study, name), one.tried_epochs))
        if len(about.space) < 2:
            reason = "fewer than two hyperparameters were searched"
        elif count < FEWEST:
            reason = f"that takes {FEWEST} trials of the search at one length"
        else:
            reason = "nothing in its trials stands out from chance"
        why.setdefault(reason, []).append(name)
    return [
        f"Which hyperparameters matter is not told for {listed(names)}: {reason}."
        for reason, names in why.items()
    ]
