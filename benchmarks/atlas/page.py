"""docs/atlas.md, written from what ships of the atlas."""

from pathlib import Path
from textwrap import fill

from steepest.priors.atlas import Atlas, load_atlas
from steepest.priors.measured_lists import load_lists
from steepest.reports import atlas_tables
from steepest.reports.atlas_findings import FINDINGS
from steepest.reports.atlas_list_tables import gains_table, lists_table
from steepest.reports.atlas_tables import Table

PAGE = Path(__file__).parents[2] / "docs" / "atlas.md"
HEAD = """# The atlas

Written by `python -m benchmarks.atlas build` from what was trained; do not edit.

*What optimizers do on many small tasks, measured on equal terms.* `steepest suggest` answers from
it without training, `steepest atlas --html atlas.html` shows it in a browser.
"""
SAID = """## What is said of optimizers, measured

The sentences of the note that Steepest started from, and four findings of others that were run
again by `python -m benchmarks.findings`.
"""
HONEST = """## What it cannot say

Models are small, data real but small, the machine one. Nothing here was trained for hours, on
images of natural size, or from weights that somebody else had trained. {seeds} A run's own
deviation is 3 to 21 % of its mean, so that an
excess of a few per cent on one task is chance, and the lowest of many noisy losses is a little too
low for all alike. What one optimizer gains by more configurations is no merit of its own: SGD, Adam
and some others have a few more of them than the rest. Validation losses choose and judge, on the
same examples.
"""
LICENCES = Path(__file__).parent / "data" / "README.md"


def page(atlas: Atlas) -> str:
    """Return the text of docs/atlas.md."""
    lists, order = load_lists(), atlas_tables.names(atlas)
    parts = [HEAD, wrapped(atlas_tables.basis(atlas)), SAID]
    parts.append(
        "\n".join(
            [
                "| sentence | | measured |",
                "| --- | --- | --- |",
                *(
                    f"| {one['said']} | **{one['verdict']}** | {one['evidence']} |"
                    for one in (*atlas.figures["sentences"], *FINDINGS)
                ),
            ]
        )
    )
    for one in (
        atlas_tables.optimizers_table(atlas),
        atlas_tables.tuning_table(atlas),
        atlas_tables.heat_table(atlas),
        atlas_tables.exponents_table(atlas),
        atlas_tables.scaling_table(atlas),
        atlas_tables.suggestions_table(atlas),
    ):
        parts.append(f"## {one.title}\n\n{markdown(one)}")
    parts.append("## Start lists")
    for k in (1, 3, 8):
        one = lists_table(lists, order, k)
        parts.append(f"### {one.title}\n\n{markdown(one)}")
    gains = gains_table(lists, order)
    parts.append(f"### {gains.title}\n\n{markdown(gains)}")
    parts += [f"## The tasks\n\n{markdown(atlas_tables.tasks_table(atlas))}", honest(atlas)]
    parts.append(LICENCES.read_text(encoding="utf-8").replace("# The data", "## The data"))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def honest(atlas: Atlas) -> str:
    """Return what the atlas cannot say."""
    three, tasks = atlas.figures["three_seeds"], len(atlas.tasks)
    seeds = (
        "Optimizers are compared on one seed."
        if not three
        else f"Optimizers are compared on three seeds of the better configurations on {three} of "
        f"the {tasks} tasks, and on one where not all of them have three."
    )
    head, text = HONEST.split("\n\n", 1)
    return f"{head}\n\n{wrapped(text.format(seeds=seeds))}"


def markdown(one: Table) -> str:
    """Return a table with the sentence above it."""
    lines = [wrapped(one.how), "", f"| {' | '.join(one.head)} |", f"|{' --- |' * len(one.head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in one.rows)])


def wrapped(text: str) -> str:
    """Return a paragraph in lines of at most 100 letters."""
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)


def write_page() -> None:
    """Write docs/atlas.md."""
    load_atlas.cache_clear()
    load_lists.cache_clear()
    PAGE.write_text(page(load_atlas()), encoding="utf-8")
