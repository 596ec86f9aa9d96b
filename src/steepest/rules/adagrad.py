"""Adagrad: the gradient over the root of the sum of all its squares.

Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic
optimization".

    a = a + g²                               a starts at a₀
    w = w − η·g / √(a + ε)                   PyTorch: η·g / (√a + ε)
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, filled, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("a",)


def begin(w: Array, h: Hyperparameters) -> Memory:
    return (filled(w, h.initial_accumulator_value),)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    a = memory[0] + g * g
    root = sqrt(a + h.epsilon) if h.epsilon_inside else sqrt(a) + h.epsilon
    return w - h.learning_rate * g / root, (a,)


ADAGRAD = Rule(
    name="Adagrad",
    doc=__doc__,
    about=About(
        does="Divides the gradient by the root of the sum of all squared gradients so far. Each "
        "weight's step shrinks as it has moved, so rare features keep long steps.",
        strengths=(
            "made for sparse gradients: words, clicks, embeddings",
            "needs no schedule: its steps decay like 1/√t",
        ),
        weaknesses=(
            "never forgets, so on long trainings and changing losses it stops too early",
            "the start a₀ matters and is .1 in Keras and Optax but 0 in PyTorch",
        ),
        when="Sparse features, convex problems, online learning.",
        tune="The learning rate, which is much larger than Adam's; then a₀.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
    spaces={
        "learning_rate": Float(1e-3, 1.0, log=True),
        "initial_accumulator_value": Float(1e-4, 1.0, log=True),
        "epsilon": Float(1e-10, 1e-2, log=True),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "initial_accumulator_value": (0.0, 1e38),
        "epsilon": (0.0, 1e38),
    },
    twists={"epsilon_inside": "whether ε is added to the sum inside the root or to the root"},
    inert={"epsilon_inside": lambda values, _: values["epsilon"] == 0},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adagrad",
            arguments={
                "learning_rate": "learning_rate",
                "initial_accumulator_value": "initial_accumulator_value",
                "epsilon": "epsilon",
            },
            twists={"epsilon_inside": True},
            decay="decoupled",
        ),
        "torch": Dialect(
            call="torch.optim.Adagrad",
            arguments={
                "learning_rate": "lr",
                "initial_accumulator_value": "initial_accumulator_value",
                "epsilon": "eps",
            },
            defaults={"learning_rate": 0.01, "initial_accumulator_value": 0.0, "epsilon": 1e-10},
            twists={"epsilon_inside": False},
            decay="coupled",
            note="Starts at a₀ = 0, so the first step is η·sign(g); epsilon is outside the root.",
        ),
        "optax": Dialect(
            call="optax.adagrad",
            arguments={
                "learning_rate": "learning_rate",
                "initial_accumulator_value": "initial_accumulator_value",
                "epsilon": "eps",
            },
            twists={"epsilon_inside": True},
            note="As in Keras; the learning rate has no default.",
        ),
    },
)
