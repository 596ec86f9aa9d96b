"""The commands that train nothing: report, code, explain, tasks."""

import sys
import webbrowser
from pathlib import Path
from typing import Any

import click

from steepest.cli.group import cli
from steepest.cli.several import tell_several
from steepest.errors import nearest


@cli.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--html",
    "form",
    flag_value="html",
    help="Write the page report.html: beside the study, or above those of several.",
)
@click.option("--json", "form", flag_value="json", help="Print one JSON object.")
@click.option("--csv", "form", flag_value="csv", help="Print the trials, a row each.")
@click.option("--markdown", "form", flag_value="markdown", help="Print it as Markdown.")
@click.option("--open", "shown", is_flag=True, help="Write the page, and open it in a browser.")
@click.option(
    "--target",
    metavar="VALUE",
    type=float,
    help="What convergence speed is measured to.  [default: where the reference ends]",
)
@click.option(
    "--reference",
    metavar="NAME",
    help="Whose end is the target.  [default: the baseline, or SGD, or the first]",
)
def report(
    files: tuple[Path, ...],
    form: str | None,
    shown: bool,
    target: float | None,
    reference: str | None,
) -> None:
    """Tell the verdict of the study in FILE (a study.db, or its directory) again.

    Of several, or of the directory of several, tell how optimizers do over their tasks.
    """
    from steepest.comparison import read
    from steepest.comparison.several import compatibility, study_files

    if shown and form not in (None, "html"):
        raise click.UsageError(f"--open shows the page, so --{form} cannot stand beside it")
    paths = [path for file in files for path in study_files(file)]
    if len(paths) > 1:
        if target is not None or reference is not None or form == "csv":
            raise click.UsageError("--target, --reference and --csv are for one study; give one")
        several = compatibility(files)
        if form == "html" or shown:
            _write_page(several, shown)
        else:
            tell_several(several, form == "json", form == "markdown")
        return
    comparison = read(paths[0], target=target, reference=reference)
    if form == "html" or shown:
        _write_page(comparison, shown)
    elif form == "csv":
        from steepest.reports.rows import csv_text, trial_rows

        click.echo(csv_text(trial_rows(comparison.study)), nl=False)
    elif form == "markdown":
        from steepest.reports.markdown import markdown

        text = markdown(comparison.study, comparison.verdict, comparison.measures)
        click.echo(text, nl=False)
    else:
        tell_comparison(comparison, form == "json")


def _write_page(told: Any, shown: bool) -> None:
    """Write the page of a comparison or of several, say where, and open it if it is to be shown."""
    written = told.write_report()
    click.echo(f"report: {written}", err=True)
    if shown:
        webbrowser.open(written.absolute().as_uri())


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--optimizer", metavar="NAME", help="Whose code.  [default: the best]")
@click.option(
    "--framework", default="keras", show_default=True, help="For what: keras, torch or optax."
)
def code(file: Path, optimizer: str | None, framework: str) -> None:
    """Print the code to paste, which does what was measured in the study in FILE."""
    from steepest.comparison import read

    comparison = read(file)
    if optimizer is None:
        click.echo(comparison.best.code(framework), nl=False)
        return
    by_name = {name.lower(): one for name, one in comparison.optimizers.items()}
    if optimizer.lower() not in by_name:
        raise click.UsageError(
            f"the study confirmed no optimizer {optimizer!r}; "
            f"{nearest(optimizer, list(comparison.optimizers))}"
        )
    click.echo(by_name[optimizer.lower()].code(framework), nl=False)


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
        from steepest.reports.explain import explained
        from steepest.reports.json import dumps

        found = {rule.name: explained(rule) for rule in rules}
        click.echo(dumps({"format_version": 1, "optimizers": found}))
    if html is not None:
        from steepest.reports.explain_html import page

        html.write_text(page(rules), encoding="utf-8")
        click.echo(f"page: {html}", err=True)
    if not as_json and html is None:
        from steepest.reports.explain_terminal import render, text

        if sys.stdout.isatty():
            from rich.console import Console

            Console().print(render(rules))
        else:
            click.echo(text(rules))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def tasks(as_json: bool) -> None:
    """List the built-in tasks with their size and cost."""
    from steepest.tasks.samples import SAMPLES

    facts = {
        name: {
            "what": s.what,
            "source": s.source,
            "training_examples": s.training,
            "validation_examples": s.validation,
            "test_examples": s.test,
            "parameters": s.parameters,
            "epochs": s.epochs,
            "batch_size": s.batch_size,
            "seconds": s.seconds,
        }
        for name, s in SAMPLES.items()
    }
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps({"format_version": 1, "tasks": facts}))
        return
    from steepest.reports.tasks import tasks_table

    tasks_table(facts)


def tell_comparison(comparison: Any, as_json: bool) -> None:
    """Print the story of a study."""
    if as_json:
        from steepest.reports.json import dumps

        click.echo(dumps(comparison.to_dict()))
        return
    if not sys.stdout.isatty():
        click.echo(str(comparison))
        return
    from rich.console import Console

    from steepest.reports.terminal import render

    Console().print(render(comparison.study, comparison.verdict, comparison.measures))
