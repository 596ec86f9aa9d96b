"""A population trained inside one compiled JAX program.

    for each member:                              one after another, or in lockstep
        while epochs remain and it has not diverged:
            shuffle; for each batch: gradient → rule → weights
            evaluate on the validation set

The counts of members and epochs are arguments of the program and not part of it, so one compile of
a rule serves every rung, every cut to survivors and the confirmation. One call of `advance` takes
a population from its state some epochs further; resuming and halving are "call it again with the
state". The engine knows nothing of trials and rungs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.engines.state import Advance, State, begin
from steepest.records import Config, Population
from steepest.rules import step as steps
from steepest.tasks.task import Arrays, Batch, Task

SEQUENTIAL_CAPACITY = 8  # members a call can take when they train one after another
LOCKSTEP_CAPACITY = 32  # and when they train side by side
CAPACITY_BYTES = 2**24  # what the state of these members may take; large models go one by one


@dataclass(frozen=True)
class Device:
    """The task's arrays, on the device once."""

    training: Batch
    validation: Batch
    test: Batch | None


@dataclass(frozen=True)
class Program:
    """The compiled training of one rule on one task."""

    task: Task
    device: Device
    plan: steps.Plan
    executable: Any
    capacity: int
    compile_seconds: float


def place(task: Task) -> Device:
    """Put the task's data on the device."""
    return Device(*jax.tree.map(jnp.asarray, (task.training, task.validation, task.test)))


