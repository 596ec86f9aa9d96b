"""A short measurement: do members train faster side by side or one after another?"""

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.engines.cores import together
from steepest.engines.state import begin
from steepest.records import Config, Population, TaskFacts
from steepest.rules import step as steps
from steepest.storage import durable

MEMBERS = 8
SECONDS = 0.3  # that each way trains, as a measurement
# How much faster the other way has to be. Both give the same to rounding, but not to the last bit,
# and the same seed should give the same study: what is close to even must not be left to the clock.
CLEARLY = 1.3
WORTH = 30  # times the cost of measuring that a study has to take, for it to be worth it


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
        name = hashlib.sha256(repr(asked).encode()).hexdigest()[:24]
        place: Any = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        self.path = Path(place) / f"members-{name}" if place else None

    def read(self) -> bool | None:
        """Return whether members train side by side, or None where nothing is known."""
        try:
            said = self.path.read_text() if self.path else ""
        except (OSError, ValueError):
            return None
        return {"side by side": True, "one after another": False}.get(said)

    def write(self, lockstep: bool) -> None:
        """Remember it, where there is a place for it."""
        with contextlib.suppress(OSError):
            if self.path is not None:
                durable.write(self.path, [b"side by side" if lockstep else b"one after another"])


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
