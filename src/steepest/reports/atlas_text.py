"""The atlas for a terminal: what it rests on, optimizers, sentences."""

from textwrap import wrap

from steepest.priors.atlas import Atlas
from steepest.reports.atlas_findings import FINDINGS
from steepest.reports.atlas_tables import (
    Table,
    basis,
    optimizers_table,
    suggestions_table,
    tuning_table,
)

WIDTH = 100  # letters of a line


def text(atlas: Atlas) -> str:
    """Return the atlas for a terminal: what it rests on, optimizers, sentences."""
    lines = wrap(basis(atlas), WIDTH)
    for one in (short_table(atlas), suggestions_table(atlas)):
        lines += ["", one.title.replace("`", ""), "", *_columns(one)]
    lines.append("")
    for said in (*atlas.figures["sentences"], *FINDINGS):
        lines += wrap(f"{said['said']} {said['verdict'].upper()}: {said['evidence']}", WIDTH)
    lines += ["", *wrap("steepest atlas --html atlas.html shows all of it.", WIDTH)]
    return "\n".join(lines)


def short_table(atlas: Atlas) -> Table:
    """Return what a terminal has room for: rank, excess, the default, good rates."""
    best, tuning = optimizers_table(atlas), tuning_table(atlas)
    rows = [
        (*one[:2], *one[3:5], *other[1:4])
        for one, other in zip(best.rows, tuning.rows, strict=True)
    ]
    head = (*best.head[:2], "tuned, median", "90 % point", "default", "90 %", "good rates, decades")
    return Table("Excess over the best, and how wide good rates are", "", head, tuple(rows))


def _columns(one: Table) -> list[str]:
    every = [one.head, *one.rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(one.head))]
    return [
        "  ".join(
            cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        for row in every
    ]
