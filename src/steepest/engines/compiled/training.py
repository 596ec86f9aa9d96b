"""The training of one member as a function that JAX traces and compiles.

while epochs and steps remain and it has not diverged:
    for each batch of the epoch's order: gradient → rule → weights
    evaluate on the validation set, if the epoch is over

The steps that remain are an argument: a call may end within an epoch that takes long, and the next
one goes on there with the sum of the epoch's losses so far.
"""

import logging
import os
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.data.arrays import Arrays, Batch
from steepest.engines.compiled.evaluation import Chunks, evaluation
from steepest.engines.compiled.parts import Parts
from steepest.engines.compiled.updates import OneUpdate, Updates
from steepest.engines.compiled.width import is_out_of_memory
from steepest.records import TaskFacts
from steepest.tasks.task import Task

log = logging.getLogger(__name__)

Update = OneUpdate | Updates
AUTOTUNED = "xla_gpu_autotune_level"
TRITON = "xla_gpu_enable_triton_gemm"
DETERMINISTIC = "xla_gpu_deterministic_ops"
GRAPHS = "xla_gpu_graph_min_graph_size"  # of kernels that are launched together


def compiler_options(platform: str) -> dict[str, str | bool] | None:
    """Return how XLA compiles programs for "cpu", "gpu" or another platform.

    On a CPU several threads run programs at the same time. A thread each uses all cores without
    splitting small matrix products between them. LLVM's first level of optimization compiles an
    eighth faster than its third, into what trains as fast.

    On a GPU XLA would time several kernels for each product and keep the fastest. That was a third
    of what a small transformer took to compile, and which kernel wins, and so the last bits of a
    study, was left to the clock. Untimed, cuBLAS chooses better than Triton: a perceptron of
    1024-1024 and a transformer took half as long. Kernels are launched as a graph also where fewer
    than five follow each other. And sums whose order is left to chance, as an embedding's gradient,
    are taken in order, so that the same seed gives the same study: a transformer's trials took 1.5
    times as long, other models' as long as before. `XLA_FLAGS` may ask for each otherwise.
    """
    if platform == "gpu":
        asked = os.environ.get("XLA_FLAGS", "")
        usual: dict[str, str | bool] = {
            AUTOTUNED: "0",
            TRITON: False,
            GRAPHS: "1",
            DETERMINISTIC: True,
        }
        if AUTOTUNED in asked:  # then Triton's kernels are among those that are timed
            del usual[TRITON], usual[DETERMINISTIC]
        return {name: value for name, value in usual.items() if name not in asked} or None
    if platform != "cpu":
        return None
    return {"xla_cpu_multi_thread_eigen": False, "xla_backend_optimization_level": "1"}


def compiled(traced: Any, options: dict[str, str | bool] | None) -> Any:
    """Return what XLA makes of a traced program, repeatable to the bit where it can."""
    try:
        made = traced.compile(compiler_options=options)
    except Exception as error:
        if is_out_of_memory(error) or DETERMINISTIC not in (options or {}):
            raise
        log.warning(
            "on this device the same seed may give other last bits: %s",
            " ".join(str(error).split())[:300],
        )
        made = traced.compile(compiler_options=without_order(options))
    return made


def without_order(options: dict[str, str | bool] | None) -> dict[str, str | bool] | None:
    """Return options that refuse nothing: for what has no gradient, and so hardly such sums."""
    less = {name: value for name, value in (options or {}).items() if name != DETERMINISTIC}
    return less or None


