"""A small atlas, made by hand, of which the answers are known."""

import numpy as np

from steepest.priors.atlas import Atlas, AtlasTask, Measured


def task(name, family="images", series="", kind="dense network", goal="classification", size=1000):
    return AtlasTask(name, family, name, series or name, kind, goal, size, 500, 32, size, 0.5)


TASKS = (
    task("a"),
    task("b"),
    task("c", family="text", kind="transformer"),
    task("d", family="text", kind="transformer"),
    task("a-wide", series="a", size=100_000),
)
ADAM = Measured(
    ({"learning_rate": 0.001}, {"learning_rate": 0.01}, {"learning_rate": 0.1}),
    np.array(
        [[0.2, 0.3, 0.0, 0.1, 0.3], [0.0, 0.1, 0.5, 0.6, 0.0], [9.999, 2.0, np.nan, 3.0, 1.0]]
    ),
)
SGD = Measured(
    ({"learning_rate": 0.01}, {"learning_rate": 0.03, "momentum": 0.9}),
    np.array([[0.6, 0.6, 0.6, 0.6, 0.6], [0.1, 0.0, 0.9, 0.0, 0.2]]),
)


def small_atlas():
    return Atlas(1, TASKS, {"Adam": ADAM, "SGD": SGD}, {})
