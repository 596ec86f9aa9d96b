"""`steepest report`: print the verdict again, or write the page; trains nothing."""

import webbrowser
from pathlib import Path
from typing import Any

import click

from steepest.cli.group import cli
from steepest.cli.output import print_study, print_study_set


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
    help="The value that convergence speed is measured to.  [default: where the reference ends]",
)
@click.option(
    "--reference",
    metavar="NAME",
    help="The optimizer whose end is the target.  [default: the baseline, or SGD, or the first]",
)
def report(
    files: tuple[Path, ...],
    form: str | None,
    shown: bool,
    target: float | None,
    reference: str | None,
) -> None:
    """Print the verdict of the study in FILE (a study.db, or its directory) again.

    Of several studies, or of a directory with several, print how optimizers do over their tasks.
    Nothing is trained.
    """
    from steepest.study import read
    from steepest.study.study_set import compatibility, study_files

    if shown and form not in (None, "html"):
        raise click.UsageError(f"--open shows the page, so --{form} cannot stand beside it")
    paths = [path for file in files for path in study_files(file)]
    if len(paths) > 1:
        if target is not None or reference is not None or form == "csv":
            raise click.UsageError("--target, --reference and --csv are for one study; give one")
        found = compatibility(files)
        if form == "html" or shown:
            _write_page(found, shown)
        else:
            print_study_set(found, form == "json", form == "markdown")
        return
    study = read(paths[0], target=target, reference=reference)
    if form == "html" or shown:
        _write_page(study, shown)
    elif form == "csv":
        from steepest.reports.rows import csv_text, trial_rows

        click.echo(csv_text(trial_rows(study.record)), nl=False)
    elif form == "markdown":
        from steepest.reports.markdown import markdown

        text = markdown(study.record, study.verdict, study.measures)
        click.echo(text, nl=False)
    else:
        print_study(study, form == "json")


def _write_page(found: Any, shown: bool) -> None:
    """Write the page of a study or a set of them, say where, and open it if it is to be shown."""
    written = found.write_report()
    click.echo(f"report: {written}", err=True)
    if shown:
        webbrowser.open(written.absolute().as_uri())
