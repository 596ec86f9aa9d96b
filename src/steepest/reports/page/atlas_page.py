"""The atlas as a page: what is said of optimizers, the heat map, all tables."""

from steepest.priors.atlas import Atlas
from steepest.priors.measured_lists import load_lists
from steepest.reports import atlas_tables
from steepest.reports.atlas_findings import FINDINGS
from steepest.reports.page.document import environment

LEVELS = (0.01, 0.03, 0.1, 0.3)  # of the heat map's colours, above the best
KEY = (
    ("l0", "at most 1 %"),
    ("l1", "3 %"),
    ("l2", "10 %"),
    ("l3", "30 % above the best"),
    ("l4", "more"),
)


def atlas_page(atlas: Atlas) -> str:
    """Return the page as HTML, without scripts."""
    heat, order = atlas_tables.heat_table(atlas), atlas_tables.names(atlas)
    heated = []
    for i, row in enumerate(heat.rows):
        values = [atlas.figures["excess"][name][i] for name in order]
        heated.append((row[:3], [(c, level(v)) for c, v in zip(row[3:], values, strict=True)]))
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
            key=KEY,
            tables=[
                atlas_tables.optimizers_table(atlas),
                atlas_tables.tuning_table(atlas),
                atlas_tables.exponents_table(atlas),
                atlas_tables.scaling_table(atlas),
                atlas_tables.suggestions_table(atlas),
                *(atlas_tables.lists_table(load_lists(), order, k) for k in (1, 3, 8)),
                atlas_tables.tasks_table(atlas),
            ],
        )
    )


def level(excess: float | None) -> str:
    """Return the colour's class of an excess; nothing where none was measured."""
    if excess is None:
        return "none"
    return f"l{sum(excess > bound for bound in LEVELS)}"
