"""Several batch sizes as text, Markdown and one page."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from steepest.measures.batch_sizes import BatchSizes
from steepest.reports.batch_sizes import meaning, sentences, table
from steepest.reports.figures.batch_sizes import rates_picture, values_picture
from steepest.reports.figures.style import looks
from steepest.reports.markdown import escaped
from steepest.reports.page.compatibility_tables import pipes, rich_table
from steepest.reports.page.document import render as render_page
from steepest.reports.page.tables import Table
from steepest.text import listed


def render(found: BatchSizes) -> RenderableType:
    """Return the whole for a rich console: the advice, the table, what it means."""
    parts: list[RenderableType] = [Text(one, style="bold") for one in sentences(found)]
    return Group(*parts, Text(""), rich_table(table(found), 2), Text(""), Text(meaning(found)))


def text(found: BatchSizes, width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(found), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def markdown(found: BatchSizes) -> str:
    """Return the same as Markdown, in which names are text and no markup."""
    said = "\n\n".join(f"**{escaped(one)}**" for one in sentences(found))
    parts = ["# Several batch sizes", said, pipes(table(found), 2), escaped(meaning(found))]
    return "\n\n".join(parts) + "\n"


def batch_sizes_page(
    found: BatchSizes, optimizers: Sequence[str] = (), links: Mapping[int, str] | None = None
) -> str:
    """Return the page of several batch sizes as HTML, about 0.7 MB as a study's.

    Args:
        found: what was measured.
        optimizers: in the order that gives them their colours.
        links: for sizes whose study has a page of its own, its address as seen from this page.
    """
    every = looks([*optimizers, *(n for n in found.optimizers if n not in optimizers)])
    look = {name: every[name] for name in every if name in found.optimizers}
    pictures = {
        "values": values_picture(found, look),
        "rates": rates_picture(found, look),
    }
    title, *lines = table(found)
    sizes: list[str] = []
    for line in lines:
        sizes.append(line[0] or sizes[-1])
    first = next(iter(found.studies.values()))
    return render_page(
        "batch_sizes.html.j2",
        look,
        {key: one for key, one in pictures.items() if one is not None},
        winner=None,
        task=first.task.name,
        facts=f"{listed(list(found.optimizers))} at {listed([f'{s}' for s in found.sizes])}",
        headline=" ".join(sentences(found)),
        table=Table(
            "Each optimizer at each batch size",
            tuple(title[1:]),
            tuple((size, tuple(line[1:])) for size, line in zip(sizes, lines, strict=True)),
            meaning(found),
            words=(0,),
        ),
        links=sorted((links or {}).items()),
    )
