"""How often a quick learning rate is right: `steepest lr`, the range test, the default.

    python benchmarks/learning_rates.py --json rates.json   # minutes on two cores
    python benchmarks/learning_rates.py --from rates.json

The truth of a task and an optimizer is 21 learning rates, a quarter of a decade apart, each trained
in full from seeds that no method has seen. A method is asked from several seeds of its own; the
rate that it takes is looked up on that curve, between rates on a line over their logarithms. It is
right where its loss is less than a share above the lowest, by default 10 %. The lowest of 21 noisy
means is itself a little too low, for all methods alike.
"""

import json
import math
from pathlib import Path
from statistics import median

import click
import numpy as np

TASKS = "digits,breast-cancer,diabetes,digits-cnn"
OPTIMIZERS = "SGD(momentum=0.9),Adam,RMSprop"
PLACES = range(-10, 11)  # quarters of a decade around the middle
TRUTH_SEED = 900  # of what the truth's seeds are made, a thousand times that


def truth(task, name, centre, seeds):
    """Return the mean loss in full over fresh seeds at each rate; infinite where a run broke."""
    from steepest.engines import make_engine
    from steepest.engines.population import Population
    from steepest.parse.contestant import contestants
    from steepest.search.runner import program_key
    from steepest.workers.local import Job, train

    (one,) = contestants(name, 1, dialect=task.facts.framework)
    engine = make_engine(task)
    rates = [centre * 10 ** (place / 4) for place in PLACES]
    configs = [
        one.config({**one.defaults(), "learning_rate": rate}, TRUTH_SEED * 1000 + seed)
        for rate in rates
        for seed in range(seeds)
    ]
    program = engine.prepare({program_key(configs[0]): configs[0]})[program_key(configs[0])]
    population, losses = Population.of(configs), np.full(len(configs), np.inf)

    def end(members, state, measured):
        for i, member in enumerate(members):
            if state.alive[i]:
                losses[member] = measured.values["loss"][i, -1]

    def begin(members):
        return program.begin(population.take(members))

    train(
        [Job(program, population, begin, end, task.facts.epochs)], engine.workers, lambda *_: None
    )
    losses[~np.isfinite(losses)] = np.inf
    return dict(zip(rates, losses.reshape(len(rates), seeds).mean(axis=1).tolist(), strict=True))


def loss_at(curve, rate):
    """Return the loss at a rate between those of the curve; infinite outside of it."""
    x, y = np.log(list(curve)), np.array(list(curve.values()))
    if not rate or not x[0] <= math.log(rate) <= x[-1]:
        return math.inf
    at = min(int(np.searchsorted(x, math.log(rate))), len(x) - 1)
    if x[at] == math.log(rate) or at == 0:
        return float(y[at])
    share = (math.log(rate) - x[at - 1]) / (x[at] - x[at - 1])
    return float((1 - share) * y[at - 1] + share * y[at])


def measure(tasks, optimizers, seeds, asked, shares):
    """Return a row for each task and optimizer: the truth, and what each method took each time."""
    from steepest.study.learning_rate import run_learning_rate
    from steepest.tasks.load import load_task

    rows = []
    for name in tasks.split(","):
        task = load_task(name)
        for optimizer in optimizers.split(","):
            taken, seconds = {}, {}
            for share in shares:
                length = max(1, round(task.facts.epochs * share))
                found = [run_learning_rate(task, optimizer, length, seed=s) for s in range(asked)]
                taken[f"steepest lr, {share:g} of the epochs"] = [f.rate for f in found]
                seconds[share] = [f.runs.seconds - f.runs.compile_seconds for f in found]
            for how in ("steepest descent", "minimum / 10"):
                taken[f"range test, {how}"] = [f.choice.tests[how] for f in found]
            taken["the framework's default"] = [found[0].runs.usual]
            row = {
                "task": name,
                "optimizer": optimizer,
                "truth": truth(task, optimizer, median([f.rate for f in found]), seeds),
                "seconds": seconds,
                "taken": taken,
            }
            rows.append(row)
            click.echo(told(row, 0.1), err=True)
    return rows


def regrets(row, method):
    """Return by what share each answer of a method ends above the lowest loss."""
    curve = {float(rate): loss for rate, loss in row["truth"].items()}
    best = min(curve.values())
    return [loss_at(curve, rate) / best - 1 for rate in row["taken"][method]]


def told(row, share):
    """Return a row as a line."""
    parts = []
    for method in row["taken"]:
        all_of = regrets(row, method)
        right = sum(one < share for one in all_of)
        parts.append(f"{right} of {len(all_of)} (median {100 * median(all_of):.0f} %)")
    return " | ".join([row["task"], row["optimizer"], *parts])


@click.command()
@click.option("--tasks", default=TASKS, show_default=True)
@click.option("--optimizers", default=OPTIMIZERS, show_default=True)
@click.option("--seeds", default=5, show_default=True, help="Seeds of the truth.")
@click.option("--asked", default=4, show_default=True, help="Times that each method is asked.")
@click.option("--lengths", default="0.25,0.5,1", show_default=True, help="Shares of the epochs.")
@click.option(
    "--share", default=0.1, show_default=True, help="Above the lowest loss that is right."
)
@click.option("--json", "kept", type=click.Path(path_type=Path), help="Keep all numbers here.")
@click.option("--from", "known", multiple=True, type=click.Path(path_type=Path), help="Show again.")
def main(tasks, optimizers, seeds, asked, lengths, share, kept, known):
    """Measure how often a quick learning rate is right."""
    if known:
        rows = [row for file in known for row in json.loads(file.read_text())]
    else:
        rows = measure(tasks, optimizers, seeds, asked, [float(s) for s in lengths.split(",")])
    if kept:
        kept.write_text(json.dumps(rows))
    methods = list(rows[0]["taken"])
    click.echo(" | ".join(["task", "optimizer", *methods]))
    for row in rows:
        click.echo(told(row, share))
    for method in methods:
        every = [one for row in rows for one in regrets(row, method)]
        right = sum(one < share for one in every)
        click.echo(
            f"{method}: right in {right} of {len(every)}, median {100 * median(every):.0f} %"
        )
    for share in rows[0]["seconds"]:
        took = sorted(s for row in rows for s in row["seconds"][share])
        click.echo(f"{share} of the epochs: {took[0]:.1f} to {took[-1]:.1f} s, compiling left out")


if __name__ == "__main__":
    main()
