"""SOAP: Adam in the eigenbasis of Shampoo's matrices.

Vyas et al. 2024, "SOAP: improving and stabilizing Shampoo using Adam".

    G = into(g)                                   g in the bases Q, one for each axis
    m = β₁·m + (1 − β₁)·G
    v = β₂·v + (1 − β₂)·G²
    w = w − η·√(1 − β₂ᵏ)/(1 − β₁ᵏ)·out(m/(√v + ε))              k = t − 1
    w = w − η·λ·w
    L = β₂·L + (1 − β₂)·g·gᵀ                      for each axis, over all others
    Q = QR(L·Q)                                   each 10 steps, sorted by diag(Qᵀ·L·Q)

The first step moves nothing: it makes Q, the eigenvectors of the first L. An axis longer than
max_precond_dim keeps its own basis, and arrays of one axis keep theirs, so they take Adam's steps.
When Q changes, m goes out of the old basis and into the new one; v is only sorted with it. A kernel
of a convolution has a basis for each of its axes (the authors' merge_dims=False).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from steepest.rules.adam import BOUNDS, SPACES
from steepest.rules.arrays import (
    Array,
    descending,
    eigenbasis,
    either,
    filled,
    gram,
    identity,
    maximum,
    mean,
    multiplied,
    orthonormal,
    sqrt,
    taken,
    transposed,
    where,
)
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("m", "v", "L", "Q_L", "R", "Q_R")


def turned_axes(w: Array, h: Hyperparameters) -> list[int]:
    """Return the axes that have a basis."""
    axes = range(len(w.shape)) if len(w.shape) > 1 else []
    return [axis for axis in axes if w.shape[axis] <= h.max_precond_dim]


def begin(w: Array, h: Hyperparameters) -> Memory:
    found = [filled(w, 0.0), filled(w, 0.0)]
    for axis in turned_axes(w, h):
        basis = identity(w, w.shape[axis])
        found += [filled(basis, 0.0), basis]
    return tuple(found)


def into(x: Array, axes: Sequence[int], bases: Sequence[Array]) -> Array:
    for axis, q in zip(axes, bases, strict=True):
        x = multiplied(x, q, axis)
    return x


def out(x: Array, axes: Sequence[int], bases: Sequence[Array]) -> Array:
    for axis, q in zip(axes, bases, strict=True):
        x = multiplied(x, transposed(q), axis)
    return x


def blended(square: Array, g: Array, axis: int, h: Hyperparameters) -> Array:
    return square + (gram(g, axis) - square) * h.complement.beta_2


def new_bases(
    m: Array, v: Array, axes: Sequence[int], squares: Sequence[Array], bases: Sequence[Array]
) -> Memory:
    """Return m, v and the bases after a power iteration."""
    m, found = out(m, axes, bases), []
    for axis, square, q in zip(axes, squares, bases, strict=True):
        power = square @ q
        order = descending(mean(q * power, 0)[0])
        v = taken(v, order, axis)
        found.append(orthonormal(taken(power, order, 1)))
    return (into(m, axes, found), v, *found)


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    axes, first = turned_axes(w, h), t == 1
    k = maximum(t - 1, t * 0 + 1)
    m, v, squares, bases = memory[0], memory[1], memory[2::2], memory[3::2]
    turned = into(g, axes, bases)
    m = where(first, m, h.beta_1 * m + h.complement.beta_1 * turned)
    v = where(first, v, h.beta_2 * v + h.complement.beta_2 * turned * turned)
    scale = h.learning_rate * sqrt(1 - h.beta_2**k) / (1 - h.beta_1**k)
    moved = w - scale * out(m / (sqrt(v) + h.epsilon), axes, bases)
    moved = where(first, w, moved - h.learning_rate * h.weight_decay * moved)
    grams = [blended(one, g, axis, h) for axis, one in zip(axes, squares, strict=True)]

    def begun() -> Memory:
        return (m, v, *[eigenbasis(one) for one in grams])

    def renewed() -> Memory:
        return new_bases(m, v, axes, grams, bases)

    def due() -> Any:
        return either(first, begun, renewed)

    def kept() -> Memory:
        return (m, v, *bases)

    if axes:
        m, v, *bases = either((t - 1) % h.precondition_frequency == 0, due, kept)
    pairs = zip(grams, bases, strict=True)
    return moved, (m, v, *[one for pair in pairs for one in pair])


SOAP = Rule(
    name="SOAP",
    doc=__doc__,
    about=About(
        does="Adam on gradients that are turned into the directions in which they vary most, and "
        "turned back after the step. Each axis of a weight has such a basis, the eigenvectors of "
        "an average of g·gᵀ, which is renewed every tenth step. Weights with one axis, such as "
        "biases, take Adam's steps.",
        strengths=(
            "with Muon the fastest in comparisons on language models: 1.4 times at 0.1 billion "
            "parameters, 1.1 times at 1.2 billion",
            "fewer steps than Adam where the features of a layer are correlated",
            "Adam's hyperparameters, and near its values",
        ),
        weaknesses=(
            "two square matrices an axis beside Adam's memory, and a QR decomposition of each "
            "every ten steps: dear for wide layers, most of all on a CPU",
            "the basis of directions without gradient is arbitrary, so two machines' trainings go "
            "apart, as from another seed",
            "the first step moves nothing",
        ),
        when="Networks whose weights are mostly matrices with sides up to some thousands, and "
        "large batches, where a step's own work is small beside the gradient's.",
        tune="The learning rate; then 1 − β₁. precondition_frequency: 1 is best in steps, 10 in "
        "time.",
    ),
    update=update,
    memory=memory,
    begin=begin,
    defaults={"learning_rate": 0.003, "beta_1": 0.95, "beta_2": 0.95, "epsilon": 1e-8},
    flags={"precondition_frequency": 10, "max_precond_dim": 10000},
    values={
        "precondition_frequency": (1, 2, 5, 10, 20, 50, 100),
        "max_precond_dim": (1, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 10000),
    },
    spaces={
        "learning_rate": SPACES["learning_rate"],
        "beta_1": SPACES["beta_1"],
        "epsilon": SPACES["epsilon"],
        "beta_2": SPACES["beta_2"],
    },
    bounds=BOUNDS,
    decays_itself=lambda _: True,
    adam_for_vectors=True,
    dialects={
        "keras": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
        "torch": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' SOAP at its defaults, which decays by .01 "
            "unless told otherwise; decay comes after the step.",
        ),
        "optax": Dialect(
            decay="decoupled",
            note="The arithmetic is that of the authors' PyTorch.",
        ),
    },
)
