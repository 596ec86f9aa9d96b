"""AdEMAMix: Adam with a second, slow average of the gradient.

Pagliardini et al. 2024, "The AdEMAMix optimizer: better, faster, older".

    m₁ = m₁ + (1 − β₁)·(g − m₁)
    m₂ = m₂ + (1 − β₃ₜ)·(g − m₂)                 slow, and not corrected for its start at zero
    v = v + (1 − β₂)·(g² − v)
    w = w − η·(m₁/(1 − β₁ᵗ) + αₜ·m₂) / (√(v/(1 − β₂ᵗ)) + ε)

    s = min(t/T, 1)                              T = slow_warmup, a share of the training's steps
    αₜ = s·α                                     β₃ₜ = ½^(1/(τ + 1))
    τ = (1 − s)·τ(β₁) + s·τ(β₃)                  τ(β) = ln ½/ln(β + 10⁻⁸) − 1

So the slow average's half-life grows in a line from that of β₁ to that of β₃. Optax has αₜ = α and
β₃ₜ = β₃ from the first step, which is slow_warmup = 0.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, OPTAX, SPACES
from steepest.rules.arrays import Array, expm1, log1p, maximum, minimum, sqrt, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("fast", "slow", "v")


def half_life(complement: Array) -> Array:
    return -0.6931471805599453 / log1p(1e-8 - complement) - 1


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    fast, slow, v = memory
    share = minimum(t / maximum(t * 0 + h.slow_warmup, t * 0 + 1), t * 0 + 1)
    b3 = h.complement.beta_3
    tau = (1 - share) * half_life(h.complement.beta_1) + share * half_life(b3)
    new = where(share < 1, -expm1(-0.6931471805599453 / (tau + 1)), share * b3)
    fast = fast + (g - fast) * h.complement.beta_1
    slow = slow + (g - slow) * new
    v = v + (g * g - v) * h.complement.beta_2
    mixed = fast / (1 - h.beta_1**t) + h.alpha * share * slow
    root = sqrt(v / (1 - h.beta_2**t)) + h.epsilon
    return w - h.learning_rate * mixed / root, (fast, slow, v)


ADEMAMIX = Rule(
    name="AdEMAMix",
    doc=__doc__,
    about=About(
        does="Adam whose momentum is a sum of two averages: a fast one, and one that remembers "
        "thousands of gradients. While training goes on, the weight of the slow one and its memory "
        "grow, so that old gradients do no harm at the start.",
        strengths=(
            "among the best in comparisons of long trainings of language models",
            "forgets less of what it saw early",
        ),
        weaknesses=(
            "three arrays of memory for each weight",
            "needs long trainings: at β₃ = .9999 the slow average's half-life is 6,900 steps",
            "slow to follow where the data change over time",
        ),
        when="Trainings of many thousands of steps; with weight decay and a decaying schedule.",
        tune="The learning rate; then 1 − β₃, which goes with one over the steps, and α.",
    ),
    update=update,
    memory=memory,
    defaults={
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "beta_3": 0.9999,
        "alpha": 5.0,
        "epsilon": 1e-8,
        "slow_warmup": 1.0,
    },
    spaces={
        "learning_rate": SPACES["learning_rate"],
        "beta_3": Float(0.99, 0.99999, log=True, complement=True),
        "alpha": Float(1.0, 10.0, log=True),
        "beta_1": SPACES["beta_1"],
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds={
        **BOUNDS,
        "beta_3": (1e-6, 1.0),
        "alpha": (0.0, 1e38),
        "slow_warmup": (0.0, 1e6),
    },
    dialects={
        "keras": Dialect(
            defaults={"alpha": 2.0},
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            defaults={"alpha": 2.0},
            decay="decoupled",
            note="In the authors' AdEMAMix, α is 2, and neither α "
            "nor β₃ rises unless alpha_warmup and beta3_warmup are given in steps.",
        ),
        "optax": Dialect(
            call="optax.contrib.ademamix",
            arguments={**OPTAX, "beta_3": "b3", "alpha": "alpha", "weight_decay": "weight_decay"},
            fixed={"slow_warmup": 0.0},
            mask="mask",
            decay="decoupled",
            note="α and β₃ stay, unless alpha and b3 are given as schedules. The learning rate has "
            "no default.",
        ),
    },
)
