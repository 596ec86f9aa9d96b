"""RMSprop: the gradient over the root of the mean of its squares, with momentum, and centered.

Tieleman & Hinton 2012, lecture 6.5 of "Neural networks for machine learning"; Graves 2013,
"Generating sequences with recurrent neural networks", for the centered form.

    v = ρ·v + (1 − ρ)·g²
    a = ρ·a + (1 − ρ)·g                        centered
    d = η·g / √(v + ε)                         centered: √(v − a² + ε)
    m = μ·m + d
    w = w − m                                  (μ = 0: w − d)

Epsilon is inside the root, as in Keras and Optax, so Keras' default of 1e-7 is a floor of 3e-4
under the root; in PyTorch it is outside.
"""

from collections.abc import Mapping

from steepest.rules.arrays import Array, sqrt
from steepest.rules.rule import Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, bool]) -> tuple[str, ...]:
    return ("v", "momentum", "average") if flags["centered"] else ("v", "momentum")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    v, m, *a = memory
    lr, rho, mu, eps = h.learning_rate, h.rho, h.momentum, h.epsilon
    v = rho * v + h.complement.rho * (g * g)
    if h.centered:
        a = [rho * a[0] + h.complement.rho * g]
        d = lr * g / sqrt(v - a[0] * a[0] + eps)
    else:
        d = lr * g / sqrt(v + eps)
    m = mu * m + d
    return w - m, (v, m, *a)


RMSPROP = Rule(
    name="RMSprop",
    paper="Tieleman & Hinton 2012; Graves 2013",
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7},
    flags={"centered": False},
    spaces={
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "momentum": Float(0.0, 0.98, log=True, complement=True),
        "epsilon": Float(1e-8, 1e-2, log=True),
        "rho": Float(0.8, 0.999, log=True, complement=True),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "rho": (0.0, 1.0),
        "momentum": (0.0, 1.0),
        "epsilon": (0.0, 1e38),
    },
    dialects={
        "keras": Dialect(
            call="keras.optimizers.RMSprop",
            arguments={
                "learning_rate": "learning_rate",
                "rho": "rho",
                "momentum": "momentum",
                "epsilon": "epsilon",
                "centered": "centered",
            },
        ),
    },
)
