"""NAdamW: Nadam with constant momentum and decoupled weight decay, AlgoPerf's baseline.

Dozat 2016, "Incorporating Nesterov momentum into Adam"; Loshchilov & Hutter 2019 for the decay;
Dahl et al. 2023, "Benchmarking neural network training algorithms", for the two together.

    w = w − η·λ·w
    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    m̂ = β₁·m / (1 − β₁ᵗ⁺¹) + (1 − β₁)·g / (1 − β₁ᵗ)
    w = w − η·m̂ / (√(v/(1 − β₂ᵗ)) + ε)

As `optax.nadamw`. The decay λ is a step of the recipe, on kernels unless `decay_on="all"`.
PyTorch's NAdam is the same with decoupled decay and an infinite momentum_decay; Keras has none.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, OPTAX, SPACES, TORCH
from steepest.rules.arrays import Array, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v = memory
    lr, b1, b2, eps = h.learning_rate, h.beta_1, h.beta_2, h.epsilon
    m = m + (g - m) * h.complement.beta_1
    v = v + (g * g - v) * h.complement.beta_2
    m_hat = b1 * m / (1 - b1 ** (t + 1)) + h.complement.beta_1 * g / (1 - b1**t)
    return w - lr * m_hat / (sqrt(v / (1 - b2**t)) + eps), (m, v)


NADAMW = Rule(
    name="NAdamW",
    doc=__doc__,
    about=About(
        does="AdamW whose momentum looks one step ahead, as Nesterov's does. It was the best "
        "baseline of the AlgoPerf benchmark, tuned over learning rate, β₁, decay and warm-up.",
        strengths=(
            "the strongest tuned baseline in AlgoPerf's paper",
            "as robust as AdamW, usually a little faster",
        ),
        weaknesses=("two arrays of memory for each weight", "Keras has no class for it"),
        when="Where AdamW is used, with warm-up and a decaying schedule.",
        tune="The learning rate and the weight decay; then 1 − β₁, from .004 to .1.",
    ),
    update=update,
    memory=memory,
    defaults={
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 1e-4,
    },
    spaces={
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "weight_decay": Float(1e-4, 1.0, log=True),
        "beta_1": Float(0.5, 0.996, log=True, complement=True),
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds={**BOUNDS, "weight_decay": (0.0, 1e38)},
    dialects={
        "keras": Dialect(decay="decoupled", note="Keras has no such class."),
        "torch": Dialect(
            call="torch.optim.NAdam",
            arguments={**TORCH, "weight_decay": "weight_decay"},
            constants={"momentum_decay": float("inf"), "decoupled_weight_decay": True},
            decay="decoupled",
            note="torch.optim.NAdam is the same when its momentum_decay is infinite and its decay "
            "decoupled.",
        ),
        "optax": Dialect(
            call="optax.nadamw",
            arguments={**OPTAX, "weight_decay": "weight_decay"},
            mask="mask",
            decay="decoupled",
            note="The learning rate has no default.",
        ),
    },
)
