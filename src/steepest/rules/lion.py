"""Lion: the sign of an interpolated momentum.

Chen et al. 2023, "Symbolic discovery of optimization algorithms".

    w = w − η·sign(β₁·m + (1 − β₁)·g)
    m = β₂·m + (1 − β₂)·g
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, sign
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m",)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    (m,) = memory
    w = w - h.learning_rate * sign(m * h.beta_1 + g * h.complement.beta_1)
    return w, (m * h.beta_2 + g * h.complement.beta_2,)


LION = Rule(
    name="Lion",
    doc=__doc__,
    about=About(
        does="Moves every weight by exactly the learning rate, up or down, by the sign of a mix of "
        "momentum and gradient. It was found by a program search.",
        strengths=(
            "one array of memory for each weight, half of Adam's",
            "good on large vision and language models with large batches",
        ),
        weaknesses=(
            "its steps do not shrink with the gradient, so it needs a decaying schedule to settle",
            "noisy with small batches",
        ),
        when="Large models and large batches, with weight decay and a decaying schedule.",
        tune="The learning rate, 3 to 10 times below AdamW's, with a weight decay as much above.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99},
    spaces={
        "learning_rate": Float(1e-5, 1e-2, log=True),
        "beta_1": Float(0.5, 0.98, log=True, complement=True),
        "beta_2": Float(0.9, 0.999, log=True, complement=True),
    },
    bounds={"learning_rate": (0.0, 1e38), "beta_1": (1e-9, 1.0), "beta_2": (0.0, 1.0)},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Lion",
            arguments={"learning_rate": "learning_rate", "beta_1": "beta_1", "beta_2": "beta_2"},
            decay="decoupled",
        ),
        "torch": Dialect(decay="decoupled", note="PyTorch has no such class."),
        "optax": Dialect(
            call="optax.lion",
            arguments={
                "learning_rate": "learning_rate",
                "beta_1": "b1",
                "beta_2": "b2",
                "weight_decay": "weight_decay",
            },
            constants={"weight_decay": 0.0},  # its own default is 1e-3
            mask="mask",
            decay="decoupled",
            note="Its weight_decay is 1e-3 unless told otherwise; the learning rate has no "
            "default.",
        ),
    },
)
