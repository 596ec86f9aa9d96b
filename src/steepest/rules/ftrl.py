"""Ftrl: follow the regularized leader, with proximal terms.

McMahan et al. 2013, "Ad click prediction: a view from the trenches"; the shrinkage and beta as in
Keras.

    G = g + 2·s·w
    n′ = n + g²                                             n starts at n₀
    z = z + G − (n′⁻ᵖ − n⁻ᵖ)/η · w                          p = −½: square roots
    w = (clip(z, −λ₁, λ₁) − z) / (n′⁻ᵖ/η + 2·(λ₂ + β/(2·η)))
    n = n′
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, filled, maximum, minimum
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("n", "z")


def begin(w: Array, h: Hyperparameters) -> Memory:
    return filled(w, h.initial_accumulator_value), filled(w, 0.0)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    n, z = memory
    lr, p, l1 = h.learning_rate, h.learning_rate_power, h.l1_regularization_strength
    l2 = h.l2_regularization_strength + h.beta / (2 * lr)
    grown = n + g * g
    shrunk = g + 2 * h.l2_shrinkage_regularization_strength * w
    z = z + (shrunk - (grown ** (-p) - n ** (-p)) / lr * w)
    clipped = minimum(maximum(z, z * 0 - l1), z * 0 + l1)
    return (clipped - z) / (grown ** (-p) / lr + 2 * l2), (grown, z)


_PENALTY = (0.0, 1e38)

FTRL = Rule(
    name="Ftrl",
    doc=__doc__,
    about=About(
        does="Chooses the weights that would have been best on all gradients so far, with a "
        "penalty that keeps them small and, with λ₁, exactly zero. It is Adagrad's step size in "
        "another form, made for click prediction.",
        strengths=(
            "with λ₁ it gives truly sparse models",
            "made for sparse, convex, online problems",
        ),
        weaknesses=(
            "it forgets the initial weights: its first step takes most of them away, so deep "
            "networks lose their random start",
            "only Keras has it",
        ),
        when="Wide linear models on sparse features.",
        tune="The learning rate; then λ₁.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    divides_by_rate=True,
    defaults={
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    },
    spaces={
        "learning_rate": Float(1e-2, 10.0, log=True),
        "initial_accumulator_value": Float(1e-4, 1.0, log=True),
        "l1_regularization_strength": Float(1e-6, 1e-1, log=True),
        "l2_regularization_strength": Float(1e-6, 1e-1, log=True),
    },
    bounds={
        "learning_rate": (1e-30, 1e38),
        "learning_rate_power": (-10.0, 1e-30),
        "initial_accumulator_value": _PENALTY,
        "l1_regularization_strength": _PENALTY,
        "l2_regularization_strength": _PENALTY,
        "l2_shrinkage_regularization_strength": _PENALTY,
        "beta": _PENALTY,
    },
    steps_from_weights=False,
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Ftrl",
            arguments={
                name: name
                for name in (
                    "learning_rate",
                    "learning_rate_power",
                    "initial_accumulator_value",
                    "l1_regularization_strength",
                    "l2_regularization_strength",
                    "l2_shrinkage_regularization_strength",
                    "beta",
                )
            },
            decay="decoupled",
            note="Only Keras has it.",
        ),
        "torch": Dialect(decay="decoupled", note="PyTorch has no such class."),
        "optax": Dialect(decay="decoupled", note="Optax has no such transformation."),
    },
)
