"""Adam: adaptive moment estimation, with AMSGrad.

Kingma & Ba 2015, "Adam: a method for stochastic optimization"; Reddi et al. 2018, "On the
convergence of Adam and beyond", for AMSGrad.

    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    v̂ = max(v̂, v)                                        AMSGrad; without it v̂ = v
    w = w − η·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v̂ + ε)

This is Keras' form, the paper's "epsilon hat": its ε counts 1/√(1 − β₂ᵗ) times as much as that of
the paper's main text, which PyTorch and Optax follow: m̂ / (√(v̂/(1 − β₂ᵗ)) + ε).
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, maximum, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v", "v_hat") if flags["amsgrad"] else ("m", "v")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    lr, b1, b2, eps = h.learning_rate, h.beta_1, h.beta_2, h.epsilon
    m = memory[0] + (g - memory[0]) * h.complement.beta_1
    v = memory[1] + (g * g - memory[1]) * h.complement.beta_2
    if h.amsgrad:
        largest = maximum(memory[2], v / (1 - b2**t) if h.max_of_corrected else v)
        after: Memory = (m, v, largest)
    else:
        largest = v
        after = (m, v)
    if h.amsgrad and h.max_of_corrected:
        root = sqrt(largest)
    elif h.epsilon_hat:
        root = sqrt(largest)
        lr = lr * sqrt(1 - b2**t)
    else:
        root = sqrt(largest) / sqrt(1 - b2**t)
    return w - (m * (lr / (1 - b1**t))) / (root + eps), after


SPACES = {
    "learning_rate": Float(1e-4, 1e-1, log=True),
    "beta_1": Float(0.5, 0.98, log=True, complement=True),
    "epsilon": Float(1e-8, 1e-2, log=True),
    "beta_2": Float(0.9, 0.9999, log=True, complement=True),
}
BOUNDS = {
    "learning_rate": (0.0, 1e38),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "epsilon": (0.0, 1e38),
}
TWISTS = {
    "epsilon_hat": "whether ε is added to √v before the bias correction (the paper's epsilon hat) "
    "or after it",
    "max_of_corrected": "whether AMSGrad takes the maximum of v before the bias correction or "
    "after it",
}
INERT = {
    "epsilon_hat": lambda values, _: values["epsilon"] == 0,
    "max_of_corrected": lambda values, _: not values["amsgrad"],
}
KERAS = {
    "learning_rate": "learning_rate",
    "beta_1": "beta_1",
    "beta_2": "beta_2",
    "epsilon": "epsilon",
}
TORCH = {"learning_rate": "lr", "beta_1": "betas[0]", "beta_2": "betas[1]", "epsilon": "eps"}
OPTAX = {"learning_rate": "learning_rate", "beta_1": "b1", "beta_2": "b2", "epsilon": "eps"}

ADAM = Rule(
    name="Adam",
    doc=__doc__,
    about=About(
        does="Divides a moving average of the gradient by the root of a moving average of its "
        "square, so each weight moves by about the learning rate, whatever the size of its "
        "gradients. Both averages are corrected for having started at zero.",
        strengths=(
            "a default learning rate of 1e-3 trains most models somehow",
            "weights with small or rare gradients learn as fast as the others: embeddings, "
            "attention, normalization",
            "little harm from the scale of the loss",
        ),
        weaknesses=(
            "two arrays of memory for each weight",
            "β₂ and ε matter more than their defaults suggest; a large ε makes it momentum SGD",
            "L2 regularization is divided away with the gradient: use AdamW for decay",
        ),
        when="A first try on anything; transformers, recurrent networks, sparse gradients.",
        tune="The learning rate; then 1 − β₁ and ε. Tune β₂ last.",
    ),
    update=update,
    memory=memory,
    defaults={"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    flags={"amsgrad": False},
    spaces=SPACES,
    bounds=BOUNDS,
    twists=TWISTS,
    inert=INERT,
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adam",
            arguments={**KERAS, "amsgrad": "amsgrad"},
            twists={"epsilon_hat": True, "max_of_corrected": False},
            decay="decoupled",
            note="Epsilon is the paper's epsilon hat, 32 times as strong at the first step as in "
            "PyTorch; weight_decay makes it AdamW.",
        ),
        "torch": Dialect(
            call="torch.optim.Adam",
            arguments={**TORCH, "amsgrad": "amsgrad"},
            defaults={"epsilon": 1e-8},
            twists={"epsilon_hat": False, "max_of_corrected": False},
            decay="coupled",
            note="weight_decay is L2, added to the gradient: another algorithm than Keras' "
            "Adam(weight_decay=...), which is AdamW.",
        ),
        "optax": Dialect(
            call="optax.adam",
            calls={"amsgrad": "optax.amsgrad"},
            arguments=OPTAX,
            defaults={"epsilon": 1e-8},
            twists={"epsilon_hat": False, "max_of_corrected": True},
            note="The learning rate has no default; AMSGrad is optax.amsgrad, and takes the "
            "maximum of bias-corrected squares.",
        ),
    },
)
