"""Adafactor: Adam without momentum, with the squares of a matrix kept as rows and columns.

Shazeer & Stern 2018, "Adafactor: adaptive learning rates with sublinear memory cost".

    β = 1 − t^d                                              d = −0.8
    r = β·r + (1 − β)·mean of rows of (g² + ε₁)
    c = β·c + (1 − β)·mean of columns of (g² + ε₁)
    v = r·c / mean(r)                                        vectors keep v itself
    u = g/√v                  u = u / max(1, RMS(u)/threshold)
    w = w − max(ε₂, RMS(w))·min(η, 1/√t)·u

Keras' form; PyTorch puts ε₁ elsewhere, and Optax leaves out 1/√t, factors only large matrices, and
has a weight decay without the learning rate.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, filled, maximum, mean, minimum, size, sqrt, total
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("rows", "columns")


def factored(w: Array, h: Hyperparameters) -> tuple[int, int] | None:
    """Return the two axes whose squares are kept apart, or None; Keras' order of axes."""
    if len(w.shape) < 2:
        return None
    if h.form == "torch" and len(w.shape) > 2:  # its kernels are [out, in, *space]
        order = [len(w.shape) - 1, len(w.shape) - 2, *range(len(w.shape) - 2)]
        return order[-2], order[-1]
    if h.form == "optax":  # the two largest
        order = sorted(range(len(w.shape)), key=lambda axis: w.shape[axis])
        large = w.shape[order[-2]] >= h.smallest_factored
        return (order[-2], order[-1]) if large else None
    return len(w.shape) - 2, len(w.shape) - 1


def begin(w: Array, h: Hyperparameters) -> Memory:
    axes = factored(w, h)
    if axes is None:
        return (filled(w, 0.0),)
    return filled(mean(w, axis=axes[1]), 0.0), filled(mean(w, axis=axes[0]), 0.0)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    axes = factored(w, h)
    new = t**h.beta_2_decay
    square = g * g if h.form == "torch" else g * g + h.epsilon_1
    if axes is None:
        v = (1 - new) * memory[0] + new * square
        after: Memory = (v,)
    else:
        r = (1 - new) * memory[0] + new * mean(square, axis=axes[1])
        c = (1 - new) * memory[1] + new * mean(square, axis=axes[0])
        middle = mean(r, axis=axes[0])
        if h.form == "torch":
            v = r * c / maximum(middle, middle * 0 + h.epsilon_1)
        else:
            v = r / middle * c
        after = (r, c)
    if h.form == "torch":
        v = maximum(v, v * 0 + h.epsilon_1 * h.epsilon_1)
    u = g / sqrt(v)
    rms = sqrt(total(u * u) / size(u))
    u = u / maximum(rms / h.clip_threshold, rms * 0 + 1)
    rate = h.learning_rate if h.form == "optax" else minimum(t**-0.5, t * 0 + h.learning_rate)
    scale = sqrt(total(w * w) / size(w))
    scale = maximum(scale, scale * 0 + h.epsilon_2)
    if h.form == "optax":
        u = scale * rate * u + h.weight_decay * w
        return w - u, after
    if h.form == "torch":
        w = w - w * (h.learning_rate * h.weight_decay)
    return w - scale * rate * u, after


ADAFACTOR = Rule(
    name="Adafactor",
    doc=__doc__,
    about=About(
        does="Scales the gradient as Adam does, but remembers for a matrix only the mean squares "
        "of its rows and columns. Steps are relative to the size of the weights, and shrink as "
        "1/√t.",
        strengths=(
            "hardly any memory: rows + columns instead of rows × columns",
            "trained T5 and other very large models",
        ),
        weaknesses=(
            "no momentum, so slower than Adam at the same rate",
            "in Keras and PyTorch the rate falls below 1/√t whatever you ask for",
        ),
        when="When Adam's memory does not fit.",
        tune="The learning rate, from 1e-3 to 1e-1.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={
        "learning_rate": 0.001,
        "beta_2_decay": -0.8,
        "epsilon_1": 1e-30,
        "epsilon_2": 0.001,
        "clip_threshold": 1.0,
    },
    flags={"smallest_factored": 128},
    values={"smallest_factored": tuple(range(1, 4097))},
    spaces={
        "learning_rate": Float(1e-3, 1.0, log=True),
        "epsilon_2": Float(1e-5, 1e-1, log=True),
        "clip_threshold": Float(0.3, 10.0, log=True),
        "beta_2_decay": Float(-0.99, -0.5),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "beta_2_decay": (-10.0, 1e-9),
        "epsilon_1": (0.0, 1e38),
        "epsilon_2": (0.0, 1e38),
        "clip_threshold": (1e-30, 1e38),
    },
    twists={
        "form": "where ε₁ enters, whether the rate stays below 1/√t, which axes are factored, and "
        "how weight decay is scaled"
    },
    decays_itself=lambda flags: flags["form"] in ("torch", "optax"),
    looks_at_axes=True,
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Adafactor",
            arguments={
                "learning_rate": "learning_rate",
                "beta_2_decay": "beta_2_decay",
                "epsilon_1": "epsilon_1",
                "epsilon_2": "epsilon_2",
                "clip_threshold": "clip_threshold",
            },
            fixed={"smallest_factored": 1},
            twists={"form": "keras"},
            decay="decoupled",
            note="The rate stays below 1/√t even with relative_step=False; the last two axes are "
            "factored, in convolutions too.",
        ),
        "torch": Dialect(
            call="torch.optim.Adafactor",
            arguments={
                "learning_rate": "lr",
                "beta_2_decay": "beta2_decay",
                "epsilon_1": "eps[0]",
                "epsilon_2": "eps[1]",
                "clip_threshold": "d",
                "weight_decay": "weight_decay",
            },
            defaults={"learning_rate": 0.01, "epsilon_1": 1.1920928955078125e-07},
            fixed={"smallest_factored": 1},
            twists={"form": "torch"},
            decay="decoupled",
            note="ε₁ is a floor below rows·columns and not added to g²; of a convolution's kernel "
            "the last two axes in PyTorch's order are factored.",
        ),
        "optax": Dialect(
            call="optax.adafactor",
            arguments={
                "learning_rate": "learning_rate",
                "epsilon_1": "eps",
                "clip_threshold": "clipping_threshold",
                "smallest_factored": "min_dim_size_to_factor",
                "beta_2_decay": "-decay_rate",
                "weight_decay": "weight_decay_rate",
            },
            mask="weight_decay_mask",
            fixed={"epsilon_2": 0.001},
            twists={"form": "optax"},
            decay="decoupled",
            note="No 1/√t; factors the two largest axes if both are at least 128; "
            "weight_decay_rate is not multiplied by the learning rate.",
        ),
    },
)
