"""Nadam: Adam with Nesterov's momentum.

Dozat 2016, "Incorporating Nesterov momentum into Adam".

    μₜ = β₁·(1 − 0.5·0.96^(ψ·t))                 Πₜ = μ₁·μ₂·…·μₜ
    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    m̂ = μₜ₊₁·m / (1 − Πₜ₊₁) + (1 − μₜ)·g / (1 − Πₜ)
    w = w − η·m̂ / (√(v/(1 − β₂ᵗ)) + ε)

ψ, the decay of the momentum's warm-up, is 1 in Keras, .004 in PyTorch and infinite in Optax, where
μ is β₁ from the start: three optimizers of one name.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, KERAS, OPTAX, SPACES, TORCH
from steepest.rules.arrays import Array, filled, one_number, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v", "mu_product")


def begin(w: Array, h: Hyperparameters) -> Memory:
    return filled(w, 0.0), filled(w, 0.0), one_number(w, 1.0)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v, product = memory
    lr, b1, b2, eps = h.learning_rate, h.beta_1, h.beta_2, h.epsilon
    mu = b1 * (1 - 0.5 * 0.96 ** (t * h.momentum_decay))
    mu_next = b1 * (1 - 0.5 * 0.96 ** ((t + 1) * h.momentum_decay))
    product = product * mu
    m = m + (g - m) * h.complement.beta_1
    v = v + (g * g - v) * h.complement.beta_2
    m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    w = w - lr * m_hat / (sqrt(v / (1 - b2**t)) + eps)
    return w, (m, v, product)


NADAM = Rule(
    name="Nadam",
    doc=__doc__,
    about=About(
        does="Adam whose momentum looks one step ahead, as Nesterov's does. Its momentum is warmed "
        "up, which each framework does at its own pace.",
        strengths=(
            "often a little faster than Adam at the same cost",
            "can imitate Nesterov's momentum and Adam, so it should not lose to them when tuned",
        ),
        weaknesses=(
            "means something else in each framework: at step 100 the momentum is .892 in Keras and "
            ".457 in PyTorch, for the same β₁",
            "two arrays of memory for each weight",
        ),
        when="Where Adam works and more speed is wanted.",
        tune="The learning rate; then 1 − β₁ and ε.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "momentum_decay": 0.004,
    },
    spaces={**SPACES, "momentum_decay": Float(1e-3, 1.0, log=True)},
    bounds={**BOUNDS, "momentum_decay": (0.0, 1e38)},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Nadam",
            arguments=KERAS,
            fixed={"momentum_decay": 1.0},
            decay="decoupled",
            note="The momentum's warm-up has ψ = 1, so it is over after a hundred steps.",
        ),
        "torch": Dialect(
            call="torch.optim.NAdam",
            arguments={**TORCH, "momentum_decay": "momentum_decay"},
            defaults={"learning_rate": 0.002, "epsilon": 1e-8},
            decay="coupled",
            note="ψ is momentum_decay, .004 by default; weight_decay is L2 unless "
            "decoupled_weight_decay=True.",
        ),
        "optax": Dialect(
            call="optax.nadam",
            arguments=OPTAX,
            defaults={"epsilon": 1e-8},
            fixed={"momentum_decay": float("inf")},
            note="No warm-up of the momentum (ψ is infinite).",
        ),
    },
)
