"""`steepest code`: print the source that builds an optimizer as it was measured."""

from pathlib import Path

import click

from steepest.cli.group import cli
from steepest.errors import nearest


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--optimizer", metavar="NAME", help="The optimizer.  [default: the best]")
@click.option(
    "--framework",
    metavar="NAME",
    help="The framework: keras, torch or optax.  [default: the model's own]",
)
def code(file: Path, optimizer: str | None, framework: str | None) -> None:
    """Print the code to paste: the optimizer as the study in FILE measured it."""
    from steepest.study import read

    study = read(file)
    if optimizer is None:
        click.echo(study.best.code(framework), nl=False)
        return
    by_name = {name.lower(): one for name, one in study.optimizers.items()}
    if optimizer.lower() not in by_name:
        raise click.UsageError(
            f"the study confirmed no optimizer {optimizer!r}; "
            f"{nearest(optimizer, list(study.optimizers))}"
        )
    click.echo(by_name[optimizer.lower()].code(framework), nl=False)