def compile_program(
    task: Task, device: Device, config: Config, *, lockstep: bool | None = None
) -> Program:
    """Compile the training of `config`'s rule, choices and schedule, for any numbers.

    `lockstep` trains members side by side (`vmap`), which suits accelerators; otherwise they train
    one after another in the same program, which suits CPUs, where it is as fast, keeps the caches
    warm, and a member that diverged costs nothing more. None chooses by the device.
    """
    started = time.perf_counter()
    plan = steps.make_plan(config, task.facts.weights)
    on_cpu = jax.default_backend() == "cpu"
    lockstep = not on_cpu if lockstep is None else lockstep
    capacity = LOCKSTEP_CAPACITY if lockstep else SEQUENTIAL_CAPACITY
    one = begin(task, Population.of([config]))
    size = sum(array.nbytes for array in jax.tree.leaves(one.tree()))
    capacity = max(1, min(capacity, CAPACITY_BYTES // size))
    population = Population.of([config] * capacity)
    state = one.take([0] * capacity)
    arguments = (device.training, device.validation, *_numbers(task, population), state.tree())
    lowered = jax.jit(_population(task, plan, lockstep)).lower(
        *arguments, np.int32(capacity), np.int32(1)
    )
    # Populations of several rules train at the same time, a thread each, which uses all cores
    # without splitting small matrix products between them.
    options: dict[str, str | bool] | None = (
        {"xla_cpu_multi_thread_eigen": False} if on_cpu else None
    )
    executable = lowered.compile(compiler_options=options)
    return Program(task, device, plan, executable, capacity, time.perf_counter() - started)


def advance(
    program: Program, population: Population, state: State, stop: int
) -> tuple[State, Advance]:
    """Train each member up to epoch `stop`; return its new state and what was measured.

    Takes at most `program.capacity` members. A member that diverged stays where it is.
    """
    started = time.perf_counter()
    count = len(population)
    start = int(state.epoch.min()) if count else 0
    padding = np.minimum(np.arange(program.capacity), count - 1)
    padded = population.take(padding)
    tree, values = program.executable(
        program.device.training,
        program.device.validation,
        *_numbers(program.task, padded),
        state.take(padding).tree(),
        np.int32(count),
        np.int32(stop),
    )
    tree, values = jax.tree.map(lambda a: np.array(a)[:count], (tree, values))
    after = State(*tree)
    measured = {name: array[:, start:stop] for name, array in values.items()}
    seconds = time.perf_counter() - started
    return after, Advance(measured, after.epoch - state.epoch, seconds)


Test = Callable[[Program, Population, State], list[dict[str, float]]]


def compile_test(task: Task, device: Device) -> Test | None:
    """Return what measures members of a program on the test set, or None without a test set."""
    if device.test is None:
        return None
    run = jax.jit(lambda weights, variables, batch: _evaluation(task, weights, variables, batch)[0])

    def test(program: Program, population: Population, state: State) -> list[dict[str, float]]:
        numbers, complements, _ = _numbers(task, population)
        found = []
        for member in range(len(state)):
            one = (state.weights, state.memory, state.variables, numbers, complements)
            weights, memory, variables, n, c = jax.tree.map(lambda a, i=member: a[i], one)
            shown = steps.shown(program.plan, weights, memory, n, c)
            values = run(shown, variables, device.test)
            found.append({name: float(value) for name, value in values.items()})
        return found

    return test


def _numbers(task: Task, population: Population) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Return numbers, their complements and seeds, as float32 and uint32 `[members]`."""
    numbers, complements = steps.prepare(population.schedule, population.numbers, task.facts.steps)
    return numbers, complements, population.seeds.astype(np.uint32)


def _population(task: Task, plan: steps.Plan, lockstep: bool) -> Any:
    """Return the function to compile: a slice of members, each with its own everything."""
    train = _member(task, plan, stop_early=not lockstep)

    def run(
        training: Batch,
        validation: Batch,
        numbers: dict[str, Any],
        complements: dict[str, Any],
        seeds: Any,
        state: Any,
        members: Any,
        stop: Any,
    ) -> Any:
        def one(i: Any, state: Any) -> Any:
            mine = jax.tree.map(lambda a: a[i], (numbers, complements, seeds, state))
            return train(training, validation, *mine, stop)

        capacity = seeds.shape[0]
        if lockstep:
            return jax.vmap(one, in_axes=(0, None))(jnp.arange(capacity), state)
        names = ("training_loss", "loss", *task.facts.metrics)
        shape = (capacity, task.facts.epochs)
        curves = {name: jnp.full(shape, jnp.nan, jnp.float32) for name in names}

        def body(i: Any, carry: Any) -> Any:
            return jax.tree.map(lambda all_, a: all_.at[i].set(a), carry, one(i, carry[0]))

        return lax.fori_loop(0, members, body, (state, curves))

    return run


def _member(task: Task, plan: steps.Plan, stop_early: bool) -> Any:
    """Return the training of one member from its state up to epoch `stop`."""
    facts = task.facts
    size, batch = facts.training_examples, facts.batch_size
    full = size // batch  # batches; what remains is a smaller one, as in fit

    def train(
        training: Batch,
        validation: Batch,
        numbers: dict[str, Any],
        complements: dict[str, Any],
        seed: Any,
        state: Any,
        stop: Any,
    ) -> Any:
        key = jax.random.key(seed)

        def step(carry: Any, index: Any) -> Any:
            weights, memory, variables, t, total = carry
            examples = jax.tree.map(lambda a: a[index], training)
            (loss, variables), gradients = jax.value_and_grad(task.loss, has_aux=True)(
                weights, variables, examples
            )
            done = t.astype(jnp.float32)
            weights, memory = steps.step(
                plan, gradients, weights, memory, done, numbers, complements
            )
            weights = task.constrain(weights)
            total = total + loss.astype(jnp.float32) * len(index)
            return weights, memory, variables, t + 1, total

        def one_epoch(carry: Any) -> Any:
            (weights, memory, variables, t, epoch, _), curves = carry
            order = jax.random.permutation(jax.random.fold_in(key, epoch), size)
            batches = order[: full * batch].reshape(full, batch)
            inner = (weights, memory, variables, t, jnp.float32(0))

            def more(c: Any) -> Any:
                return (c[0] < full) & (jnp.isfinite(c[1][4]) if stop_early else True)

            _, inner = lax.while_loop(
                more, lambda c: (c[0] + 1, step(c[1], batches[c[0]])), (jnp.int32(0), inner)
            )
            if size % batch:
                inner = step(inner, order[full * batch :])
            weights, memory, variables, t, total = inner
            shown = steps.shown(plan, weights, memory, numbers, complements)
            measured, variables = _evaluation(task, shown, variables, validation)
            values = {"training_loss": total / size, **measured}
            curves = {n: c.at[epoch].set(values[n].astype(c.dtype)) for n, c in curves.items()}
            alive = jnp.isfinite(values["training_loss"]) & jnp.isfinite(values["loss"])
            return (weights, memory, variables, t, epoch + 1, alive), curves

        names = ("training_loss", "loss", *facts.metrics)
        curves = {name: jnp.full(facts.epochs, jnp.nan, jnp.float32) for name in names}
        return lax.while_loop(lambda c: (c[0][4] < stop) & c[0][5], one_epoch, (state, curves))

    return train


def _evaluation(
    task: Task, weights: Arrays, variables: Arrays, batch: Batch
) -> tuple[dict[str, Any], Arrays]:
    """Return the loss and the metrics over all examples of `batch`, and the state after it.

    In batches of the training's size, as `fit` does it: not every loss is a mean over examples.
    """
    size = jax.tree.leaves(batch[0])[0].shape[0]
    chunk = min(size, task.facts.batch_size)
    full = size // chunk

    def add(carry: Any, examples: Batch) -> tuple[Any, None]:
        return task.measure(weights, carry[0], carry[1], examples), None

    carry = (variables, jax.tree.map(jnp.asarray, task.totals))
    chunks = jax.tree.map(lambda a: a[: full * chunk].reshape(full, chunk, *a.shape[1:]), batch)
    carry, _ = lax.scan(add, carry, chunks)
    if size % chunk:
        carry, _ = add(carry, jax.tree.map(lambda a: a[full * chunk :], batch))
    variables, totals = carry
    values = task.summarize(totals)
    return {name: values[name] for name in ("loss", *task.facts.metrics)}, variables
