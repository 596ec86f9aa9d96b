"""Muon: momentum, made orthogonal, for the matrices of hidden layers; AdamW for the rest.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; Liu et al. 2025,
"Muon is scalable for LLM training", for the scale that matches AdamW.

    m = μ·m + g
    X = Newton–Schulz(g + μ·m)                   Nesterov; without it Newton–Schulz(m)
    w = w − η·0.2·√max(in, out)·X                Keras; PyTorch, Optax: η·√max(1, out/in)·X

    Newton–Schulz: X = M/‖M‖; five times: A = X·Xᵀ, X = 3.4445·X + (−4.775·A + 2.0315·A·A)·X

Embeddings, the head, biases, normalization and kernels that are no matrices take AdamW's step with
the same learning rate and weight decay.
"""

from collections.abc import Mapping
from typing import Any

from steepest.records import Parameter
from steepest.rules.arrays import Array, fan_in_and_out, maximum, norm, sqrt, transposed
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("momentum", "v")


def choose(parameter: Parameter, flags: Mapping[str, Any]) -> dict[str, bool]:
    matrix = len(parameter.shape) == 2
    if flags["routing"] == "keras":
        return {"matrix": matrix and "embedding" not in parameter.path.lower()}
    if flags["routing"] == "optax":
        return {"matrix": matrix}
    return {"matrix": matrix and parameter.role == "kernel"}


def newton_schulz(x: Array, h: Hyperparameters) -> Array:
    tall = x.shape[0] > x.shape[1]
    x = transposed(x) if tall else x
    if h.form == "torch":
        x = x / maximum(norm(x), norm(x) * 0 + 1e-7)
    else:
        x = x / (norm(x) + (1e-7 if h.form == "keras" else 1e-8))
    for _ in range(h.ns_steps):
        a = x @ transposed(x)
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return transposed(x) if tall else x


def matrix_step(g: Array, m: Array, t: Array, h: Hyperparameters) -> tuple[Array, Array]:
    """Return what is subtracted from a matrix, for a rate of 1, and its momentum."""
    mu, new = h.momentum, h.complement.momentum
    if h.form == "keras":
        m = mu * m + g
        x = g + mu * m if h.nesterov else m
    else:
        m = mu * m + new * g
        x = m
        if h.form == "torch" and h.nesterov:
            x = new * g + mu * m
        if h.form == "optax" and h.nesterov:
            x = mu * m / (1 - mu ** (t + 1)) + new * g / (1 - mu**t)
        if h.form == "optax" and not h.nesterov:
            x = m / (1 - mu**t)
    into, out = fan_in_and_out(g)
    scale = 0.2 * max(into, out) ** 0.5 if h.match_rms_adamw else max(1, out / into) ** 0.5
    return scale * newton_schulz(x, h), m


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    m, v = memory
    if h.matrix:
        step, m = matrix_step(g, m, t, h)
        return w - h.learning_rate * step, (m, v)
    lr, b1, b2 = h.learning_rate, h.adam_beta_1, h.adam_beta_2
    m = m + (g - m) * h.complement.adam_beta_1
    v = v + (g * g - v) * h.complement.adam_beta_2
    if h.form == "keras":
        return w - m * (lr * sqrt(1 - b2**t) / (1 - b1**t)) / (sqrt(v) + h.epsilon), (m, v)
    m_hat = m / (1 - b1**t)
    if h.form == "optax" and h.nesterov:
        m_hat = b1 * m / (1 - b1 ** (t + 1)) + h.complement.adam_beta_1 * g / (1 - b1**t)
    return w - lr * m_hat / (sqrt(v / (1 - b2**t)) + h.epsilon), (m, v)


MUON = Rule(
    name="Muon",
    doc=__doc__,
    about=About(
        does="Replaces the momentum of each hidden matrix by the nearest orthogonal matrix, so "
        "that all its directions learn at the same speed. Everything else takes AdamW's step.",
        strengths=(
            "fastest in recent comparisons on language models",
            "one array of memory for each matrix in place of Adam's two",
        ),
        weaknesses=(
            "five products of matrices a step: dear for small batches",
            "needs to know what a parameter is; frameworks guess, and send attention's biases and "
            "the head the wrong way",
        ),
        when="Transformers and networks whose weights are mostly matrices.",
        tune="The learning rate and the weight decay; then the momentum.",
    ),
    update=update,
    memory=memory,
    choose=choose,
    defaults={
        "learning_rate": 0.001,
        "momentum": 0.95,
        "weight_decay": 0.004,
        "adam_beta_1": 0.9,
        "adam_beta_2": 0.999,
        "epsilon": 1e-7,
    },
    flags={"nesterov": True, "match_rms_adamw": True, "ns_steps": 5, "routing": "role"},
    values={"ns_steps": tuple(range(1, 21)), "routing": ("role", "keras", "optax")},
    spaces={
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "weight_decay": Float(1e-4, 1.0, log=True),
        "momentum": Float(0.8, 0.99, log=True, complement=True),
        "adam_beta_1": Float(0.5, 0.98, log=True, complement=True),
        "epsilon": Float(1e-8, 1e-2, log=True),
        "adam_beta_2": Float(0.9, 0.9999, log=True, complement=True),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "momentum": (0.0, 1.0),
        "weight_decay": (0.0, 1e38),
        "adam_beta_1": (0.0, 1.0),
        "adam_beta_2": (0.0, 1.0),
        "epsilon": (0.0, 1e38),
    },
    idle={"nesterov": "momentum"},
    twists={
        "form": "the form of the momentum, the small numbers, and the AdamW of the other weights"
    },
    looks_at_axes=True,
    dialects={
        "keras": Dialect(
            call="keras.optimizers.Muon",
            arguments={
                "learning_rate": "learning_rate",
                "momentum": "momentum",
                "weight_decay": "weight_decay",
                "adam_beta_1": "adam_beta_1",
                "adam_beta_2": "adam_beta_2",
                "epsilon": "epsilon",
                "nesterov": "nesterov",
                "ns_steps": "ns_steps",
            },
            fixed={"match_rms_adamw": True},
            twists={"form": "keras"},
            decay="decoupled",
            note="Routes by ndim == 2 and the word embedding, so biases of attention and the head "
            "go to Muon unless exclude_layers names them; 3-D kernels of attention cannot.",
        ),
        "torch": Dialect(
            call="torch.optim.Muon",
            arguments={
                "learning_rate": "lr",
                "momentum": "momentum",
                "weight_decay": "weight_decay",
                "nesterov": "nesterov",
                "ns_steps": "ns_steps",
            },
            defaults={"weight_decay": 0.1, "epsilon": 1e-8, "match_rms_adamw": False},
            twists={"form": "torch"},
            exact=False,
            decay="decoupled",
            note="Takes matrices only, so the rest needs an AdamW beside it; computes "
            "Newton–Schulz in bfloat16, which Steepest does in the weights' own type.",
        ),
        "optax": Dialect(
            call="optax.contrib.muon",
            arguments={
                "learning_rate": "learning_rate",
                "momentum": "beta",
                "adam_beta_1": "adam_b1",
                "adam_beta_2": "adam_b2",
                "nesterov": "nesterov",
                "ns_steps": "ns_steps",
            },
            defaults={"weight_decay": 0.0, "match_rms_adamw": False},
            fixed={"epsilon": 1e-8},
            twists={"form": "optax"},
            decay="decoupled",
            note="Bias-corrected averages; the other weights take NAdam when nesterov is set; "
            "routes by ndim == 2 unless muon_weight_dimension_numbers is given.",
        ),
    },
)
