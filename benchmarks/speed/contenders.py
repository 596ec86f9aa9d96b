"""The table of contenders: how each is called, and what its process needs."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from speed.clock import Run
from speed.contenders_keras import (
    hide_tensorflow,
    run_keras_tuner,
    run_optuna,
    run_ray,
    whole_waves,
)
from speed.contenders_steepest import run_steepest, run_steepest_torch
from speed.contenders_torch import run_lightning, run_optuna_loop, run_ray_loop, run_torch
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
        if self.run in (run_ray, run_ray_loop):
            return min(whole_waves(slow), max(trials, whole_waves(1)))
        return min(trials, {"all": trials, "loop": loop, "slow": slow}[self.speed])


_JAX = ("jax", "jaxlib", "keras")
_KERAS_TUNER = ("keras_tuner", "six", "tensorboard")
_STEEPEST_TORCH = ("steepest", "torch", "jax", "jaxlib")
LOOP = Tool("PyTorch loop", run_torch, ("torch",), speed="loop")


@dataclass(frozen=True)
class Group:
    """Contenders for models of one framework, and what of them a summary compares."""

    base: str  # Steepest
    warm: str  # the same again in another process, which finds on disk what that one compiled
    tools: Mapping[str, Tool]
    compared: Mapping[str, str]  # others, and what the summary calls them


_KERAS = {
    "steepest": Tool("Steepest", run_steepest, ("steepest", *_JAX), speed="all"),
    "steepest-warm": Tool(
        "Steepest, compiled before", run_steepest, ("steepest", *_JAX), speed="all"
    ),
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
    "torch": LOOP,
}
_TORCH = {
    "steepest-torch": Tool("Steepest", run_steepest_torch, _STEEPEST_TORCH, speed="all"),
    "steepest-torch-warm": Tool(
        "Steepest, compiled before", run_steepest_torch, _STEEPEST_TORCH, speed="all"
    ),
    "torch": LOOP,
    "optuna-loop": Tool("Optuna, the loop", run_optuna_loop, ("optuna", "torch"), speed="loop"),
    "ray-loop": Tool("Ray Tune, the loop", run_ray_loop, ("ray", "torch")),
    "lightning": Tool("Lightning's Trainer", run_lightning, ("lightning", "torch")),
}
GROUPS = {
    "keras": Group(
        "steepest",
        "steepest-warm",
        _KERAS,
        {"keras-tuner-tensorflow": "KerasTuner (TensorFlow)", "torch": "PyTorch loop"},
    ),
    "torch": Group(
        "steepest-torch",
        "steepest-torch-warm",
        _TORCH,
        {"torch": "PyTorch loop", "lightning": "Lightning"},
    ),
}
TOOLS = {**_KERAS, **_TORCH}


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
