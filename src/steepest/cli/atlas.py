"""`steepest atlas`: what was measured of optimizers on many tasks."""

from pathlib import Path

import click

from steepest.cli.group import cli


@cli.command()
@click.argument("study", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with the heat map and all tables to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def atlas(study: Path | None, html: Path | None, as_json: bool) -> None:
    """Show what was measured of optimizers on many small tasks; trains nothing.

    Ranks, what defaults lose, how wide good learning rates are, and each sentence that is said of
    optimizers held against it. `steepest suggest` uses it for a task of yours.

    With a study's FILE (a study.db, or its directory), your task among these: which of them are
    like it, whether its optimizers rank as they do there, and whether its best learning rates are
    usual ones.
    """
    from steepest.priors.atlas import load_atlas, to_json
    from steepest.reports import among_text
    from steepest.reports.atlas_text import text
    from steepest.reports.json import dumps

    found, own = load_atlas(), None
    if study is not None:
        from steepest.measures.among import among
        from steepest.study import read

        one = read(study)
        own = among(one.record, one.verdict, found)
    if html is not None:
        from steepest.reports.page.atlas_page import atlas_page

        html.write_text(atlas_page(found, own), encoding="utf-8")
        click.echo(f"page: {html}", err=True)
    if as_json:
        yours = {} if own is None else {"yours": among_text.to_dict(own, found)}
        click.echo(dumps({"format_version": 1, **yours, **to_json(found)}))
    elif html is None or own is not None:
        click.echo(text(found) if own is None else among_text.text(own, found))
