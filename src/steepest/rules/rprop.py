"""Rprop: the sign of the gradient alone, and for each weight a step that grows and shrinks.

Riedmiller & Braun 1993, "A direct adaptive method for faster backpropagation learning: the RPROP
algorithm"; without its return to the weights before, as Igel & Hüsken 2003 have it (iRprop⁻).

    s = s·η⁺  where g·g₋₁ > 0;  s·η⁻ where g·g₋₁ < 0;  then within [s_min, s_max]
    g = 0     where g·g₋₁ < 0
    w = w − s·sign(g)                                 then g₋₁ = g; at first s = η, g₋₁ = 0

The learning rate is where s starts: it is read once, so a schedule changes nothing after it.
Optax takes each step one gradient late, and holds s within its limits only where it changes.
"""

from collections.abc import Mapping
from typing import Any

from steepest.rules.arrays import Array, filled, maximum, minimum, sign, where
from steepest.rules.rule import About, Dialect, Hyperparameters, Memory, Rule
from steepest.spaces import Float


def memory(flags: Mapping[str, Any]) -> tuple[str, ...]:
    return ("before", "s")


def update(
    g: Array, w: Array, memory: Memory, t: Array, h: Hyperparameters
) -> tuple[Array, Memory]:
    before, s = memory
    one = filled(w, 1.0)
    s = where(t == 1, one * h.learning_rate, s)
    turn = g * before
    grown = s * where(turn > 0, one * h.eta_plus, where(turn < 0, one * h.eta_minus, one))
    held = minimum(maximum(grown, one * h.min_step_size), one * h.max_step_size)
    if h.late:
        s = where(turn == 0, s, held)
        return w - where(turn < 0, 0 * before, before), (where(turn < 0, 0 * g, s * sign(g)), s)
    g = where(turn < 0, 0 * g, g)
    return w - held * sign(g), (g, held)


RPROP = Rule(
    name="Rprop",
    doc=__doc__,
    about=About(
        does="Moves each weight by a step of its own, in the direction that the sign of its "
        "gradient says. The step grows while the sign stays and is halved where it turns; how "
        "large the gradient is does not matter. Made for full batches: one gradient of all "
        "examples at each step.",
        strengths=(
            "hardly anything to tune: the steps find their length by themselves",
            "blind to the scale of the loss and of each weight's gradient",
            "among the fastest first-order methods on small data in one batch",
        ),
        weaknesses=(
            "with minibatches the signs turn with the noise, so steps shrink to nothing or jump; "
            "RMSprop was made to mend that",
            "a learning-rate schedule does nothing, as the rate is read once",
            "steps may grow up to max_step_size, which is 50 by default",
        ),
        when="Small data that fits into one batch; not with minibatches.",
        tune="Little: max_step_size where it diverges; the learning rate is only the first step.",
    ),
    update=update,
    memory=memory,
    defaults={
        "learning_rate": 0.01,
        "eta_minus": 0.5,
        "eta_plus": 1.2,
        "min_step_size": 1e-6,
        "max_step_size": 50.0,
    },
    spaces={
        "learning_rate": Float(1e-5, 1e-1, log=True),
        "max_step_size": Float(1e-3, 50.0, log=True),
        "eta_plus": Float(1.05, 1.5),
        "eta_minus": Float(0.2, 0.8),
    },
    bounds={
        "learning_rate": (0.0, 1e38),
        "eta_minus": (1e-9, 1.0),
        "eta_plus": (1.000001, 1e6),
        "min_step_size": (0.0, 1e38),
        "max_step_size": (1e-30, 1e38),
    },
    twists={
        "late": "whether each step is that of the gradient before, within limits only where its "
        "length changes"
    },
    full_batches=True,
    rate_once=True,
    dialects={
        "keras": Dialect(
            twists={"late": False},
            decay="decoupled",
            note="Its arithmetic is taken from PyTorch.",
        ),
        "torch": Dialect(
            call="torch.optim.Rprop",
            arguments={
                "learning_rate": "lr",
                "eta_minus": "etas[0]",
                "eta_plus": "etas[1]",
                "min_step_size": "step_sizes[0]",
                "max_step_size": "step_sizes[1]",
            },
            twists={"late": False},
            note="The learning rate is read at the first step alone, so a scheduler does nothing "
            "but in a warm-up, which makes the first step min_step_size.",
        ),
        "optax": Dialect(
            call="optax.rprop",
            arguments={
                "learning_rate": "learning_rate",
                "eta_minus": "eta_minus",
                "eta_plus": "eta_plus",
                "min_step_size": "min_step_size",
                "max_step_size": "max_step_size",
            },
            twists={"late": True},
            takes_schedules=False,
            note="Each step is that of the gradient before, so the first one moves nothing; the "
            "learning rate has no default and may not be a schedule.",
        ),
    },
)
