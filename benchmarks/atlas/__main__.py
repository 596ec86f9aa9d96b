"""The command. `python -m benchmarks.atlas --help` says what there is."""

from pathlib import Path

import click

from benchmarks.atlas import store
from benchmarks.atlas.design import PLANS
from benchmarks.atlas.tasks import WORKS


@click.group()
def main() -> None:
    """Measure what optimizers do on many tasks, and make what is shipped of it."""


@main.command()
@click.option("--tasks", default=",".join(WORKS), help="With commas between.  [default: all]")
@click.option("--optimizers", default=",".join(PLANS), help="Alike.  [default: all]")
@click.option("--minutes", default=60.0, show_default=True, help="After which no piece begins.")
@click.option("--folder", type=click.Path(path_type=Path), default=store.DATA, show_default=True)
def train(tasks: str, optimizers: str, minutes: float, folder: Path) -> None:
    """Train what is missing: a piece is an optimizer's configurations on a task.

    A file a task is written anew after each piece, so it can be stopped at any time and started
    again.
    """
    from benchmarks.atlas.train import run

    for name, known in ((tasks, WORKS), (optimizers, PLANS)):
        unknown = [one for one in name.split(",") if one not in known]
        if unknown:
            raise SystemExit(f"there is no {unknown[0]}; known are {', '.join(known)}")
    run(tasks.split(","), optimizers.split(","), minutes, folder)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=store.DATA, show_default=True)
def build(folder: Path) -> None:
    """Make what ships from all that was trained: summary, start lists, docs/atlas.md."""
    from benchmarks.atlas.build import write
    from benchmarks.atlas.page import write_page

    write(folder)
    write_page()


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=store.DATA, show_default=True)
def lines(folder: Path) -> None:
    """Replay the search's rules over learning rates alone, on all curves of one seed."""
    from benchmarks.atlas.on_lines import told
    from benchmarks.atlas.table import read

    for line in told(read(folder), (4, 5, 6, 8, 12, 15)):
        click.echo(line)


@main.command()
@click.option("--optimizers", default="Adam,AdamW", show_default=True)
@click.option("--tasks", default="", help="Of benchmarks/verdicts.  [default: three of them]")
@click.option("--studies", default=3, show_default=True, help="From different seeds, a task each.")
@click.option("--file", type=click.Path(path_type=Path), default=Path("in-search.jsonl"))
def search(optimizers: str, tasks: str, studies: int, file: Path) -> None:
    """Judge start lists in the search itself, on tasks that are not in the atlas."""
    from benchmarks.atlas.in_search import TASKS, run

    run(optimizers.split(","), tasks.split(",") if tasks else TASKS, studies, file)


if __name__ == "__main__":
    main()
