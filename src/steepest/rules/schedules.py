"""The learning rate as a pure function of the step.

    s = max(0, step − warm-up steps)     D = steps of the schedule − warm-up steps

    warm-up         step / warm-up steps, while step < warm-up steps, so the first rate is 0
    constant        1
    linear          (1 − f)·(1 − s/D) + f
    cosine          (1 − f)·(1 + cos(π·s/D))/2 + f
    exponential     f^(s/D)
    step            drop^⌊s / steps between drops⌋
    plateau         1; between epochs the rate itself is lowered (`plateau.py`)

A schedule is a factor on the learning rate. It takes the steps done so far (0 at the first
batch, as Keras' `iterations`) and what `schedule_numbers` made of the recipe; f is the recipe's
`final`. Cosine: Loshchilov & Hutter 2017, without restarts. Warm-up as in Keras' `CosineDecay` and
Optax' `warmup_cosine_decay_schedule`.

A schedule of another kind (`keras_schedules`, `custom_schedules`) is a table of rates, an entry a
step, which is one more number to run on.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from steepest.rules import custom_schedules
from steepest.rules.arrays import Array, cos, maximum, minimum, where
from steepest.rules.plateau import PLATEAU

FINAL = {"linear": 0.0, "cosine": 0.0, "exponential": 0.01}  # where no other is given
DROP, DROP_EVERY = 0.1, 1 / 3

Numbers = Mapping[str, Any]


def constant(s: Array, n: Numbers) -> Array:
    return s * 0 + 1


def linear(s: Array, n: Numbers) -> Array:
    return (1 - n["final"]) * (1 - minimum(s / n["decay_steps"], s * 0 + 1)) + n["final"]


def cosine(s: Array, n: Numbers) -> Array:
    share = minimum(s / n["decay_steps"], s * 0 + 1)
    return (1 - n["final"]) * (0.5 * (1 + cos(math.pi * share))) + n["final"]


def exponential(s: Array, n: Numbers) -> Array:
    return n["final"] ** (s / n["decay_steps"])


def step(s: Array, n: Numbers) -> Array:
    return n["drop"] ** (s // n["drop_steps"])


SCHEDULES: Mapping[str, Callable[[Array, Numbers], Array]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "exponential": exponential,
    "step": step,
    PLATEAU: constant,
}


def schedule_numbers(schedule: str, recipe: Mapping[str, Any], total: int) -> dict[str, Any]:
    """Return the numbers that a schedule runs on, in steps, as floats or float64 `[members]`.

    `recipe` may hold warmup, final, drop, drop_every and decay_steps; `total` are the steps of the
    whole training.
    """
    if custom_schedules.is_factor(schedule):
        drawn = custom_schedules.stretches(schedule)
        lengths = recipe.get("decay_steps", total) if drawn else total
        table = custom_schedules.factors(schedule, lengths, total + 1)
        return {"rates": np.asarray(recipe["learning_rate"])[..., None] * table}
    if schedule not in SCHEDULES:
        times = np.asarray(recipe["learning_rate"]) / custom_schedules.peak(schedule)
        return {"rates": times[..., None] * custom_schedules.table(schedule, total + 1)}
    length = recipe.get("decay_steps", float(total))
    found = {}
    warmup = np.rint(np.multiply(recipe.get("warmup", 0.0), length))
    if "warmup" in recipe:
        found["warmup_steps"] = warmup
    if schedule in ("constant", PLATEAU):
        return found
    found["decay_steps"] = np.maximum(length - warmup, 1.0)
    if schedule == "step":
        found["drop"] = recipe.get("drop", DROP)
        every = np.multiply(recipe.get("drop_every", DROP_EVERY), found["decay_steps"])
        found["drop_steps"] = np.maximum(np.rint(every), 1.0)
    else:
        found["final"] = recipe.get("final", FINAL[schedule])
    return found


def factor(schedule: str, done: Array, n: Numbers) -> Array:
    """Return what the learning rate is multiplied by after `done` steps, a scalar of floats."""
    if "warmup_steps" not in n:
        return SCHEDULES[schedule](done, n) if schedule not in ("constant", PLATEAU) else 1.0
    warmup = n["warmup_steps"]
    after = SCHEDULES[schedule](maximum(done - warmup, done * 0), n)
    return where(done < warmup, done / maximum(warmup, warmup * 0 + 1), after)


def rate(schedule: str, done: Array, n: Numbers) -> Array:
    """Return the learning rate after `done` steps, a scalar of floats."""
    if "rates" not in n:
        return n["learning_rate"] * factor(schedule, done, n)
    rates = n["rates"]
    return rates[minimum(done, done * 0 + (rates.shape[-1] - 1)).astype("int32")]
