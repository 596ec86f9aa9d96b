"""`steepest tasks`: list the built-in tasks."""

import click

from steepest.cli.group import cli


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
    from steepest.reports.terminal import tasks_table

    tasks_table(facts)
