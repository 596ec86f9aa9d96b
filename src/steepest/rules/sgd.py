"""SGD: stochastic gradient descent, with momentum and Nesterov's momentum.

Robbins & Monro 1951, "A stochastic approximation method"; Polyak 1964, "Some methods of speeding up
the convergence of iteration methods", for momentum (the heavy ball); Sutskever et al. 2013, "On the
importance of initialization and momentum in deep learning", for Nesterov's.

    m = μ·m − η·g
    w = w + m                     momentum (μ = 0: plain SGD)
    w = w + μ·m − η·g             Nesterov

That is Keras' form: the learning rate is inside the velocity, and when it changes, the old momentum
keeps the old rate. PyTorch and Optax have it outside: m = μ·m + g and w = w − η·m.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("velocity",)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    (m,) = memory
    lr, mu = h.learning_rate, h.momentum
    if h.rate_inside:
        m = m * mu - g * lr
        if h.nesterov:
            return w + (m * mu - g * lr), (m,)
        return w + m, (m,)
    m = m * mu + g
    if h.nesterov:
        return w - lr * (g + mu * m), (m,)
    return w - lr * m, (m,)


SGD = Rule(
    name="SGD",
    doc=__doc__,
    about=About(
        does="Moves each weight against its gradient, with one learning rate for all of them. "
        "Momentum adds up past steps, so that directions that agree grow and those that alternate "
        "cancel; Nesterov's looks ahead along the momentum before it corrects.",
        strengths=(
            "one array of memory for each weight, and the cheapest step there is",
            "with momentum and a decaying rate it generalizes as well as anything on images",
            "its behaviour is understood: the largest stable rate is 2/curvature",
        ),
        weaknesses=(
            "the best learning rate changes from model to model by orders of magnitude",
            "slow where gradients of different weights differ much in size, as in transformers and "
            "embeddings",
        ),
        when="Convolutional networks with normalization, a tuned rate and a decaying schedule; "
        "whenever memory is short.",
        tune="The learning rate, over three orders of magnitude; then 1 − momentum.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.01, "momentum": 0.0},
    flags={"nesterov": False},
    spaces={
        "learning_rate": Float(1e-3, 1.0, log=True),
        "momentum": Float(0.0, 0.99, log=True, complement=True),
    },
    bounds={"learning_rate": (0.0, 1e38), "momentum": (0.0, 1.0)},
    idle={"nesterov": "momentum"},
    twists={"rate_inside": "whether the velocity is kept in steps (the rate inside) or gradients"},
    inert={"rate_inside": lambda values, rate_changes: not rate_changes or not values["momentum"]},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.SGD",
            arguments={
                "learning_rate": "learning_rate",
                "momentum": "momentum",
                "nesterov": "nesterov",
            },
            twists={"rate_inside": True},
            decay="decoupled",
            note="The learning rate is inside the velocity: when it changes, old momentum keeps "
            "the old rate.",
        ),
        "torch": Dialect(
            call="torch.optim.SGD",
            arguments={"learning_rate": "lr", "momentum": "momentum", "nesterov": "nesterov"},
            defaults={"learning_rate": 0.001},
            twists={"rate_inside": False},
            decay="coupled",
            note="The learning rate is outside the velocity; weight_decay is L2, added to the "
            "gradient; nesterov=True needs a momentum.",
        ),
        "optax": Dialect(
            call="optax.sgd",
            arguments={
                "learning_rate": "learning_rate",
                "momentum": "momentum",
                "nesterov": "nesterov",
            },
            twists={"rate_inside": False},
            note="The learning rate is outside the velocity and has no default.",
        ),
    },
)
