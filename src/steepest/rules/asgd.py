"""ASGD: SGD whose learning rate falls as a power of the steps, after Polyak and Ruppert.

Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; Bottou 2012,
"Stochastic gradient descent tricks", for the rate.

    w = w − η·(λ·w + g)
    η = η₀/(1 + λ·η₀·t)^α                         from the second step on

The average that gives it its name is not part of what trains: PyTorch keeps it beside the weights
(`state["ax"]`, from step t0 = 1,000,000 on) and puts it in their place nowhere. So here too what is
evaluated are the weights that train. Under a schedule η₀ is that of the step before.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, one_number, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("eta",)


def begin(w: Array, h: Hyperparameters) -> Memory:
    return (one_number(w, 0.0),)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    (eta,) = memory
    eta = where(t == 1, h.learning_rate + 0 * eta, eta)
    w = w - h.lambd * eta * w - eta * g
    return w, (h.learning_rate / (1 + h.lambd * h.learning_rate * t) ** h.alpha + 0 * eta,)


ASGD = Rule(
    name="ASGD",
    doc=__doc__,
    about=About(
        does="Plain SGD without momentum, whose learning rate falls with the steps and which pulls "
        "all weights to zero a little. It is built so that the average of the weights on the way "
        "converges as fast as any method can; PyTorch keeps that average and evaluates it nowhere, "
        "so what is compared here is the last weights.",
        strengths=(
            "the cheapest step there is, without any array of memory",
            "the rate falls without a length of the training to choose",
        ),
        weaknesses=(
            "no momentum: slow where curvatures differ much",
            "at the defaults the rate hardly falls within a usual training: by 1 % after 13,000 "
            "steps at a rate of .01",
            "its average is for you to put in place; the recipe's ema is one that is evaluated",
        ),
        when="Convex problems and linear models over very many steps; else SGD with momentum.",
        tune="The learning rate; then λ, which says how soon it falls.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={"learning_rate": 0.01, "lambd": 1e-4, "alpha": 0.75},
    spaces={
        "learning_rate": Float(1e-3, 1.0, log=True),
        "lambd": Float(1e-6, 1e-1, log=True),
        "alpha": Float(0.5, 1.0),
    },
    bounds={"learning_rate": (0.0, 1e38), "lambd": (0.0, 1e38), "alpha": (0.0, 1e3)},
    dialects={
        "keras": Dialect(decay="decoupled", note="Its arithmetic is taken from PyTorch."),
        "torch": Dialect(
            call="torch.optim.ASGD",
            arguments={
                "learning_rate": "lr",
                "lambd": "lambd",
                "alpha": "alpha",
                "weight_decay": "weight_decay",
            },
            decay="coupled",
            note="Keeps an average of the weights from step t0 on, which is for you to put in "
            "place; a scheduler's rate counts one step late.",
        ),
        "optax": Dialect(note="Its arithmetic is taken from PyTorch."),
    },
)
