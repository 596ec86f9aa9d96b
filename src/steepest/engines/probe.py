"""A short measurement: do members train faster side by side or one after another?"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.engines.cores import together
from steepest.engines.state import begin
from steepest.records import Config, Population
from steepest.rules import step as steps

MEMBERS = 8
SECONDS = 0.3  # that each way trains, as a measurement
# How much faster the other way has to be. Both give the same to rounding, but not to the last bit,
# and the same seed should give the same study: what is close to even must not be left to the clock.
CLEARLY = 1.3
WORTH = 30  # times the cost of measuring that a study has to take, for it to be worth it


def is_faster(engine: Any, config: Config, *, lockstep: bool) -> bool:
    """Return whether members are clearly faster side by side (`lockstep`), or one after another.

    Compiles a few steps on the first batch in both ways, and runs each on all workers at once.
    """
    one, other = (seconds_a_step(engine, config, way) for way in (lockstep, not lockstep))
    return CLEARLY * one < other


def seconds_a_step(engine: Any, config: Config, lockstep: bool) -> float:
    """Return the seconds that a step of one member takes when `MEMBERS` train at a time."""
    task = engine.task
    population = Population.of([config] * MEMBERS)
    plan = steps.make_plan(config, task.facts.weights)
    numbers = steps.prepare(population.schedule, population.numbers, task.facts.steps)
    batch = jax.tree.map(lambda a: a[: task.facts.batch_size], engine.training)
    state = begin(task, population)

    def train(own: Any, more: Any, standing: Any, count: Any) -> Any:
        def step(_: Any, carry: Any) -> Any:
            weights, memory, variables, t = carry
            (_, variables), gradients = engine.parts.gradient(weights, variables, batch)
            done = t.astype(jnp.float32)
            weights, memory = steps.step(plan, gradients, weights, memory, done, own, more)
            return task.constrain(weights), memory, variables, t + 1

        return lax.fori_loop(0, count, step, standing)

    def all_(own: Any, more: Any, standing: Any, count: Any) -> Any:
        if lockstep:
            return jax.vmap(train, (0, 0, 0, None))(own, more, standing, count)

        def member(i: Any, standing: Any) -> Any:
            mine = jax.tree.map(lambda a: a[i], (own, more, standing))
            after = train(mine[0], mine[1], mine[2], count)
            return jax.tree.map(lambda all_, a: all_.at[i].set(a), standing, after)

        return lax.fori_loop(0, MEMBERS, member, standing)

    run_until: Any = jax.block_until_ready
    standing = (state.weights, state.memory, state.variables, state.step)
    lowered = jax.jit(all_).lower(*numbers, standing, np.int32(1))
    run = lowered.compile(compiler_options=engine.options)

    def timed(count: int) -> float:
        started = time.perf_counter()
        together(
            lambda _: run_until(run(*numbers, standing, np.int32(count))),
            range(engine.workers),
        )
        return time.perf_counter() - started

    timed(1)
    count = max(1, min(10_000, int(SECONDS / max(timed(2) / 2, 1e-9))))
    return timed(count) / (count * MEMBERS * int(engine.workers))
