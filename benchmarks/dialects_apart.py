"""What it does to a trained model that a framework's Adam is another one.

    python benchmarks/dialects_apart.py   # a minute or two on two cores

The same hyperparameters, initial weights and order of the data in Keras' arithmetic and in
PyTorch's, seed by seed. Shown are the difference of the validation losses at the end, as a share of
Keras', with Student's 95 % interval over seeds, and beside it how far two seeds of the same
arithmetic lie apart: the root mean square of their differences.
"""

import math
from dataclasses import replace

import click
import numpy as np

VALUES = {
    "Adam": {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "RMSprop": {"learning_rate": 1e-3, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
}
FLAGS = {"Adam": {"amsgrad": False}, "RMSprop": {"centered": False}}


def losses(engine, config, seeds):
    """Return the validation loss at the end of training, a seed each."""
    from steepest.engines.population import Population
    from steepest.workers.local import Job, train

    program = engine.prepare({0: config})[0]
    population = Population.of([replace(config, seed=seed) for seed in range(seeds)])
    found = np.full(seeds, np.nan)

    def end(members, state, measured):
        for i, member in enumerate(members):
            found[member] = measured.values["loss"][i, -1]

    def begin(members):
        return program.begin(population.take(members))

    job = Job(program, population, begin, end, engine.facts.epochs)
    train([job], engine.workers, lambda *_: None)
    return found


@click.command()
@click.option("--tasks", default="digits,breast-cancer,diabetes", show_default=True)
@click.option("--seeds", default=20, show_default=True)
def main(tasks, seeds):
    """Measure what the dialect of Adam and RMSprop does to a trained model."""
    from steepest.engines import make_engine
    from steepest.records import Config
    from steepest.statistics import estimate
    from steepest.tasks.load import load_task

    for name in tasks.split(","):
        engine = make_engine(load_task(name))
        for rule, values in VALUES.items():
            config = Config(rule, "keras", {**values, **FLAGS[rule]}, "constant", 0)
            keras = losses(engine, config, seeds)
            torch = losses(engine, replace(config, dialect="torch"), seeds)
            told = estimate(list(100 * (torch - keras) / keras.mean()))
            apart = 100 * keras.std(ddof=1) * math.sqrt(2) / keras.mean()
            click.echo(
                f"{name} | {rule} | {told.mean:+.3f} % ± {told.half_width:.3f} % | {apart:.1f} %"
            )


if __name__ == "__main__":
    main()
