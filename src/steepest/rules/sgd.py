"""SGD: stochastic gradient descent, with momentum and Nesterov's momentum.

Robbins & Monro 1951, "A stochastic approximation method"; Polyak 1964 for momentum; Sutskever et
al. 2013, "On the importance of initialization and momentum in deep learning", for Nesterov's.

    m = μ·m − η·g
    w = w + m                     momentum (μ = 0: plain SGD)
    w = w + μ·m − η·g             Nesterov

The learning rate is inside the velocity, as in Keras: when it changes, the old momentum keeps the
old one. PyTorch and Optax have it outside.
"""

from collections.abc import Mapping

from steepest.rules.arrays import Array
from steepest.rules.rule import Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, bool]) -> tuple[str, ...]:
    return ("velocity",)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    (m,) = memory
    lr, mu = h.learning_rate, h.momentum
    m = m * mu - g * lr
    if h.nesterov:
        return w + (m * mu - g * lr), (m,)
    return w + m, (m,)


SGD = Rule(
    name="SGD",
    paper="Robbins & Monro 1951; Polyak 1964; Sutskever et al. 2013",
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.01, "momentum": 0.0},
    flags={"nesterov": False},
    spaces={
        "learning_rate": Float(1e-3, 1.0, log=True),
        "momentum": Float(0.0, 0.99, log=True, complement=True),
    },
    bounds={"learning_rate": (0.0, 1e38), "momentum": (0.0, 1.0)},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.SGD",
            arguments={
                "learning_rate": "learning_rate",
                "momentum": "momentum",
                "nesterov": "nesterov",
            },
        ),
    },
)
