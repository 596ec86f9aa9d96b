"""Adam: adaptive moment estimation, with AMSGrad.

Kingma & Ba 2015, "Adam: a method for stochastic optimization"; Reddi et al. 2018, "On the
convergence of Adam and beyond", for AMSGrad.

    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    v̂ = max(v̂, v)                                        AMSGrad; without it v̂ = v
    w = w − η·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v̂ + ε)

This is Keras' form, the paper's "epsilon hat": its ε counts √(1 − β₂ᵗ) times as much as that of the
paper's main text, which PyTorch and Optax follow.
"""

from collections.abc import Mapping

from steepest.rules.arrays import Array, maximum, sqrt
from steepest.rules.rule import Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, bool]) -> tuple[str, ...]:
    return ("m", "v", "v_hat") if flags["amsgrad"] else ("m", "v")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v, *v_hat = memory
    lr, b1, b2, eps = h.learning_rate, h.beta_1, h.beta_2, h.epsilon
    alpha = lr * sqrt(1 - b2**t) / (1 - b1**t)
    m = m + (g - m) * h.complement.beta_1
    v = v + (g * g - v) * h.complement.beta_2
    if h.amsgrad:
        v_hat = [maximum(v_hat[0], v)]
    w = w - (m * alpha) / (sqrt(v_hat[0] if h.amsgrad else v) + eps)
    return w, (m, v, *v_hat)


ADAM = Rule(
    name="Adam",
    paper="Kingma & Ba 2015; Reddi et al. 2018",
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    flags={"amsgrad": False},
    spaces={
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "beta_1": Float(0.5, 0.98, log=True, complement=True),
        "epsilon": Float(1e-8, 1e-2, log=True),
        "beta_2": Float(0.9, 0.9999, log=True, complement=True),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "beta_1": (0.0, 1.0),
        "beta_2": (0.0, 1.0),
        "epsilon": (0.0, 1e38),
    },
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adam",
            arguments={
                "learning_rate": "learning_rate",
                "beta_1": "beta_1",
                "beta_2": "beta_2",
                "epsilon": "epsilon",
                "amsgrad": "amsgrad",
            },
        ),
    },
)
