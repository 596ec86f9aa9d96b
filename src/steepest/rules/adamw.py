"""AdamW: Adam with decoupled weight decay.

Loshchilov & Hutter 2019, "Decoupled weight decay regularization".

    w = w − η·λ·w
    m = m + (1 − β₁)·(g − m)
    v = v + (1 − β₂)·(g² − v)
    w = w − η·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε)

The decay λ is a step of the recipe (`weight_decay`), beside Adam's own, on kernels unless
`decay_on="all"`. Epsilon as in Adam: Keras has the "epsilon hat", PyTorch and Optax have not.
"""

from dataclasses import replace

from steepest.rules.adam import ADAM, BOUNDS, KERAS, OPTAX, SPACES, TORCH
from steepest.rules.rule import About, Dialect
from steepest.spaces import Float

ADAMW = replace(
    ADAM,
    name="AdamW",
    doc=__doc__,
    about=About(
        does="Adam, with each weight also shrunk by the learning rate times the weight decay. The "
        "shrinking stands beside the adaptive step, so it is the same for all weights, which L2 "
        "regularization inside Adam is not.",
        strengths=(
            "decay and learning rate can be tuned almost apart",
            "the usual choice for transformers, and good on most things",
        ),
        weaknesses=(
            "two arrays of memory for each weight",
            "the default decay is .004 in Keras, .01 in PyTorch and 1e-4 in Optax, on all weights, "
            "biases and normalization too, unless a mask is given",
        ),
        when="Transformers; whenever Adam overfits.",
        tune="The learning rate and the weight decay together; then 1 − β₁.",
    ),
    defaults={**ADAM.defaults, "weight_decay": 0.004},
    spaces={
        "learning_rate": SPACES["learning_rate"],
        "weight_decay": Float(1e-4, 1.0, log=True),
        "beta_1": SPACES["beta_1"],
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds={**BOUNDS, "weight_decay": (0.0, 1e38)},
    dialects={
        "keras": Dialect(
            call="keras.optimizers.AdamW",
            arguments={**KERAS, "amsgrad": "amsgrad", "weight_decay": "weight_decay"},
            twists=ADAM.dialects["keras"].twists,
            decay="decoupled",
            note="The decay is .004 by default and falls on every variable, biases and "
            "normalization too, unless exclude_from_weight_decay is called.",
        ),
        "torch": Dialect(
            call="torch.optim.AdamW",
            arguments={**TORCH, "amsgrad": "amsgrad", "weight_decay": "weight_decay"},
            defaults={"epsilon": 1e-8, "weight_decay": 0.01},
            twists=ADAM.dialects["torch"].twists,
            decay="decoupled",
            note="The decay is .01 by default, on all parameters of the group.",
        ),
        "optax": Dialect(
            call="optax.adamw",
            calls={"amsgrad": "optax.amsgrad"},
            arguments={**OPTAX, "weight_decay": "weight_decay"},
            mask="mask",
            defaults={"epsilon": 1e-8, "weight_decay": 1e-4},
            twists=ADAM.dialects["optax"].twists,
            decay="decoupled",
            note="The decay is 1e-4 by default; mask says on what.",
        ),
    },
)
