"""Does the interval for other examples hold the distance that two optimizers have on all of them?

    python benchmarks/other_examples.py    # two minutes of one core; Fashion-MNIST

A small perceptron is trained from 40 seeds with four configurations on 2,000 images, and measured
on 57,000 others. A study has 12 of these seeds and a few hundred of these images for validation;
it is drawn 400 times. Told are the share of studies whose interval holds the distance over all
seeds and images: by seeds alone, and for other examples (`measures/examples.py`); and how wide the
part of it that is examples' is, of so many seeds, beside that of all 12.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from speed.data import _fashion_files

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.eval_sets import PARTS
from steepest.engines.population import Population
from steepest.measures.examples import elsewhere
from steepest.parse.contestant import contestants
from steepest.search.parts import SEEDS
from steepest.statistics import estimate
from steepest.tasks.keras.task import keras_task

TRAINING, EPOCHS, RUNS, STUDY, DRAWN = 2000, 8, 40, 12, 400
SIZES = (200, 500, 2000)
FIRST = "SGD(learning_rate=0.05, momentum=0.9)"
OTHERS = (
    "Adam(learning_rate=0.003)",
    "RMSprop(learning_rate=0.002)",
    "SGD(learning_rate=0.02, momentum=0.9)",
)


def main() -> None:
    images, y = _fashion_files()
    x = (images.reshape(len(images), -1)[:, ::4] / 255).astype("float32")
    y = y.astype("int32")
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((x.shape[1],)), *layers])
    model.compile(loss="sparse_categorical_crossentropy")
    rest = slice(3000, None)
    first = losses(FIRST, model, x, y, rest)
    print(f"against {FIRST}; share of studies whose interval holds the distance")
    print("examples  by seeds  for others  5 seeds' width  the other one")
    for name in OTHERS:
        other = losses(name, model, x, y, rest)
        for count in SIZES:
            print(f"{count:8}  {row(first, other, count)}  {name}")


def losses(name: str, model: Any, x: Any, y: Any, rest: slice) -> Any:
    """Return the losses `[seeds, examples]` on the examples that nobody trained on."""
    validation = (x[TRAINING : TRAINING + 100], y[TRAINING : TRAINING + 100])
    given = {"validation_data": validation, "epochs": EPOCHS, "batch_size": 32}
    task = keras_task(model, x[:TRAINING], y[:TRAINING], **given)
    (one,) = contestants(name, 8)
    configs = [one.config(one.defaults(), seed) for seed in range(1, RUNS + 1)]
    program = CompiledEngine(task).prepare({0: configs[0]})[0]
    found = []
    for config in configs:
        population = Population.of([config])
        state, _ = program.advance(population, program.begin(population), EPOCHS)
        for variable, weights in zip(model.trainable_variables, state.weights, strict=True):
            variable.assign(np.asarray(weights)[0])
        chances = model.predict(x[rest], batch_size=4096, verbose=0)
        of_label = chances[np.arange(len(chances)), y[rest]]
        found.append(-np.log(np.maximum(of_label, 1e-7)))
    return np.array(found)


def row(first: Any, other: Any, count: int) -> str:
    """Return what came of the studies with so many validation examples."""
    random, apart = np.random.default_rng(0), other.mean() - first.mean()
    by_seeds, by_both, wider = 0, 0, []
    rows = count // PARTS
    for _ in range(DRAWN):
        some = random.choice(first.shape[1], count, replace=False)
        seeds = random.choice(RUNS, STUDY, replace=False)
        a, b = first[seeds][:, some], other[seeds][:, some]
        behind = estimate((b.mean(1) - a.mean(1)).tolist())
        parts = [in_parts(each[:SEEDS], rows) for each in (a, b)]
        study: Any = SimpleNamespace(
            parts={"A": tuple(parts[0]), "B": tuple(parts[1])},
            part_examples=rows,
            task=SimpleNamespace(validation_examples=count),
        )
        both = elsewhere(study, "A", "B", behind)
        by_seeds += behind.low <= apart <= behind.high
        by_both += both.low <= apart <= both.high
        widths = [
            estimate((in_parts(b[:n], rows) - in_parts(a[:n], rows)).tolist()).half_width
            for n in (5, SEEDS, STUDY)
        ]
        wider.append([widths[0] / widths[2], widths[1] / widths[2]])
    five, used = np.median(wider, 0)
    shares = f"{by_seeds / DRAWN:8.1%}  {by_both / DRAWN:10.1%}"
    return f"{shares}  {five:7.2f} ({SEEDS}: {used:.2f})"


def in_parts(losses: Any, rows: int) -> Any:
    """Return the mean losses of equal parts, over seeds."""
    return losses.mean(0)[: PARTS * rows].reshape(PARTS, rows).mean(1)


if __name__ == "__main__":
    main()
