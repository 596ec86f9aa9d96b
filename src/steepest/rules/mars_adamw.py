"""MARSAdamW: AdamW on gradients that the change of the gradient corrects.

Yuan et al. 2024, "MARS: unleashing the power of variance reduction for training large models".

    c = g + γ·β₁/(1 − β₁)·(g − g₋₁)                 g₋₁ is the last step's gradient, at first 0
    c = c / max(‖c‖, 1)                             array by array
    m = m + (1 − β₁)·(c − m)
    v = v + (1 − β₂)·(c² − v)
    w = w − η·m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)

Arrays that have not two axes, such as biases and kernels of convolutions, take AdamW's step on g,
with its own betas. This is the authors' approximate form, in which g₋₁ is of the last batch.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.adam import BOUNDS, SPACES
from steepest.rules.arrays import Array, filled, maximum, norm, sqrt
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v", "last")


def begin(w: Array, h: Hyperparameters) -> Memory:
    zeros = (filled(w, 0.0), filled(w, 0.0))
    return (*zeros, filled(w, 0.0)) if len(w.shape) == 2 else zeros


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v = memory[0], memory[1]
    rest: Memory = ()
    if len(w.shape) == 2:
        c = g + h.gamma * h.beta_1 / h.complement.beta_1 * (g - memory[2])
        length = norm(c)
        c = c / maximum(length, length * 0 + 1)
        rest = (g + 0,)  # a copy: PyTorch may write into the gradient itself
        b1, b2, new_1, new_2 = h.beta_1, h.beta_2, h.complement.beta_1, h.complement.beta_2
    else:
        c, b1, b2 = g, h.adam_beta_1, h.adam_beta_2
        new_1, new_2 = h.complement.adam_beta_1, h.complement.adam_beta_2
    m = m + (c - m) * new_1
    v = v + (c * c - v) * new_2
    step = m / (1 - b1**t) / (sqrt(v / (1 - b2**t)) + h.epsilon)
    return w - h.learning_rate * step, (m, v, *rest)


MARS_ADAMW = Rule(
    name="MARSAdamW",
    doc=__doc__,
    about=About(
        does="AdamW on gradients to which a part of their change since the last step is added. "
        "That takes out some of the noise of the batches, as methods of variance reduction do, at "
        "the cost of one more array.",
        strengths=(
            "ahead of AdamW in comparisons of long trainings of language models",
            "one gradient a step, as with AdamW",
        ),
        weaknesses=(
            "three arrays of memory for each weight of a matrix",
            "the norm of each matrix' gradient is clipped to 1, whatever the model",
            "kernels of convolutions have more than two axes, so they get plain AdamW",
        ),
        when="Transformers and networks whose weights are mostly matrices, in long trainings.",
        tune="The learning rate and the weight decay; then 1 − β₁ and γ.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={
        "learning_rate": 0.003,
        "beta_1": 0.95,
        "beta_2": 0.99,
        "gamma": 0.025,
        "epsilon": 1e-8,
        "adam_beta_1": 0.9,
        "adam_beta_2": 0.95,
    },
    spaces={
        "learning_rate": SPACES["learning_rate"],
        "beta_1": SPACES["beta_1"],
        "gamma": Float(0.005, 0.1, log=True),
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds={
        **BOUNDS,
        "gamma": (0.0, 1e38),
        "adam_beta_1": (0.0, 1.0),
        "adam_beta_2": (0.0, 1.0),
    },
    adam_for_vectors=True,
    dialects={
        "keras": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            decay="decoupled",
            note="The authors' MARS decays arrays that are no "
            "matrices by .1 unless told otherwise; timm's takes g for c at the first step.",
        ),
        "optax": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
    },
)
