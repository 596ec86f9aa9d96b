"""The only place where benchmarks touch Steepest's engine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from speed.works import SEED, Adam, Work


@dataclass(frozen=True)
class Prepared:
    """A population that is compiled and can be trained, again and again."""

    compile_seconds: float
    train: Callable[[], dict[str, Any]]  # from fresh weights → curves, [members, epochs] each


def prepare(task: Any, trials: Sequence[Adam], dialect: str = "keras") -> Prepared:
    """Compile the training of all `trials` on `task`, as `steepest.search` does it."""
    from steepest.engines import make_engine
    from steepest.engines.population import Population
    from steepest.parse.contestant import contestants
    from steepest.records import Config
    from steepest.workers.local import Job, train

    (adam,) = contestants("Adam", len(trials))
    defaults = adam.defaults()
    configs = [
        Config(adam.rule, dialect, {**defaults, **trial}, "constant", SEED) for trial in trials
    ]
    started = time.perf_counter()
    engine = make_engine(task)
    program = engine.prepare({"adam": configs[0]})["adam"]
    compile_seconds = time.perf_counter() - started
    population = Population.of(configs)

    def run() -> dict[str, Any]:
        import numpy as np

        curves: dict[str, Any] = {}

        def begin(members: Sequence[int]) -> Any:
            return program.begin(population.take(members))

        def end(members: Sequence[int], state: Any, measured: Any) -> None:
            for name, values in measured.values.items():
                all_ = curves.setdefault(name, np.empty((len(population), values.shape[1])))
                all_[list(members)] = values

        job = Job(program, population, begin, end, task.facts.epochs)
        train([job], engine.workers, lambda planned, trained: None)
        return curves

    return Prepared(compile_seconds, run)


def make_task(work: Work, epochs: int | None = None, parts: Any = None) -> Any:
    """Return the work as a task of Steepest, with other data or epochs where they are given."""
    from steepest.tasks.keras.task import keras_task, load_keras

    (x, y), validation = parts or work.data()
    return keras_task(
        work.compiled(load_keras()),
        x,
        y,
        validation_data=validation,
        epochs=epochs or work.epochs,
        batch_size=work.batch_size,
    )


def make_torch_task(work: Work, epochs: int | None = None) -> Any:
    """Return the work as a task of a PyTorch module.

    Raises:
        RuntimeError: it is not lowered, and would train in the loop.
    """
    import torch

    from speed.contenders_torch import torch_data
    from steepest.tasks.task import Task
    from steepest.tasks.torch.task import torch_task

    def loss(logits: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())

    def accuracy(logits: Any, y: Any) -> Any:
        return (logits.argmax(-1) == y).float().mean()

    (x, y), validation = torch_data(torch, work)
    task = torch_task(
        lambda: work.torch_model(torch),
        x,
        y,
        loss=loss,
        metrics={"accuracy": accuracy},
        validation_data=tuple(validation),
        epochs=epochs or work.epochs,
        batch_size=work.batch_size,
    )
    if not isinstance(task, Task):
        raise RuntimeError(task.why)
    return task


def one_step(task: Any, trial: Adam) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """Return a member's step, only its gradient, and arguments for both, to count FLOPs in.

    The step has no loop around it: XLA counts the body of a loop once, however often it runs.
    """
    import jax
    import jax.numpy as jnp

    from steepest.parse.contestant import contestants
    from steepest.records import Config
    from steepest.rules import step as steps

    (adam,) = contestants("Adam", 1)
    config = Config(adam.rule, "keras", {**adam.defaults(), **trial}, "constant", SEED)
    plan = steps.make_plan(config, task.facts.weights)
    numbers, complements = steps.prepare(config.schedule, config.numbers, task.facts.steps)
    weights, variables = task.initialize(SEED)
    memory = steps.begin(plan, weights, numbers, complements)
    batch = jax.tree.map(lambda a: jnp.asarray(a[: task.facts.batch_size]), task.training)

    def gradient(weights: Any, variables: Any, batch: Any) -> Any:
        return jax.value_and_grad(task.loss, has_aux=True)(weights, variables, batch)

    def step(weights: Any, memory: Any, variables: Any, batch: Any, done: Any) -> Any:
        (loss, variables), gradients = gradient(weights, variables, batch)
        moved = steps.step(plan, gradients, weights, memory, done, numbers, complements)
        return loss, variables, moved

    return step, gradient, (weights, memory, variables, batch, jnp.float32(1))
