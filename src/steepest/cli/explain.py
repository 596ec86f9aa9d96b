"""`steepest explain`: what optimizers are, how they differ, and how to write them."""

import sys
from pathlib import Path

import click

from steepest.cli.group import cli


@cli.command()
@click.argument("names", metavar="[OPTIMIZER]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that Steepest knows.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option(
    "--html",
    "html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with pictures to this file.",
)
def explain(names: tuple[str, ...], every: bool, as_json: bool, html: Path | None) -> None:
    """Say what optimizers are, how they differ, and how to write them; several side by side."""
    from steepest.rules import RULES, find_rule

    if not names and not every:
        raise click.UsageError(f"give an optimizer, or --all; known are {', '.join(RULES)}")
    if names and every:
        raise click.UsageError("give optimizers or --all, not both")
    rules = list(RULES.values()) if every else [find_rule(name) for name in names]
    if as_json:
        from steepest.reports.explain.facts import explained
        from steepest.reports.json import dumps

        found = {rule.name: explained(rule) for rule in rules}
        click.echo(dumps({"format_version": 1, "optimizers": found}))
    if html is not None:
        from steepest.reports.explain.html import page

        html.write_text(page(rules), encoding="utf-8")
        click.echo(f"page: {html}", err=True)
    if not as_json and html is None:
        from steepest.reports.explain.terminal import render, text

        if sys.stdout.isatty():
            from rich.console import Console

            Console().print(render(rules))
        else:
            click.echo(text(rules))
