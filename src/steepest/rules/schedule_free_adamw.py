"""ScheduleFreeAdamW: AdamW on weights between an average and the steps, without a schedule.

Defazio et al. 2024, "The road less scheduled".

    v = v + (1 − β₂)·(g² − v)                     g is the gradient at y, the weights that train
    z = z − η·g / (√(v/(1 − β₂ᵗ)) + ε)            z starts at the weights
    x = (1 − cₜ)·x + cₜ·z                         cₜ: the largest η's square over their sum
    y = (1 − β₁)·z + β₁·x                         Keras: cₜ = 1/t

The average x, which is what is evaluated, is not kept but found from y and z; Keras evaluates y.
Optax takes the largest η up to the next step, the authors' PyTorch up to this one. In both, weight
decay λ pulls z by y: z = z − η·λ·y.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, KERAS, OPTAX, SPACES
from steepest.rules.arrays import Array, filled, maximum, one_number, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("z", "v") if not flags["weighs_by_rate"] else ("z", "v", "weights", "largest_rate")


def begin(w: Array, h: Hyperparameters) -> Memory:
    if h.weighs_by_rate:
        return w + 0, filled(w, 0.0), one_number(w, 0.0), one_number(w, 0.0)
    return w + 0, filled(w, 0.0)


def average(y: Array, z: Array, h: Hyperparameters) -> Array:
    return (y - h.complement.beta_1 * z) / h.beta_1


def share_of_rate(weights: Array, largest: Array, h: Hyperparameters) -> tuple[Array, ...]:
    """Return c, the sum of the squared rates and the largest rate."""
    rate = h.next_learning_rate if h.weighs_by_rate == "next" else h.learning_rate
    largest = maximum(largest, largest * 0 + rate)
    weights = weights + largest * largest
    return largest * largest / maximum(weights, weights * 0 + 1e-30), weights, largest


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    z, v = memory[0], memory[1]
    v = v + (g * g - v) * h.complement.beta_2
    step = g / (sqrt(v / (1 - h.beta_2**t)) + h.epsilon)
    if h.weighs_by_rate:
        step = step + h.weight_decay * w
        c, *rates = share_of_rate(memory[2], memory[3], h)
        extra: Memory = tuple(rates)
    else:
        c = 1 / t
        extra = ()
    x = average(w, z, h)
    z = z - h.learning_rate * step
    x = (1 - c) * x + c * z
    return h.complement.beta_1 * z + h.beta_1 * x, (z, v, *extra)


def shown(w: Array, memory: Memory, h: Hyperparameters) -> Array:
    return average(w, memory[0], h) if h.weighs_by_rate else w


SCHEDULE_FREE_ADAMW = Rule(
    name="ScheduleFreeAdamW",
    doc=__doc__,
    about=About(
        does="Takes AdamW's steps at a point between the newest weights and their average, and "
        "gives the average. The averaging does the work of a decaying schedule, so the length of "
        "the training need not be known.",
        strengths=(
            "no schedule and no length of training to choose",
            "won AlgoPerf's self-tuning track in 2024",
        ),
        weaknesses=(
            "the weights to evaluate are not those that train; Keras evaluates those that train",
            "batch normalization's statistics belong to the weights that train",
        ),
        when="Trainings of unknown length; with warm-up and a constant rate.",
        tune="The learning rate, 2 to 10 times AdamW's; then β₁ and the warm-up.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    shown=shown,
    defaults={"learning_rate": 0.0025, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    spaces=SPACES,
    bounds={**BOUNDS, "beta_1": (1e-9, 1.0)},
    twists={
        "weighs_by_rate": "whether the average weighs by the squared rate (of this step or the "
        "next), decay pulls z by y, and the average is what is evaluated"
    },
    decays_itself=lambda flags: bool(flags["weighs_by_rate"]),
    steps_from_weights=False,
    dialects={
        "keras": Dialect(
            call="keras.optimizers.ScheduleFreeAdamW",
            arguments=KERAS,
            twists={"weighs_by_rate": False},
            decay="decoupled",
            note="Evaluates y, the weights that train, and not their average. Right on the JAX "
            "backend alone: on TensorFlow z starts at zero, on PyTorch it is changed in place.",
            warning="Run it on JAX: on its other backends Keras 3.15 computes something else.",
        ),
        "torch": Dialect(
            twists={"weighs_by_rate": "this"},
            decay="decoupled",
            note="The arithmetic is that of the authors' "
            "AdamWScheduleFree, whose warm-up has a rate above zero at the first step.",
        ),
        "optax": Dialect(
            call="optax.contrib.schedule_free_adamw",
            arguments={**OPTAX, "weight_decay": "weight_decay"},
            twists={"weighs_by_rate": "next"},
            decay="decoupled",
            note="Evaluate optax.contrib.schedule_free_eval_params(state, params).",
        ),
    },
)
