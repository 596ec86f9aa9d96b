"""A short measurement: do members train faster side by side, and how many of them at a time?"""

import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest import memo
from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.training import compiled
from steepest.engines.compiled.width import WIDTHS, is_out_of_memory
from steepest.engines.cores import together
from steepest.engines.population import Population
from steepest.engines.protocol import IN_TURN, SIDE_BY_SIDE
from steepest.engines.state import begin
from steepest.records import Config, TaskFacts
from steepest.rules import step as steps

MEMBERS = 8
SECONDS = 0.3  # that each way trains, as a measurement
# How much faster the other way has to be. Both give the same to rounding, but not to the last bit,
# and the same seed should give the same study: what is close to even must not be left to the clock.
CLEARLY = 1.3
# Measuring costs about what compiling did. A study has to take so many times that, so that it costs
# a thirtieth of it at most. On a CPU side by side took 2 to 6 times as long (docs/engines.md), so
# nothing is measured there: on a busy machine a few steps can look 1.3 times faster by chance.
WORTH = 30


class Memo:
    """What was chosen for a model on this machine, beside the compiled programs that are kept.

    So that the same question gives the same study to the last bit, however the clock ran.
    """

    def __init__(
        self, facts: TaskFacts, device: str, configs: Sequence[Config], epochs: int
    ) -> None:
        asked = {
            "weights": [(one.shape, one.role) for one in facts.weights],
            "facts": (facts.loss, facts.metrics, facts.training_examples, facts.batch_size),
            "model": facts.fingerprint.get("model"),
            "rules": [(c.rule, c.dialect, c.schedule, sorted(c.choices.items())) for c in configs],
            "trained": (device, epochs),
        }
        self.key = f"members-{memo.name(asked)}"

    def read(self) -> tuple[bool | None, int | None]:
        """Return whether members train side by side, and at most how many; None for what is not
        known."""
        how, _, most = (memo.read(self.key) or "").partition("\n")
        lockstep = {SIDE_BY_SIDE: True, IN_TURN: False}.get(how)
        return lockstep, int(most) if most.isdigit() else None

    def write(self, lockstep: bool, most: int | None = None) -> None:
        """Remember it, where there is a place for it."""
        how = SIDE_BY_SIDE if lockstep else IN_TURN
        memo.write(self.key, how if most is None else f"{how}\n{most}")


def is_faster(shared: DeviceTask, config: Config, *, lockstep: bool) -> bool:
    """Return whether members are clearly faster side by side (`lockstep`), or one after another.

    Compiles a few steps on the first batch in both ways, and runs each on all workers at once.
    """
    one, other = (seconds_a_step(shared, config, way) for way in (lockstep, not lockstep))
    return CLEARLY * one < other


def best_width(shared: DeviceTask, config: Config, most: int) -> int:
    """Return how many members are to train side by side, at most so many.

    As many as clearly raise how many steps are taken in a second. More would only wait for places
    that nobody fills: a rung has fewer members than a study.
    """
    widths = [*(width for width in WIDTHS if width < most), most]
    found, seconds = widths[0], seconds_a_step(shared, config, True, widths[0])
    for wider in widths[1:]:
        try:
            each = seconds_a_step(shared, config, True, wider)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            break
        if CLEARLY * each > seconds:
            break
        found, seconds = wider, each
    return found


def seconds_a_step(
    shared: DeviceTask, config: Config, lockstep: bool, members: int = MEMBERS
) -> float:
    """Return the seconds that a step of one member takes when so many train at a time."""
    task = shared.task
    population = Population.of([config] * members)
    plan = steps.plan_of(config, task.facts)
    numbers = steps.prepare(population.schedule, population.numbers, task.facts.steps)
    batch = jax.tree.map(lambda a: a[: task.facts.batch_size], shared.training)
    state = begin(task, population)

    def train(own: Any, more: Any, standing: Any, count: Any) -> Any:
        def step(_: Any, carry: Any) -> Any:
            weights, memory, variables, t = carry
            (_, variables), gradients = shared.parts.gradient(weights, variables, batch)
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

        return lax.fori_loop(0, members, member, standing)

    run_until: Any = jax.block_until_ready
    standing = (state.weights, state.memory, state.variables, state.step)
    lowered = jax.jit(all_).lower(*numbers, standing, np.int32(1))
    run = compiled(lowered, shared.options)

    def timed(count: int) -> float:
        started = time.perf_counter()
        together(
            lambda _: run_until(run(*numbers, standing, np.int32(count))),
            range(shared.workers),
        )
        return time.perf_counter() - started

    timed(1)
    count = max(1, min(10_000, int(SECONDS / max(timed(2) / 2, 1e-9))))
    return timed(count) / (count * members * shared.workers)
