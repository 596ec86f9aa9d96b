"""Steepest as a contender: all trials in one compiled program."""

from collections.abc import Sequence

from speed.clock import Run, Stopwatch
from speed.population import make_task, prepare
from speed.works import Adam, Work


def run_steepest(work: Work, trials: Sequence[Adam]) -> Run:
    """Train all trials as `steepest compare` does, but without a search and a study file."""
    watch = Stopwatch()
    import keras  # noqa: F401  # the task imports it when it is built, which is counted

    import steepest.engines
    import steepest.tasks.keras  # noqa: F401

    import_seconds = watch.lap()
    prepared = prepare(make_task(work), trials)
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
