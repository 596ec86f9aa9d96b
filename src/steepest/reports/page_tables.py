"""The page's tables, as plain rows of text: what they are, and the verdict's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from steepest.measures.importance import FEWEST
from steepest.measures.measured import Measures
from steepest.measures.tried import at_length, searched
from steepest.measures.verdict import Standing, Verdict
from steepest.records import Study
from steepest.reports.endings import cell, nothing_found
from steepest.reports.figures.style import digits
from steepest.reports.figures.verdict import badge
from steepest.reports.sentence import deciding, listed
from steepest.spaces import Value
from steepest.statistics import Estimate


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
    kept = [i for i in range(len(table.columns)) if any(c[i] != "–" for _, c in table.rows)]
    return replace(
        table,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple((name, tuple(cells[i] for i in kept)) for name, cells in table.rows),
        words=tuple(kept.index(i) for i in table.words if i in kept),
    )


def pm(value: Estimate | None) -> str:
    """Return mean ± half the 95 % interval, to the digits that the interval leaves."""
    if value is None or value.mean is None:
        return "–"
    reach = value.half_width
    if reach is None:
        return digits(value.mean)
    size = max(abs(value.mean), reach)
    if size >= 1e4:
        return f"{value.mean:,.0f} ± {reach:,.0f}"
    if size < 1e-3:
        return f"{value.mean:.3g} ± {reach:.2g}"
    places = next((d for d in range(5) if size >= 10.0 ** (3 - d)), 4)
    return f"{value.mean:.{places}f} ± {reach:.{places}f}"


def written(value: Value) -> str:
    """Return a hyperparameter's value in four digits, or its distance from 1 where that counts."""
    if isinstance(value, bool | str | int):
        return str(value)
    if 0.99 < value < 1:
        return f"1 − {1 - value:.3g}"
    return f"{value:.4g}"


def standings_table(study: Study, verdict: Verdict) -> Table:
    """Return the table of the verdict: what decides first, then all that else was measured."""
    settings, standings = study.settings, list(verdict.standings.values())
    columns: list[tuple[str, Callable[[Standing], str]]] = [
        ("", lambda s: badge(verdict, s)),
        (deciding(settings), lambda s: cell(s) or pm(s.value)),
    ]
    if settings.decides == "loss" and settings.at == "end":
        columns.append(("at best epoch", lambda s: pm(s.best_loss)))
    else:
        columns.append(("validation loss at the end", lambda s: pm(s.loss)))
    columns += [
        (f"validation {m}", lambda s, m=m: pm(s.metrics.get(m)))  # type: ignore[misc]
        for m in study.task.metrics
        if m != settings.decides
    ]
    columns += [
        (f"test {m}", lambda s, m=m: pm(s.test.get(m)))  # type: ignore[misc]
        for m in ("loss", *study.task.metrics)
        if any(m in s.test for s in standings)
    ]
    if len(standings) > 1:
        columns.append(("behind the leader", _behind))
    columns.append(("seeds", lambda s: str(len(s.seeds))))
    if len(standings) > 1:
        columns.append(("chance to be best", lambda s: f"{s.probability:.0%}" if s.seeds else "–"))
    many = max((len(s.seeds) for s in standings), default=0) > 1
    note = ""
    if many:
        looks = " and holds at every number of seeds that was looked at" if settings.race else ""
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
    if standing.relative is not None and standing.relative.mean is not None:
        percent = standing.relative / 0.01
        reach = percent.half_width
        return f"{percent.mean:.1f} %" + ("" if reach is None else f" ± {reach:.1f} %")
    return pm(standing.behind)


def found_table(study: Study, verdict: Verdict) -> Table:
    """Return the best hyperparameters found; what was fixed is in the name, or a default."""
    rows = []
    for standing in verdict.standings.values():
        about = study.optimizers[standing.name]
        searched, config = list(about["space"]), standing.config
        if config is None:
            text = nothing_found(study, standing.name)
        elif not searched:
            text = "as it stands" if about.get("baseline") else "all fixed"
        else:
            values = {**config.hyperparameters, "schedule": config.schedule}
            text = ", ".join(f"{n} {written(values[n])}" for n in searched if n in values)
        rows.append((standing.name, (text,)))
    return Table("Best hyperparameters", ("best hyperparameters found",), tuple(rows), words=(0,))


def plain_table(label: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table whose rows start with any words."""
    return Table(label, tuple(columns), tuple((row[0], tuple(row[1:])) for row in rows))


def unimportant(study: Study, measured: Measures | None) -> list[str]:
    """Return why nothing is said of hyperparameters' importance, a line for those of one reason."""
    why: dict[str, list[str]] = {}
    for name, one in (measured.sensitivity if measured else {}).items():
        if one.importance:
            continue
        about = study.optimizers[name]
        count = len(at_length(study, searched(study, name), one.tried_epochs))
        if len(about["space"]) < 2:
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
