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
@click.option(
    "--exact",
    is_flag=True,
    help="Repeat what was measured, where need be by a class that is written out.  [default: the "
    "framework's own class where it differs by little, and by how much]",
)
def code(file: Path, optimizer: str | None, framework: str | None, exact: bool) -> None:
    """Print the code to paste: the optimizer as the study in FILE measured it.

    Frameworks differ in details. Where the class of another framework than the measured one differs
    by at most 1 % of the way that weights go in 100 steps with made gradients, it is taken, and a
    comment says by how much.
    """
    from steepest.study import read

    study = read(file)
    if optimizer is None:
        click.echo(study.best.code(framework, exact), nl=False)
        return
    by_name = {name.lower(): one for name, one in study.optimizers.items()}
    if optimizer.lower() not in by_name:
        raise click.UsageError(
            f"the study confirmed no optimizer {optimizer!r}; "
            f"{nearest(optimizer, list(study.optimizers))}"
        )
    click.echo(by_name[optimizer.lower()].code(framework, exact), nl=False)
