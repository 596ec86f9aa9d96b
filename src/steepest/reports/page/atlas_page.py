"""The atlas as a page: what is said of optimizers, the heat map, all tables."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from steepest.measures.among import Among
from steepest.priors.atlas import Atlas
from steepest.priors.measured_lists import load_lists
from steepest.reports import among_text, atlas_tables
from steepest.reports.atlas_findings import FINDINGS
from steepest.reports.atlas_list_tables import gains_table, lists_table
from steepest.reports.page.atlas_profile import profiles, stroke
from steepest.reports.page.document import environment
from steepest.text import plain

LEVELS = (0.01, 0.03, 0.1, 0.3)  # of the heat map's colours, above the best
KEY = (
    ("l0", "at most 1 %"),
    ("l1", "3 %"),
    ("l2", "10 %"),
    ("l3", "30 % above the best"),
    ("l4", "more"),
)


def atlas_page(atlas: Atlas, own: Among | None = None) -> str:
    """Return the page as HTML, without scripts; with a person's own study beside it, if given."""
    heat, order = atlas_tables.heat_table(atlas), atlas_tables.names(atlas)
    heated, like = [], () if own is None else own.like
    for at, row in zip(atlas_tables.by_family(atlas), heat.rows, strict=True):
        values = [atlas.figures["excess"][name][at] for name in order]
        cells = [(c, level(v)) for c, v in zip(row[3:], values, strict=True)]
        heated.append((row[:3], cells, at in like))
    return (
        environment()
        .get_template("atlas.html.j2")
        .render(
            count=len(atlas.tasks),
            version=atlas.version,
            basis=atlas_tables.basis(atlas),
            sentences=[*atlas.figures["sentences"], *FINDINGS],
            heat=heat,
            heated=heated,
            yours=None if own is None else _yours(own, atlas, order),
            profiles=Markup(profiles(atlas, order)),
            strokes=[(name, stroke(i)) for i, name in enumerate(order)],
            key=KEY,
            best=atlas_tables.optimizers_table(atlas),
            tables=[
                atlas_tables.tuning_table(atlas),
                atlas_tables.exponents_table(atlas),
                atlas_tables.scaling_table(atlas),
                atlas_tables.suggestions_table(atlas),
                *(lists_table(load_lists(), order, k) for k in (1, 3, 8)),
                gains_table(load_lists(), order),
                atlas_tables.tasks_table(atlas),
            ],
        )
    )


def _yours(own: Among, atlas: Atlas, order: Sequence[str]) -> dict[str, Any]:
    """Return the section and the row of the heat map of a person's own study."""
    values = [own.excess.get(name) for name in order]
    return {
        "title": among_text.TITLE,
        "sentences": among_text.sentences(own, atlas),
        "task": plain(own.task),
        "cells": [(atlas_tables.percent(v), level(v)) for v in values],
    }


def level(excess: float | None) -> str:
    """Return the colour's class of an excess; nothing where none was measured."""
    if excess is None:
        return "none"
    return f"l{sum(excess > bound for bound in LEVELS)}"
