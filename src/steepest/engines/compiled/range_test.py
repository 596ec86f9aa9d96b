"""A learning-rate range test: one run whose rate grows from batch to batch (Smith 2017).

As fastai's `lr_find` does it: 100 batches, rates from 1e-7 to 10 evenly in their logarithm, a
moving average of the loss with 0.98, corrected for its start, and an end where that is over four
times its lowest.
"""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.engines.compiled.device_task import DeviceTask
from steepest.records import Config
from steepest.records.rate_runs import RangeTest
from steepest.rules import step as steps
from steepest.rules.recipe import SCHEDULE_NUMBERS

BATCHES = 100
LOWEST, HIGHEST = 1e-7, 10.0
KEPT = 0.98
WORSE = 4.0  # times the lowest


def range_test(shared: DeviceTask, config: Config) -> RangeTest:
    """Return what a range test sees of the rule and the other hyperparameters of `config`.

    Its schedule is left out, as the rate is the test's own. Full batches alone are taken, in the
    order of the config's seed, epoch after epoch.
    """
    facts, seed = shared.facts, config.seed
    free = {n: v for n, v in config.numbers.items() if n not in SCHEDULE_NUMBERS}
    values = {**config.choices, **free}
    plan = steps.plan_of(replace(config, hyperparameters=values, schedule="constant"), facts)
    numbers, complements = steps.prepare("constant", free, BATCHES)
    weights, variables = (list(map(jnp.asarray, part)) for part in shared.draw(seed))
    memory = steps.begin(plan, weights, numbers, complements)

    def one(weights: Any, memory: Any, variables: Any, done: Any, rate: Any, places: Any) -> Any:
        examples = jax.tree.map(lambda a: a[places], shared.training)
        (loss, variables), gradients = shared.parts.gradient(weights, variables, examples)
        given = {**numbers, "learning_rate": rate}
        weights, memory = steps.step(plan, gradients, weights, memory, done, given, complements)
        return loss, shared.task.constrain(weights), memory, variables

    step = jax.jit(one)
    rates = [LOWEST * (HIGHEST / LOWEST) ** (i / (BATCHES - 1)) for i in range(BATCHES)]
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    for i, places in enumerate(_places(shared, seed)):
        loss, weights, memory, variables = step(
            weights, memory, variables, jnp.float32(i), jnp.float32(rates[i]), places
        )
        losses.append(float(loss))
        mean = KEPT * mean + (1 - KEPT) * losses[-1]
        smoothed.append(mean / (1 - KEPT ** (i + 1)))
        if not math.isfinite(losses[-1]) or smoothed[-1] > WORSE * min(smoothed):
            break
    count = len(losses)
    return RangeTest(tuple(rates[:count]), tuple(losses), tuple(smoothed), seed)


def _places(shared: DeviceTask, seed: int) -> list[np.ndarray[Any, Any]]:
    """Return the places of the examples of each batch."""
    facts = shared.facts
    size = min(facts.batch_size, facts.training_examples)
    full = facts.training_examples // size
    found: list[np.ndarray[Any, Any]] = []
    for epoch in range(-(-BATCHES // full)):
        order = shared.orders.draw(seed, epoch)
        found += [order[i * size : (i + 1) * size] for i in range(full)]
    return found[:BATCHES]
