"""Prodigy: Adam that estimates its learning rate, from how far the weights have come.

Mishchenko & Defazio 2024, "Prodigy: an expeditiously adaptive parameter-free learner".

    m = β₁·m + (1 − β₁)·d·g
    v = β₂·v + (1 − β₂)·d²·g²
    s = √β₂·s + d/d₀·η·d·g
    r = √β₂·r + d/d₀·η·d·Σ g·(w₀ − w)            Σ over all arrays; w₀ are the first weights
    d′ = max(d, d_coef·r / Σ|s|)                  d starts at d₀
    w = w − η·d·λ·w − η·d·m/(√v + d′·ε)           then d = d′

One number d for all arrays is the learning rate; η, of which the schedule is, stays at 1. Optax
corrects both averages for their start, with η·√(1 − β₂ᵗ)/(1 − β₁ᵗ) for η; the authors' PyTorch does
so only if it is told to.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, SPACES
from steepest.rules.arrays import Array, absolute, filled, maximum, one_number, sqrt, total, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v", "s", "start", "d", "r")


def begin(w: Array, h: Hyperparameters) -> Memory:
    zeros = (filled(w, 0.0), filled(w, 0.0), filled(w, 0.0))
    return *zeros, w + 0, one_number(w, h.d0), one_number(w, 0.0)


def rate(d: Array, t: Array, h: Hyperparameters) -> Array:
    lr = h.learning_rate * d
    return lr * sqrt(1 - h.beta_2**t) / (1 - h.beta_1**t) if h.corrects_bias else lr


def along(g: Array, s: Array, d: Array, t: Array, h: Hyperparameters) -> Array:
    return sqrt(d * 0 + h.beta_2) * s + d / h.d0 * rate(d, t, h) * g


def over_all(g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters) -> tuple[Array, ...]:
    _, _, s, start, d, _ = memory
    return total(g * (start - w)), total(absolute(along(g, s, d, t, h)))


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v, s, start, d, r = memory
    slope, length = h.sums
    m = h.beta_1 * m + h.complement.beta_1 * d * g
    v = h.beta_2 * v + h.complement.beta_2 * d * d * g * g
    s = along(g, s, d, t, h)
    r = along(slope, r, d, t, h)
    found = h.d_coef * r / where(length > 0, length, length * 0 + 1)
    larger = maximum(d, where(length > 0, found, d))
    lr = rate(d, t, h)
    step = m / (sqrt(v) + larger * h.epsilon)
    return w - lr * h.weight_decay * w - lr * step, (m, v, s, start, larger, r)


PRODIGY = Rule(
    name="Prodigy",
    doc=__doc__,
    about=About(
        does="Adam with a learning rate that it estimates by itself: it grows as long as the "
        "weights move on in the direction of the gradients. The rate that you give is a factor on "
        "the estimate and stays at 1.",
        strengths=(
            "often near a tuned Adam without any tuning",
            "follows the size of the model and the loss",
        ),
        weaknesses=(
            "four arrays of memory for each weight",
            "the estimate never shrinks, so a noisy start can leave it too large for good",
            "needs some hundred steps until the estimate has grown from d₀",
        ),
        when="Where there is time for one training alone; with a cosine schedule.",
        tune="Nothing, or d_coef, from .5 to 2.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    over_all=over_all,
    defaults={
        "learning_rate": 1.0,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "d_coef": 1.0,
        "d0": 1e-6,
    },
    spaces={
        "learning_rate": Float(0.1, 10.0, log=True),
        "d_coef": Float(0.3, 3.0, log=True),
        "beta_1": SPACES["beta_1"],
        "beta_2": SPACES["beta_2"],
    },
    bounds={**BOUNDS, "d_coef": (0.0, 1e38), "d0": (1e-30, 1e38)},
    twists={"corrects_bias": "whether both averages are corrected for their start at zero"},
    decays_itself=lambda _: True,
    divides_by_rate=True,  # r and s have it as a factor: at zero, r/Σ|s| is 0/0
    dialects={
        "keras": Dialect(
            twists={"corrects_bias": False},
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            twists={"corrects_bias": False},
            decay="decoupled",
            note="The arithmetic is that of the authors' Prodigy at its defaults.",
        ),
        "optax": Dialect(
            call="optax.contrib.prodigy",
            arguments={
                "learning_rate": "learning_rate",
                "beta_1": "betas[0]",
                "beta_2": "betas[1]",
                "epsilon": "eps",
                "d_coef": "estim_lr_coef",
                "d0": "estim_lr0",
                "weight_decay": "weight_decay",
            },
            twists={"corrects_bias": True},
            decay="decoupled",
            note="Always corrects both averages for their start. A rate of zero, such as the first "
            "of a warm-up, gives 0/0, which is no number.",
        ),
    },
)
