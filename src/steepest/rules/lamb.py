"""Lamb: Adam's direction, with each layer's step as long as its weights are large.

You et al. 2020, "Large batch optimization for deep learning: training BERT in 76 minutes".

    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    u = m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)           Optax: + λ·w, with weight decay λ
    w = w − η·‖w‖/‖u‖·u                              the ratio is 1 where a norm is 0

Keras shrinks the weights before the step instead, so its ratio does not know of the decay.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, KERAS, OPTAX, SPACES
from steepest.rules.arrays import Array, norm, sqrt, where
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
    u = m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + eps)
    if h.decay_in_ratio:
        u = u + h.weight_decay * w
    above, below = norm(w), norm(u)
    both = (above > 0) & (below > 0)
    ratio = where(both, above / where(both, below, below * 0 + 1), above * 0 + 1)
    return w - ratio * lr * u, (m, v)


LAMB = Rule(
    name="Lamb",
    doc=__doc__,
    about=About(
        does="Takes Adam's step and scales it, layer by layer, so that its length is the learning "
        "rate times the norm of the weights. Every layer then moves by the same share of its size.",
        strengths=(
            "made for very large batches: BERT at 32,000 examples a batch",
            "layers with small gradients learn as fast as the others",
        ),
        weaknesses=(
            "little use at ordinary batch sizes",
            "weights that start at zero, such as biases, have no size to scale by",
        ),
        when="Batches of thousands of examples.",
        tune="The learning rate, from 1e-3 to 1e-1; then 1 − β₁.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    spaces={
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "beta_1": Float(0.7, 0.95, log=True, complement=True),
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds=BOUNDS,
    twists={"decay_in_ratio": "whether weight decay is part of the step whose length is scaled"},
    inert={"decay_in_ratio": lambda values, _: not values.get("weight_decay")},
    decays_itself=lambda flags: bool(flags["decay_in_ratio"]),
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Lamb",
            arguments=KERAS,
            twists={"decay_in_ratio": False},
            decay="decoupled",
            note="Weight decay is not part of the trust ratio.",
        ),
        "torch": Dialect(
            twists={"decay_in_ratio": True},
            defaults={"epsilon": 1e-6},
            decay="decoupled",
            note="PyTorch has no such class; decay is part of the trust ratio, as in the paper.",
        ),
        "optax": Dialect(
            call="optax.lamb",
            arguments={**OPTAX, "weight_decay": "weight_decay"},
            mask="mask",
            defaults={"epsilon": 1e-6},
            twists={"decay_in_ratio": True},
            decay="decoupled",
            note="Weight decay is part of the trust ratio, as in the paper.",
        ),
    },
)
