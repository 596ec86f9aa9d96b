"""Steepest as a contender: all trials in one compiled program, of a Keras model or of a module."""

from collections.abc import Callable, Sequence
from typing import Any

from speed.clock import Run, Stopwatch
from speed.population import make_task, make_torch_task, prepare
from speed.works import Adam, Work


def run_steepest(work: Work, trials: Sequence[Adam]) -> Run:
    """Train all trials as `steepest compare` does, but without a search and a study file."""
    watch = Stopwatch()
    import keras  # noqa: F401  # the task imports it when it is built, which is counted

    import steepest.engines
    import steepest.tasks.keras.task  # noqa: F401

    return _run(watch, work, make_task, trials, "keras")


def run_steepest_torch(work: Work, trials: Sequence[Adam]) -> Run:
    """Do the same for the PyTorch module: its export, lowering and proof are counted."""
    watch = Stopwatch()
    import torch  # noqa: F401  # as above

    import steepest.engines
    import steepest.tasks.torch.task  # noqa: F401

    return _run(watch, work, make_torch_task, trials, "torch")


def _run(
    watch: Stopwatch,
    work: Work,
    make: Callable[[Work], Any],
    trials: Sequence[Adam],
    dialect: str,
) -> Run:
    import_seconds = watch.lap()
    prepared = prepare(make(work), trials, dialect)
    before = watch.lap()
    curves = prepared.train()
    training = watch.lap()
    return Run(
        import_seconds,
        before + training,
        training / len(trials),
        {i: float(value) for i, value in enumerate(curves["accuracy"][:, -1])},
        compile_seconds=prepared.compile_seconds,
    )