def batch_at(order: Any, i: Any, facts: TaskFacts) -> tuple[Any, Any]:
    """Return the places of a batch's examples, and how many count.

    `order` is `[..., examples]`. A smaller last batch is filled with copies of its last example.
    """
    size, batch = facts.training_examples, facts.batch_size
    if facts.drop_last or size % batch == 0:
        begin = (*[0] * (order.ndim - 1), i * batch)
        return lax.dynamic_slice(order, begin, (*order.shape[:-1], batch)), batch
    places = jnp.minimum(i * batch + jnp.arange(batch), size - 1)
    count = jnp.where(i < size // batch, batch, size % batch)
    return order[..., places], count.astype(jnp.float32)


def make_member(task: Task, parts: Parts, update: Update) -> Any:
    """Return the training of one member from its state up to epoch `stop`, by `steps` at most.

    `update` is that of its rule, or of several of which its numbers say the one.
    `orders` is int32 `[rows, examples]`; the member's, of the epochs from `first` on, begin at row
    `slot`. A member whose loss is not finite does not finish its epoch.
    """
    facts = task.facts
    size, batch = facts.training_examples, facts.batch_size
    full = size // batch  # batches; what remains is a smaller one, as in fit, or left out
    met = full * batch if facts.drop_last else size  # examples an epoch

    def train(
        training: Batch,
        validation: Chunks,
        first: Any,
        numbers: dict[str, Any],
        complements: dict[str, Any],
        orders: Any,
        slot: Any,
        state: Any,
        stop: Any,
        steps_left: Any,
    ) -> Any:
        def step(i: Any, order: Any, carry: Any) -> Any:
            weights, memory, variables, t, total = carry
            places, count = batch_at(order, i, facts)
            examples = jax.tree.map(lambda a: a[places], training)
            if parts.either_gradient is None:
                found = parts.gradient(weights, variables, examples)
            else:
                found = parts.either_gradient(i < full, weights, variables, examples)
            (loss, variables), gradients = found
            loss = loss.astype(jnp.float32) * count
            done = t.astype(jnp.float32)
            weights, memory = update.step(gradients, weights, memory, done, numbers, complements)
            return task.constrain(weights), memory, variables, t + 1, total + loss

        def one_epoch(carry: Any) -> Any:
            (weights, memory, variables, t, epoch, alive, total), left, curves = carry
            order = orders[slot + epoch - first]
            begun = t - epoch * facts.steps_per_epoch  # of this epoch's steps
            until = jnp.minimum(begun + left, facts.steps_per_epoch)

            def more(c: Any) -> Any:
                i, (*_, total) = c
                return (i < until) & jnp.isfinite(total)

            inner = (weights, memory, variables, t, total)
            i, inner = lax.while_loop(
                more, lambda c: (c[0] + 1, step(c[0], order, c[1])), (begun, inner)
            )
            weights, memory, variables, t, total = inner
            over = (i >= facts.steps_per_epoch) | ~jnp.isfinite(total)

            def evaluate(variables: Arrays, curves: Any) -> Any:
                shown = update.shown(weights, memory, numbers, complements)
                measured, variables = evaluation(task, parts, shown, variables, validation)
                values = {"training_loss": total / met, **measured}
                curves = {n: c.at[epoch].set(values[n].astype(c.dtype)) for n, c in curves.items()}
                fine = jnp.isfinite(values["training_loss"]) & jnp.isfinite(values["loss"])
                return variables, curves, epoch + 1, fine, jnp.float32(0)

            def wait(variables: Arrays, curves: Any) -> Any:
                return variables, curves, epoch, alive, total

            variables, curves, epoch, alive, total = lax.cond(
                over, evaluate, wait, variables, curves
            )
            state = (weights, memory, variables, t, epoch, alive, total)
            return state, left - (i - begun), curves

        def more_epochs(carry: Any) -> Any:
            (*_, epoch, alive, _), left, _ = carry
            return (epoch < stop) & alive & (left > 0)

        curves = {name: jnp.full(facts.epochs, jnp.nan, jnp.float32) for name in names(task)}
        state, _, curves = lax.while_loop(more_epochs, one_epoch, (state, steps_left, curves))
        return state, curves

    return train


def names(task: Task) -> tuple[str, ...]:
    """Return what is measured after each epoch."""
    return ("training_loss", "loss", *task.facts.metrics)


def make_single(task: Task, parts: Parts, update: Update) -> Any:
    """Return the function to compile for a call that trains a single member, arrays `[1, ...]`.

    `filled` is how many of the places hold a member, int32 `[1]`. A single member is no loop over
    members, whose copies in and out are code to compile: a quarter of what a small transformer
    took, though little of a perceptron's.
    """
    train = make_member(task, parts, update)

    def run(
        training: Batch,
        validation: Chunks,
        first: Any,
        stop: Any,
        steps_left: Any,
        orders: Any,
        filled: Any,
        slots: Any,
        numbers: dict[str, Any],
        complements: dict[str, Any],
        state: Any,
    ) -> Any:
        until = jnp.where(filled[0] > 0, stop, 0)
        each = (numbers, complements, slots, state)
        own, more, slot, mine = jax.tree.map(lambda a: a[0], each)
        found = train(training, validation, first, own, more, orders, slot, mine, until, steps_left)
        return jax.tree.map(lambda a: jnp.asarray(a)[None], found)

    return run
