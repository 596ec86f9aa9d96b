"""Adadelta: RMSprop whose steps are scaled by the steps it has made.

Zeiler 2012, "Adadelta: an adaptive learning rate method".

    v = ρ·v + (1 − ρ)·g²
    d = g·√(u + ε) / √(v + ε)
    u = ρ·u + (1 − ρ)·d²
    w = w − η·d
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("v", "u")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    v, u = memory
    v = h.rho * v + h.complement.rho * (g * g)
    d = sqrt(u + h.epsilon) * g / sqrt(v + h.epsilon)
    u = h.rho * u + h.complement.rho * (d * d)
    return w - h.learning_rate * d, (v, u)


ADADELTA = Rule(
    name="Adadelta",
    doc=__doc__,
    about=About(
        does="Scales each step by the root mean square of earlier steps over that of gradients, so "
        "that steps have the unit of the weights. The paper has no learning rate: its η is 1.",
        strengths=("works with η = 1 on many models", "slow to diverge"),
        weaknesses=(
            "starts slowly, as its first steps are √ε long: ε is its real learning rate",
            "Keras' default η of .001 is a thousandth of the paper's",
        ),
        when="Rarely today; where it was used before.",
        tune="The learning rate, around 1; then ε.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7},
    spaces={
        "learning_rate": Float(1e-2, 10.0, log=True),
        "epsilon": Float(1e-8, 1e-2, log=True),
        "rho": Float(0.8, 0.999, log=True, complement=True),
    },
    bounds={"learning_rate": (0.0, 1e38), "rho": (0.0, 1.0), "epsilon": (0.0, 1e38)},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adadelta",
            arguments={"learning_rate": "learning_rate", "rho": "rho", "epsilon": "epsilon"},
            decay="decoupled",
            note="The learning rate is .001 by default, a thousandth of the paper's 1.",
        ),
        "torch": Dialect(
            call="torch.optim.Adadelta",
            arguments={"learning_rate": "lr", "rho": "rho", "epsilon": "eps"},
            defaults={"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
            decay="coupled",
            note="The same arithmetic with the paper's rate of 1.",
        ),
        "optax": Dialect(
            call="optax.adadelta",
            arguments={"learning_rate": "learning_rate", "rho": "rho", "epsilon": "eps"},
            defaults={"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
            decay="coupled",
            note="Without a learning rate it goes uphill: always pass one, such as 1.0.",
        ),
    },
)
