"""RAdam: Adam that waits until its average of squares can be trusted.

Liu et al. 2020, "On the variance of the adaptive learning rate and beyond".

    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    ρ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ)                           ρ∞ = 2/(1 − β₂) − 1
    r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ))
    w = w − η·r·m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)       where ρ > 5
    w = w − η·m/(1 − β₁ᵗ)                                before: five steps at β₂ = .999

The paper rectifies where ρ > 4; PyTorch and Optax where ρ > 5. PyTorch adds ε before the bias
correction of v. In float32 the difference ρ∞ − … loses its digits; here it is 2·t/(β₂⁻ᵗ − 1).
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, INERT, OPTAX, SPACES, TORCH, TWISTS
from steepest.rules.arrays import Array, expm1, log1p, maximum, sqrt, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v = memory
    m = m + (g - m) * h.complement.beta_1
    v = v + (g * g - v) * h.complement.beta_2
    longest = 2 / h.complement.beta_2 - 1
    length = longest - 2 * t / expm1(-t * log1p(-h.complement.beta_2))
    rho = maximum(length, length * 0 + 5)
    ratio = (rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho)
    if h.epsilon_hat:
        root = (sqrt(v) + h.epsilon) / sqrt(1 - h.beta_2**t)
    else:
        root = sqrt(v / (1 - h.beta_2**t)) + h.epsilon
    # ρ is below t, by less than float32 can tell where β₂ is near 1.
    rectified = (length > 5) & (t > 5)
    ratio = where(rectified, ratio, ratio * 0 + 1)
    m_hat = m / (1 - h.beta_1**t)
    return w - h.learning_rate * m_hat * where(rectified, sqrt(ratio) / root, v * 0 + 1), (m, v)


RADAM = Rule(
    name="RAdam",
    doc=__doc__,
    about=About(
        does="Adam whose first steps are plain momentum, and whose next ones are shortened while "
        "the average of squared gradients rests on few of them. That is a warm-up whose length "
        "follows from β₂ and need not be chosen.",
        strengths=(
            "no warm-up to choose; less harm from a learning rate that is too large at first",
            "after some hundred steps it is Adam",
        ),
        weaknesses=(
            "Adam with a warm-up of 2/(1 − β₂) steps does the same",
            "its first five steps follow the size of the gradient, as SGD's do",
        ),
        when="Where Adam needs a warm-up and you would rather not choose its length.",
        tune="The learning rate; then 1 − β₁ and ε.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    spaces=SPACES,
    bounds={**BOUNDS, "beta_2": (1e-9, 1.0)},
    twists={"epsilon_hat": TWISTS["epsilon_hat"]},
    inert={"epsilon_hat": INERT["epsilon_hat"]},
    dialects={
        "keras": Dialect(
            twists={"epsilon_hat": True},
            decay="decoupled",
            note="Its arithmetic is taken from PyTorch.",
        ),
        "torch": Dialect(
            call="torch.optim.RAdam",
            arguments=TORCH,
            twists={"epsilon_hat": True},
            decay="coupled",
            note="ε is added to √v before the bias correction; weight_decay is L2 unless "
            "decoupled_weight_decay=True.",
        ),
        "optax": Dialect(
            call="optax.radam",
            arguments=OPTAX,
            twists={"epsilon_hat": False},
            exact=False,
            note="The learning rate has no default. Takes ρ as a difference in float32, which is "
            "off by .04 at β₂ = .999, and at .9999 by 5: there it rectifies from the third step.",
        ),
    },
)
