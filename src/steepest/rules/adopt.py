"""ADOPT: Adam whose squares do not know of the gradient that they divide.

Taniguchi et al. 2024, "ADOPT: modified Adam can converge with any β₂ with the optimal rate".

    v = g²                                the first step does only that
    u = g / max(√v, ε)                    clipped to ±(t − 1)^¼
    m = m + (1 − β₁)·(u − m)
    w = w − η·m
    v = v + (1 − β₂)·(g² − v)             after the step

The gradient is divided before it is averaged, and no average is corrected for its start.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, OPTAX, SPACES
from steepest.rules.arrays import Array, filled, maximum, minimum, sqrt, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v = memory
    limit = filled(w, 1.0) * (t - 1) ** 0.25  # 0 at the first step, which so moves nothing
    u = g / maximum(sqrt(v), filled(w, 1.0) * h.epsilon)
    u = minimum(maximum(u, -limit), limit)
    m = m + (u - m) * h.complement.beta_1
    first = limit == 0
    v = where(first, g * g, v + (g * g - v) * h.complement.beta_2)
    return w - h.learning_rate * m, (m, v)


ADOPT = Rule(
    name="ADOPT",
    doc=__doc__,
    about=About(
        does="Divides each gradient by the root of the average of the squared gradients before it, "
        "and averages the quotients. Adam's average of squares has the new gradient in it, which "
        "is why Adam may fail to converge where β₂ is small; ADOPT converges with any β₂.",
        strengths=(
            "safe at any β₂, with the cost and the memory of Adam",
            "steps after one huge gradient stay small: each quotient is clipped",
        ),
        weaknesses=(
            "the first step moves nothing, and the next ones are short until m has grown",
            "gradients that are zero at the first step give huge quotients, which only the clip "
            "holds",
        ),
        when="Where Adam is unstable, or wants a β₂ so near 1 that it becomes slow.",
        tune="The learning rate, from Adam's; then 1 − β₁. β₂ matters less than in Adam.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.9999, "epsilon": 1e-6},
    spaces={
        "learning_rate": SPACES["learning_rate"],
        "beta_1": SPACES["beta_1"],
        "beta_2": Float(0.9, 0.9999, log=True, complement=True),
        "epsilon": SPACES["epsilon"],
    },
    bounds={**BOUNDS, "epsilon": (1e-30, 1e38)},  # squares may be zero
    dialects={
        "keras": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            decay="coupled",
            note="The authors' ADOPT adds weight_decay to the "
            "gradient (L2) unless decouple=True, which shrinks no weights at the first step; "
            "timm's clips at t^.333.",
        ),
        "optax": Dialect(
            call="optax.contrib.adopt",
            arguments=OPTAX,
            note="The learning rate has no default.",
        ),
    },
)
