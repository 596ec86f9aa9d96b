"""ScheduleFreeSGD: SGD on weights between an average and the steps, without a schedule.

Defazio et al. 2024, "The road less scheduled".

    z = z − η·(g + λ·y)                           g is the gradient at y, the weights that train
    x = (1 − cₜ)·x + cₜ·z                         cₜ: the largest η's square over their sum
    y = (1 − β₁)·z + β₁·x                         z and x start at the weights

The average x, which is what is evaluated, is not kept but found from y and z. Optax takes the
largest η up to the next step, the authors' PyTorch up to this one.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, one_number
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.rules.schedule_free_adamw import average, share_of_rate
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("z", "weights", "largest_rate")


def begin(w: Array, h: Hyperparameters) -> Memory:
    return w + 0, one_number(w, 0.0), one_number(w, 0.0)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    z, weights, largest = memory
    c, weights, largest = share_of_rate(weights, largest, h)
    x = average(w, z, h)
    z = z - h.learning_rate * (g + h.weight_decay * w)
    x = (1 - c) * x + c * z
    return h.complement.beta_1 * z + h.beta_1 * x, (z, weights, largest)


def shown(w: Array, memory: Memory, h: Hyperparameters) -> Array:
    return average(w, memory[0], h)


SCHEDULE_FREE_SGD = Rule(
    name="ScheduleFreeSGD",
    doc=__doc__,
    about=About(
        does="Takes plain steps at a point between the newest weights and their average, and gives "
        "the average. The averaging does the work of a decaying schedule, so the length of the "
        "training need not be known; β₁ does the work of momentum.",
        strengths=(
            "no schedule and no length of training to choose",
            "one array of memory for each weight, as SGD with momentum has",
        ),
        weaknesses=(
            "the weights to evaluate are not those that train",
            "batch normalization's statistics belong to the weights that train",
            "the best learning rate is large, and changes from model to model as SGD's does",
        ),
        when="Where SGD with momentum works, and the length of the training is open.",
        tune="The learning rate, 10 to 50 times that of SGD with momentum 0.9; then β₁, and a "
        "warm-up.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    shown=shown,
    defaults={"learning_rate": 1.0, "beta_1": 0.9},
    spaces={
        "learning_rate": Float(1e-2, 10.0, log=True),
        "beta_1": Float(0.5, 0.98, log=True, complement=True),
    },
    bounds={"learning_rate": (0.0, 1e38), "beta_1": (1e-9, 1.0)},
    twists={
        "weighs_by_rate": "whether the average weighs by the largest rate up to this step or up to "
        "the next one"
    },
    inert={"weighs_by_rate": lambda _, rate_changes: not rate_changes},
    decays_itself=lambda _: True,
    steps_from_weights=False,
    dialects={
        "keras": Dialect(
            twists={"weighs_by_rate": "this"},
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            twists={"weighs_by_rate": "this"},
            decay="decoupled",
            note="The arithmetic is that of the authors' "
            "SGDScheduleFree, whose warm-up has a rate above zero at the first step.",
        ),
        "optax": Dialect(
            call="optax.contrib.schedule_free_sgd",
            arguments={
                "learning_rate": "learning_rate",
                "beta_1": "b1",
                "weight_decay": "weight_decay",
            },
            twists={"weighs_by_rate": "next"},
            decay="decoupled",
            note="Evaluate optax.contrib.schedule_free_eval_params(state, params).",
        ),
    },
)
