"""`steepest export`: a study for other programs."""

from pathlib import Path

import click

from steepest.cli.group import cli

NEW = click.Path(dir_okay=False, path_type=Path)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--csv", "csv", type=NEW, help="Write a table with a row a trial to this new file.")
@click.option("--parquet", type=NEW, help="The same as Parquet.")
@click.option(
    "--curves",
    is_flag=True,
    help="In CSV and Parquet, write a row for each trial and epoch instead.",
)
@click.option(
    "--optuna",
    metavar="URL",
    help="Add two studies for each optimizer to Optuna's storage: sqlite:///optuna.db.",
)
@click.option(
    "--tensorboard",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write runs and HParams to this new directory.",
)
@click.option(
    "--mlflow", metavar="URI", help="Add an experiment to MLflow's store: sqlite:///mlflow.db."
)
@click.option(
    "--name",
    metavar="TEXT",
    help="The name of the study in Optuna and MLflow.  [default: the task's name]",
)
def export(
    file: Path,
    csv: Path | None,
    parquet: Path | None,
    curves: bool,
    optuna: str | None,
    tensorboard: Path | None,
    mlflow: str | None,
    name: str | None,
) -> None:
    """Export the study in FILE to other programs; give at least one option.

    Files that exist are not overwritten.
    """
    from steepest.study import read

    if not any((csv, parquet, optuna, tensorboard, mlflow)):
        raise click.UsageError(
            "say where to: --csv, --parquet, --optuna, --tensorboard or --mlflow"
        )
    if curves and not (csv or parquet):
        raise click.UsageError("--curves is for --csv and --parquet")
    for path in (csv, parquet):
        if path is not None and path.exists():
            raise click.UsageError(f"{path} is there already; choose another file")
    study = read(file).record
    if csv or parquet:
        from steepest.exporters.frames import write_parquet
        from steepest.reports.rows import csv_text, curve_rows, trial_rows

        rows = curve_rows(study) if curves else trial_rows(study)
        if csv is not None:
            with csv.open("x", encoding="utf-8", newline="") as out:
                out.write(csv_text(rows))
            _done("csv", csv)
        if parquet is not None:
            write_parquet(rows, parquet)
            _done("parquet", parquet)
    if optuna is not None:
        from steepest.exporters.optuna import write_optuna

        count = len(write_optuna(study, optuna, name))
        _done("optuna", f"{count} {'study' if count == 1 else 'studies'} in {optuna}")
    if tensorboard is not None:
        from steepest.exporters.tensorboard import write_tensorboard

        write_tensorboard(study, tensorboard)
        _done("tensorboard", tensorboard)
    if mlflow is not None:
        from steepest.exporters.mlflow import write_mlflow

        _done("mlflow", f"experiment {write_mlflow(study, mlflow, name)} in {mlflow}")


def _done(what: str, where: object) -> None:
    click.echo(f"{what}: {where}", err=True)
