"""The table of contenders: how each is called, and what its process needs."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from speed.clock import Run
from speed.contenders_keras import (
    hide_tensorflow,
    run_keras_tuner,
    run_optuna,
    run_ray,
    whole_waves,
)
from speed.contenders_steepest import run_steepest
from speed.contenders_torch import run_torch
from speed.works import WORKS, Adam, Work, make_trials


@dataclass(frozen=True)
class Tool:
    """A contender."""

    title: str
    run: Callable[[Work, Sequence[Adam]], Run]
    modules: tuple[str, ...]  # what has to be installed
    backend: str = "jax"  # of Keras
    speed: str = "slow"  # "all" trials, or as many as are asked of a "loop" or of a "slow" tool

    def count(self, trials: int, loop: int, slow: int) -> int:
        """Return how many of the trials it runs."""
        if self.run is run_ray:
            return min(whole_waves(slow), max(trials, whole_waves(1)))
        return min(trials, {"all": trials, "loop": loop, "slow": slow}[self.speed])


_JAX = ("jax", "jaxlib", "keras")
_KERAS_TUNER = ("keras_tuner", "six", "tensorboard")
BASE, WARM = "steepest", "steepest-warm"
TOOLS = {
    BASE: Tool("Steepest", run_steepest, ("steepest", *_JAX), speed="all"),
    # The same again in another process, which finds on disk what that one compiled.
    WARM: Tool("Steepest, compiled before", run_steepest, ("steepest", *_JAX), speed="all"),
    "keras-tuner-tensorflow": Tool(
        "KerasTuner, TensorFlow",
        run_keras_tuner,
        (*_KERAS_TUNER, "keras", "tensorflow"),
        backend="tensorflow",
    ),
    "keras-tuner-jax": Tool("KerasTuner, JAX", run_keras_tuner, (*_KERAS_TUNER, *_JAX)),
    "optuna-tensorflow": Tool(
        "Optuna, Keras on TensorFlow",
        run_optuna,
        ("optuna", "keras", "tensorflow"),
        backend="tensorflow",
    ),
    "optuna-jax": Tool("Optuna, Keras on JAX", run_optuna, ("optuna", *_JAX)),
    "optuna-torch": Tool(
        "Optuna, Keras on PyTorch", run_optuna, ("optuna", "keras", "torch"), backend="torch"
    ),
    "ray-jax": Tool("Ray Tune, Keras on JAX", run_ray, ("ray", *_JAX)),
    "torch": Tool("PyTorch loop", run_torch, ("torch",), speed="loop"),
}


def run_here(name: str, work: str, count: int) -> Run:
    """Run a tool in this process."""
    hide_tensorflow()
    import sklearn.datasets  # noqa: F401  # two works' data are from there; the import is no work

    run = TOOLS[name].run(WORKS[work], make_trials(count))
    finite = all(math.isfinite(accuracy) for accuracy in run.accuracy.values())
    if sorted(run.accuracy) != list(range(count)) or not finite:
        raise RuntimeError(f"{name} was to train {count} trials to the end; it gave {run.accuracy}")
    print(f"{name}: {run}", file=sys.stderr)
    return run
