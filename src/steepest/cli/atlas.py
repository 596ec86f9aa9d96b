"""`steepest atlas`: what was measured of optimizers on many tasks."""

from pathlib import Path

import click

from steepest.cli.group import cli


@cli.command()
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with the heat map and all tables to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def atlas(html: Path | None, as_json: bool) -> None:
    """Show what was measured of optimizers on many small tasks; trains nothing.

    Ranks, what defaults lose, how wide good learning rates are, and each sentence that is said of
    optimizers held against it. `steepest suggest` uses it for a task of yours.
    """
    from steepest.priors.atlas import load_atlas, to_json
    from steepest.reports.atlas_text import text
    from steepest.reports.json import dumps

    found = load_atlas()
    if html is not None:
        from steepest.reports.page.atlas_page import atlas_page

        html.write_text(atlas_page(found), encoding="utf-8")
        click.echo(f"page: {html}", err=True)
    if as_json:
        click.echo(dumps({"format_version": 1, **to_json(found)}))
    elif html is None:
        click.echo(text(found))
