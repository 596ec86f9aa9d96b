"""RMSprop: the gradient over the root of the mean of its squares, with momentum, and centered.

Tieleman & Hinton 2012, lecture 6.5 of "Neural networks for machine learning"; Graves 2013,
"Generating sequences with recurrent neural networks", for the centered form.

    v = ρ·v + (1 − ρ)·g²
    a = ρ·a + (1 − ρ)·g                        centered
    d = η·g / √(v + ε)                         centered: √(v − a² + ε)
    m = μ·m + d
    w = w − m                                  (μ = 0: w − d)

That is Keras' and Optax' form: epsilon is inside the root, so Keras' default of 1e-7 is a floor of
3e-4 under it, and the learning rate is inside the momentum. PyTorch has both outside.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("v", "momentum", "average") if flags["centered"] else ("v", "momentum")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    lr, rho, mu, eps = h.learning_rate, h.rho, h.momentum, h.epsilon
    v = rho * memory[0] + h.complement.rho * (g * g)
    square = v
    if h.centered:
        a = rho * memory[2] + h.complement.rho * g
        square = v - a * a
    root = sqrt(square + eps) if h.epsilon_inside else sqrt(square) + eps
    if h.rate_inside:
        m = mu * memory[1] + lr * g / root
        w = w - m
    else:
        m = mu * memory[1] + g / root
        w = w - lr * m
    return w, ((v, m, a) if h.centered else (v, m))


RMSPROP = Rule(
    name="RMSprop",
    doc=__doc__,
    about=About(
        does="Divides the gradient by the root of a moving average of its square, so each weight "
        "has its own step size. It is Adam without the average of the gradient and without bias "
        "correction; momentum can be added.",
        strengths=(
            "forgets old gradients, so it follows a loss that changes: recurrent networks, "
            "reinforcement learning",
            "a stable step where gradients differ much in size",
        ),
        weaknesses=(
            "its first steps are too long, as v starts at zero: 1/√(1 − ρ) times the rate",
            "epsilon means three different things in three frameworks",
        ),
        when="Recurrent networks and reinforcement learning; where it was used before.",
        tune="The learning rate; then momentum and ε. A large ε makes it momentum SGD.",
    ),
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
    twists={
        "epsilon_inside": "whether ε is added to v inside the root or to the root",
        "rate_inside": "whether momentum is kept in steps (the rate inside) or in scaled gradients",
    },
    inert={
        "epsilon_inside": lambda values, _: values["epsilon"] == 0,
        "rate_inside": lambda values, rate_changes: not rate_changes or not values["momentum"],
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
            twists={"epsilon_inside": True, "rate_inside": True},
            decay="decoupled",
            note="Epsilon is inside the root: the default of 1e-7 is a floor of 3e-4.",
        ),
        "torch": Dialect(
            call="torch.optim.RMSprop",
            arguments={
                "learning_rate": "lr",
                "rho": "alpha",
                "momentum": "momentum",
                "epsilon": "eps",
                "centered": "centered",
            },
            defaults={"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8},
            twists={"epsilon_inside": False, "rate_inside": False},
            decay="coupled",
            note="Epsilon is outside the root and the learning rate outside the momentum; ρ is "
            "called alpha and is .99 by default.",
        ),
        "optax": Dialect(
            call="optax.rmsprop",
            arguments={
                "learning_rate": "learning_rate",
                "rho": "decay",
                "momentum": "momentum",
                "epsilon": "eps",
                "centered": "centered",
            },
            defaults={"epsilon": 1e-8},
            twists={"epsilon_inside": True, "rate_inside": True},
            note="As in Keras; eps_in_sqrt=False is PyTorch's epsilon.",
        ),
    },
)
