"""Adamax: Adam with the largest recent gradient in place of the root of the mean square.

Kingma & Ba 2015, "Adam: a method for stochastic optimization", section 7.1.

    m = m + (1 − β₁)·(g − m)
    u = max(β₂·u, |g|)                       PyTorch and Optax: max(β₂·u, |g| + ε)
    w = w − η/(1 − β₁ᵗ) · m / (u + ε)        PyTorch and Optax: m / u
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, KERAS, OPTAX, SPACES, TORCH
from steepest.rules.arrays import Array, absolute, maximum
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "u")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, u = memory
    lr, b1, b2, eps = h.learning_rate, h.beta_1, h.beta_2, h.epsilon
    m = m + (g - m) * h.complement.beta_1
    if h.epsilon_in_maximum:
        u = maximum(b2 * u, absolute(g) + eps)
        below = u
    else:
        u = maximum(b2 * u, absolute(g))
        below = u + eps
    return w - (lr * m) / ((1 - b1**t) * below), (m, u)


ADAMAX = Rule(
    name="Adamax",
    doc=__doc__,
    about=About(
        does="Divides the average gradient of each weight by the largest gradient that it has "
        "seen lately. It is Adam with the infinity norm in place of the mean square.",
        strengths=(
            "no weight ever moves by much more than the learning rate",
            "rare large gradients, as of embeddings, do not fade from memory at once",
        ),
        weaknesses=(
            "one large gradient slows a weight for about 1/(1 − β₂) steps",
            "rarely the best in comparisons",
        ),
        when="Embeddings and heavy-tailed gradients, as an alternative to Adam.",
        tune="The learning rate, about twice Adam's; then 1 − β₁.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    spaces=SPACES,
    bounds=BOUNDS,
    twists={"epsilon_in_maximum": "whether ε is added to |g| in the maximum or to u below m"},
    inert={"epsilon_in_maximum": lambda values, _: values["epsilon"] == 0},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adamax",
            arguments=KERAS,
            twists={"epsilon_in_maximum": False},
            decay="decoupled",
        ),
        "torch": Dialect(
            call="torch.optim.Adamax",
            arguments=TORCH,
            defaults={"learning_rate": 0.002, "epsilon": 1e-8},
            twists={"epsilon_in_maximum": True},
            decay="coupled",
            note="Epsilon is inside the maximum; weight_decay is L2.",
        ),
        "optax": Dialect(
            call="optax.adamax",
            arguments=OPTAX,
            defaults={"epsilon": 1e-8},
            twists={"epsilon_in_maximum": True},
            note="Epsilon is inside the maximum; with decay it is optax.adamaxw.",
        ),
    },
)
